// Sends a request as an SDK does, and returns what arrived on the wire.
import { type IncomingHttpHeaders, request } from "node:http";

export interface Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The parsed body if it is JSON, otherwise empty. */
  readonly body: Readonly<Record<string, string>>;
}

export interface RequestOptions {
  readonly token?: string;
  readonly path?: string;
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function sendRequest(port: number, options: RequestOptions = {}): Promise<Response> {
  const { token, path = "/v1/credentials", method = "GET", host = "127.0.0.1", headers } = options;
  const sent = { ...(token === undefined ? {} : { Authorization: token }), ...headers };
  return new Promise((resolve, reject) => {
    const sending = request({ host, port, path, method, headers: sent, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => {
        const isJson = response.headers["content-type"] === "application/json" && text !== "";
        const body = isJson ? (JSON.parse(text) as Record<string, string>) : {};
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body });
      });
    });
    sending.on("error", reject).end();
  });
}
