// Asks as an SDK does, and shows what came back on the wire.
import { type IncomingHttpHeaders, request } from "node:http";

export interface Asked {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Readonly<Record<string, string>>;
}

export interface AskOptions {
  readonly token?: string;
  readonly path?: string;
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function ask(port: number, options: AskOptions = {}): Promise<Asked> {
  const { token, path = "/v1/credentials", method = "GET", host = "127.0.0.1", headers } = options;
  const sent = { ...(token === undefined ? {} : { Authorization: token }), ...headers };
  return new Promise((resolve, reject) => {
    const asking = request({ host, port, path, method, headers: sent, agent: false }, (response) => {
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
    asking.on("error", reject).end();
  });
}
