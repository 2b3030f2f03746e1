// Reads the bodies of reviews within a budget: what arrives, what its parsed form takes, and what is returned all count
// until the response has been sent. Decides nothing about their content.
import type { IncomingMessage } from "node:http";
import type { Server } from "node:https";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { BudgetRequest } from "../runtime/budget.ts";
import { addressOf, type LimitedRequests } from "../runtime/budget-http.ts";
import type { Turns } from "./turns.ts";

/** In bytes: the API server accepts requests up to 3 MiB, and the review of a creation holds one object. */
const MAX_REVIEW_BYTES = 3 * 1024 * 1024;
/**
 * Objects, lists, members and elements. An environment variable takes five nodes, so the limit is a pod with about
 * 20 000 variables. JSON.parse() then takes up to 0.1 s on one core.
 */
const MAX_NODES = 100_000;
/** Memory of one part of a body besides its bytes, measured. With chunked encoding a part may have one byte. */
const PART_BYTES = 700;
/** Upper bound on the memory of one node, measured with objects of one member each, all with different names. */
const NODE_BYTES = 70;

export interface BodiesDeps {
  readonly requests: LimitedRequests;
  readonly turns: Turns;
  /** Whether the operator's settings say that the address is the API server's; absent: they say nothing. */
  readonly isApiServer?: (address: string) => boolean;
  /** Receives how much memory each part of a body takes. */
  readonly onReceived: (bytes: number) => void;
}

/** Applies the budget to every request of `http`. */
export function limitBodies(
  http: FastifyInstance<Server>,
  { requests, turns, isApiServer = () => false, onReceived }: BodiesDeps,
): void {
  const limited = new WeakMap<IncomingMessage, BudgetRequest>();
  const parseJson = http.getDefaultJsonParser("error", "error");

  http.addHook("onRequest", (request, reply, done) => {
    const begun = requests.begin(request.raw, reply.raw);
    // The connection is closed: nobody waits for an answer.
    if (begun === undefined) return void reply.hijack();
    limited.set(request.raw, begun);
    done();
  });
  http.addHook("preParsing", (request, _reply, payload, done) => {
    payload.on("data", ({ length }: Buffer) => {
      limited.get(request.raw)?.receive(length + PART_BYTES);
      onReceived(length + PART_BYTES);
    });
    done(null, payload);
  });
  http.addHook("onSend", (request, _reply, payload, done) => {
    if (typeof payload === "string") limited.get(request.raw)?.receive(payload.length);
    done();
  });

  http.removeContentTypeParser(["text/plain", "application/json"]);
  http.addContentTypeParser(
    "application/json",
    { parseAs: "buffer", bodyLimit: MAX_REVIEW_BYTES },
    async (request: FastifyRequest, body: Buffer) => {
      const own = limited.get(request.raw);
      const nodes = countNodes(body);
      if (nodes > MAX_NODES) throw tooManyNodesError(nodes);
      const weight = reviewWeight({ bytes: body.length, nodes });
      const coming = { caller: own?.caller ?? "", weight, precedes: isApiServer(addressOf(request.raw.socket)) };
      await whileConnected(request.raw, (signal) => turns.take(coming, signal));
      if (own?.receive(nodes * NODE_BYTES) === false) throw tooManyNodesError(nodes);
      return new Promise((resolve, reject) => {
        void parseJson(request, body.toString(), (error, value) => (error ? reject(error) : resolve(value)));
      });
    },
  );
}

/**
 * Returns the weight of a review: the size in bytes of an ordinary review that keeps the webhook busy for the same
 * time. A container without variables has 16 bytes and three nodes but costs as much as 160 bytes of an ordinary pod.
 */
export function reviewWeight({ bytes, nodes }: { readonly bytes: number; readonly nodes: number }): number {
  return bytes + 50 * nodes;
}

/**
 * The signal aborts when the connection closes, so that a review does not wait for its turn with its body in memory.
 */
async function whileConnected(
  { socket }: IncomingMessage,
  wait: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  socket.once("close", abort);
  try {
    await wait(controller.signal);
  } finally {
    socket.off("close", abort);
  }
}

function tooManyNodesError(nodes: number): Error {
  const message = `it has ${nodes} objects, lists and members, at most ${MAX_NODES} are read`;
  return Object.assign(new Error(message), { statusCode: 413 });
}

const CHARACTER_CODES = { quote: 0x22, backslash: 0x5c, comma: 0x2c, colon: 0x3a, bracket: 0x5b, brace: 0x7b } as const;

/**
 * Counts the characters of a JSON text that begin an object or list, or separate members, elements, names and values:
 * those outside of strings. Reads each byte once and parses nothing.
 */
export function countNodes(json: Uint8Array): number {
  let nodes = 0;
  for (let index = 0; index < json.length; index++) {
    const code = json[index];
    if (code === CHARACTER_CODES.quote) index = endOfString(json, index);
    else if (
      code === CHARACTER_CODES.comma ||
      code === CHARACTER_CODES.colon ||
      code === CHARACTER_CODES.bracket ||
      code === CHARACTER_CODES.brace
    )
      nodes += 1;
  }
  return nodes;
}

/**
 * Returns the index of the quote that ends the string which begins at `start`. Byte by byte, because nearly all strings
 * of a pod are short: a search by the platform takes longer to begin than to read a hundred bytes.
 */
function endOfString(json: Uint8Array, start: number): number {
  for (let index = start + 1; index < json.length; index++) {
    const code = json[index];
    if (code === CHARACTER_CODES.quote) return index;
    // Whatever is escaped does not end the string.
    if (code === CHARACTER_CODES.backslash) index += 1;
  }
  return json.length;
}
