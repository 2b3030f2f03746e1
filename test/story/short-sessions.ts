// A proxy in front of the STS emulator that shortens sessions: STS issues none below 15 minutes, and a story cannot
// wait for half of that. Everything else passes unchanged, signatures included.
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { bindLoopback } from "../loopback.ts";

export interface ShortSessions {
  readonly url: string;
  /** URL of the emulator; set once the cluster is up. */
  target: string;
  /** Session lifetimes by role ARN, in milliseconds; sessions of other roles are not shortened. */
  readonly lifetimes: Map<string, number>;
  /** By role ARN: AssumeRole waits until the promise resolves. */
  readonly gates: Map<string, Promise<void>>;
  /** Returns how many requests wait at gates. */
  readonly waiting: () => number;
  close(): Promise<void>;
}

/** Starts the proxy on a free port of the loopback, or on `port` of all addresses. */
export async function startShortSessions(port?: number): Promise<ShortSessions> {
  let waiting = 0;
  const waitAtGate = async (roleArn: string) => {
    waiting += 1;
    await front.gates.get(roleArn);
    waiting -= 1;
  };
  const server = createServer((incoming, outgoing) => {
    // The emulator's fault may be a reset connection, so the proxy resets its own.
    forward(incoming, outgoing, { ...front, waitAtGate }).catch(() => incoming.socket.destroy());
  });
  const front: ShortSessions = {
    url: `http://127.0.0.1:${port === undefined ? await bindLoopback(server) : await bindEverywhere(server, port)}`,
    target: "",
    lifetimes: new Map(),
    gates: new Map(),
    waiting: () => waiting,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return front;
}

async function bindEverywhere(server: Server, port: number): Promise<number> {
  server.listen(port, "0.0.0.0");
  await once(server, "listening");
  return port;
}

async function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { target, lifetimes, waitAtGate }: ShortSessions & { readonly waitAtGate: (roleArn: string) => Promise<void> },
) {
  const body = await buffer(incoming);
  const roleArn = new URLSearchParams(body.toString()).get("RoleArn") ?? "";
  await waitAtGate(roleArn);
  // Not before: who opens the gate may have set another lifetime for the calls that waited.
  const lifetimeMs = lifetimes.get(roleArn);
  const { method, url, headers } = incoming;
  const upstream = request(new URL(url ?? "/", target), { method, headers, agent: false }).end(body);
  const [answer] = (await once(upstream, "response")) as [IncomingMessage];
  const text = (await buffer(answer)).toString();
  // By the clock of STS, which a fault may have set.
  const now = Date.parse(answer.headers.date ?? "") || Date.now();
  const expiration = new Date(now + (lifetimeMs ?? 0)).toISOString();
  const reply = lifetimeMs === undefined ? text : text.replace(/(<Expiration>)[^<]*/, `$1${expiration}`);
  const { "content-length": _length, "transfer-encoding": _encoding, ...rest } = answer.headers;
  outgoing.writeHead(answer.statusCode ?? 500, { ...rest, "content-length": Buffer.byteLength(reply) }).end(reply);
}
