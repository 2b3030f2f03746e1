// Stands before the STS emulator and shortens the sessions that pass: STS issues none below 15 minutes, and a story
// cannot wait for half of that. Everything else, signatures included, passes as it came.
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export interface ShortSessions {
  readonly url: string;
  /** The emulator, known once the stage stands. */
  target: string;
  /** Life of a role's sessions by its ARN, in milliseconds; other roles' stay as long as they are. */
  readonly lives: Map<string, number>;
  /** A role's requests by its ARN wait until its gate opens. */
  readonly gates: Map<string, Promise<void>>;
  close(): Promise<void>;
}

export async function startShortSessions(): Promise<ShortSessions> {
  const server = createServer((incoming, outgoing) => {
    // A fault of the emulator may be a reset connection: it is passed on as one.
    pass(incoming, outgoing, front).catch(() => incoming.socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const front: ShortSessions = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: "",
    lives: new Map(),
    gates: new Map(),
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return front;
}

async function pass(incoming: IncomingMessage, outgoing: ServerResponse, { target, lives, gates }: ShortSessions) {
  const sent = await buffer(incoming);
  const roleArn = new URLSearchParams(sent.toString()).get("RoleArn") ?? "";
  const lifeMs = lives.get(roleArn);
  await gates.get(roleArn);
  const { method, url, headers } = incoming;
  const forward = request(new URL(url ?? "/", target), { method, headers, agent: false }).end(sent);
  const [answer] = (await once(forward, "response")) as [IncomingMessage];
  const text = (await buffer(answer)).toString();
  const ends = new Date(Date.now() + (lifeMs ?? 0)).toISOString();
  const body = lifeMs === undefined ? text : text.replace(/(<Expiration>)[^<]*/, `$1${ends}`);
  const { "content-length": _length, "transfer-encoding": _encoding, ...rest } = answer.headers;
  outgoing.writeHead(answer.statusCode ?? 500, { ...rest, "content-length": Buffer.byteLength(body) }).end(body);
}
