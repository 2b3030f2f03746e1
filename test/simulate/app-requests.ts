// Requests of an app to its sidecar's endpoint, through the function that handles real ones.
import type { IncomingMessage, ServerResponse } from "node:http";
import { currentWorld } from "./surroundings.ts";

/** The answer of the endpoint. */
export interface Answer {
  readonly status: number;
  /** JSON, or the text of a page. */
  readonly body: string | Buffer;
}

type Fields = Readonly<Record<string, string>>;

/** A sidecar builds the reply with its credentials once, and apps get it many times. */
const decoded = new WeakMap<Buffer, Fields>();

/** Returns the fields of a JSON body. */
export function fieldsOf({ body }: Answer): Fields {
  if (typeof body === "string") return JSON.parse(body) as Fields;
  const found = decoded.get(body) ?? (JSON.parse(body.toString()) as Fields);
  decoded.set(body, found);
  return found;
}

/** The health port of a pod beside its credentials port. */
export const HEALTH_OFFSET = 100_000;

const HEADERS = { host: "127.0.0.1" };

/** Sends a request; `onAnswer` gets the answer, undefined if nothing listens. */
export function sendRequest(
  port: number,
  path: string,
  token: string | undefined,
  onAnswer: (answer: Answer | undefined) => void,
): void {
  const handle = currentWorld().podServers.get(port);
  if (!handle) return onAnswer(undefined);
  const request = {
    method: "GET",
    url: path,
    headers: token === undefined ? HEADERS : { ...HEADERS, authorization: token },
  };
  let status = 0;
  const response = {
    destroyed: false,
    once: () => response,
    off: () => response,
    writeHead(code: number) {
      status = code;
      return response;
    },
    end(text: string | Buffer) {
      response.destroyed = true;
      onAnswer({ status, body: text });
    },
  };
  handle(request as unknown as IncomingMessage, response as unknown as ServerResponse);
}
