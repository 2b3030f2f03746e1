// One attacker, in a process of its own on one core: reads a job (JSON) from its argument, prints "ready" once the
// attack is under way, and goes on until it is killed or its standard input ends. It connects to loopback addresses
// only.
import { readFileSync } from "node:fs";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { connect as connectTls, createSecureContext, type TLSSocket } from "node:tls";
import { expensiveChain } from "../pki/expensive-chain.ts";
import { frameOf, grpcHeaders } from "../protocol/grpc-call.ts";
import { openAndReset, openCall, PREFACE } from "../protocol/h2-frames.ts";

/** What an attacker does. Every connection that ends is opened again. */
export type Job = { readonly port: number; readonly localAddress: string; readonly connections: number } & (
  | {
      /** Sends the bytes on each connection and keeps it open; `fill` more bytes follow. */
      readonly kind: "hold";
      readonly tls: boolean;
      readonly text: string;
      readonly fill?: number;
    }
  | {
      /** Sends the file again and again on each connection, waiting for each answer. */
      readonly kind: "repeat";
      readonly tls: boolean;
      readonly file: string;
      /** Pause after each answer. Milliseconds. */
      readonly everyMs?: number;
    }
  | {
      /** Sends the text again and again without waiting for answers. */
      readonly kind: "pipeline";
      readonly text: string;
    }
  | {
      /** Keeps this many gRPC streams open on each connection; a stream without a message never ends by itself. */
      readonly kind: "streams";
      readonly path: string;
      readonly streams: number;
      /** Base64; absent: headers alone. */
      readonly message?: string;
      /** Client certificates, of which each new connection uses the next; absent: none. */
      readonly clients?: readonly { readonly key: string; readonly cert: string }[];
      /** Opens no window, so that the server cannot send its answers. */
      readonly isUnread?: true;
      /** Pause after each answer. Milliseconds; absent: none. */
      readonly everyMs?: number;
    }
  | {
      /**
       * Each caller of the file keeps a connection and makes one call at a time: from an address of its own, unless the
       * attack has that of the ordinary callers.
       */
      readonly kind: "callers";
      readonly path: string;
      /** An AttackingCaller[] as JSON. */
      readonly file: string;
      /** Pause after each answer. Milliseconds. */
      readonly everyMs: number;
    }
  | {
      /** Opens this many gRPC streams on each connection, resets each at once, and then leaves. */
      readonly kind: "resets";
      readonly path: string;
      readonly streams: number;
    }
  | {
      /** Opens one gRPC stream on each connection, and sends the HTTP/2 frame (hexadecimal) again and again. */
      readonly kind: "frames";
      readonly path: string;
      readonly frame: string;
    }
  | {
      /** Sends so many bytes on each connection as soon as it is open, and leaves at once. */
      readonly kind: "leave";
      readonly fill: number;
    }
  | {
      /** Sends a recorded first message of TLS on each connection, and leaves as soon as it is answered. */
      readonly kind: "greetings";
      /** Base64. */
      readonly greeting: string;
    }
  | {
      /** Presents so many client certificates that are expensive to verify, and nothing after them. */
      readonly kind: "handshakes";
      readonly certificates: number;
    }
);

/** The address of the ordinary callers. */
const SHARED = "127.0.0.1";

/** A caller with a message of its own (base64), and with a client certificate if its port requests one. */
export interface AttackingCaller {
  readonly message: string;
  readonly client?: { readonly key: string; readonly cert: string };
}

/** Connections opened at the same time: more only makes handshakes slower for the attacker. */
const OPENING = 32;

/** Keeps `connections` of them; `open` calls back when a connection has ended. */
async function keep(connections: number, open: (ended: () => void) => Promise<void>): Promise<void> {
  let announced = false;
  const reopen = (): void => {
    void open(() => setTimeout(reopen, 20));
  };
  for (let index = 0; index < connections; index += OPENING) {
    const some = Array.from({ length: Math.min(OPENING, connections - index) }, () =>
      open(() => setTimeout(reopen, 20)),
    );
    await Promise.race([Promise.all(some), new Promise((resolve) => setTimeout(resolve, 2_000))]);
    if (!announced && index + OPENING >= Math.min(connections, 256)) {
      announced = true;
      console.log("ready");
    }
  }
}

function openSocket({ kind, port, localAddress }: Job, tls: boolean, ended: () => void): Promise<Socket> {
  return new Promise((resolve) => {
    const options = { host: "127.0.0.1", port, localAddress };
    const ALPNProtocols = kind === "resets" || kind === "frames" ? ["h2"] : [];
    const socket: Socket | TLSSocket = tls
      ? connectTls({ ...options, ALPNProtocols, rejectUnauthorized: false }, () => resolve(socket))
      : connect(options, () => resolve(socket));
    socket
      .on("error", () => {})
      .on("close", () => {
        resolve(socket);
        ended();
      });
  });
}

async function run(job: Job): Promise<void> {
  switch (job.kind) {
    case "hold":
      return keep(job.connections, async (ended) => {
        const socket = await openSocket(job, job.tls, ended);
        socket.resume();
        socket.write(job.text, "latin1");
        if (job.fill !== undefined) socket.write(Buffer.alloc(job.fill, 0x20));
      });
    case "repeat": {
      const bytes = readFileSync(job.file);
      return keep(job.connections, async (ended) => {
        const socket = await openSocket(job, job.tls, ended);
        const send = () => socket.writable && socket.write(bytes);
        // An answer may come in several pieces; the pause makes the exact end of it unimportant.
        let pause: NodeJS.Timeout | undefined;
        socket.on("data", () => {
          clearTimeout(pause);
          pause = setTimeout(send, job.everyMs ?? 2);
        });
        send();
      });
    }
    case "pipeline": {
      const bytes = Buffer.from(job.text.repeat(50), "latin1");
      return keep(job.connections, async (ended) => {
        const socket = await openSocket(job, false, ended);
        const pump = (): void => {
          while (socket.writable && socket.write(bytes));
          socket.once("drain", pump);
        };
        // Answers are not read.
        pump();
      });
    }
    case "streams":
      return keep(job.connections, (ended) => openStreams(job, ended));
    case "callers": {
      const { port, path, file, everyMs } = job;
      const callers = JSON.parse(readFileSync(file, "utf8")) as readonly AttackingCaller[];
      const open = (caller: AttackingCaller, index: number): void => {
        const localAddress = job.localAddress === SHARED ? SHARED : `127.1.${index >> 8}.${index & 255}`;
        const streams = { kind: "streams", port, localAddress, connections: 1, path, streams: 1, everyMs } as const;
        const clients = caller.client ? [caller.client] : [];
        const { message } = caller;
        void openStreams({ ...streams, message, clients }, () => setTimeout(open, everyMs, caller, index));
      };
      for (const [index, caller] of callers.entries()) {
        open(caller, index);
        if (index % OPENING === 0) await delay(50);
      }
      console.log("ready");
      return;
    }
    case "frames": {
      const frames = Buffer.from(job.frame.repeat(5_000), "hex");
      return keep(job.connections, async (ended) => {
        const socket = await openSocket(job, true, ended);
        socket.resume();
        socket.write(Buffer.concat([PREFACE, openCall(job.path, 10_000)]));
        const pump = (): void => {
          while (socket.writable && socket.write(frames));
          socket.once("drain", pump);
        };
        pump();
      });
    }
    case "handshakes": {
      const { port, localAddress, certificates, connections } = job;
      const secureContext = createSecureContext(expensiveChain(certificates));
      const tls = { host: "127.0.0.1", port, localAddress, secureContext, rejectUnauthorized: false };
      return keep(connections, async (ended) => {
        const socket = connectTls({ ...tls, ALPNProtocols: ["h2"] });
        socket
          .on("error", () => {})
          .on("close", ended)
          .resume();
      });
    }
    case "leave": {
      const bytes = Buffer.alloc(job.fill, 0x16);
      const { port, localAddress, connections } = job;
      const open = (): void => {
        const socket = connect({ host: "127.0.0.1", port, localAddress });
        socket
          .on("error", () => {})
          .on("connect", () => socket.write(bytes, () => socket.resetAndDestroy()))
          .on("close", open);
      };
      for (let index = 0; index < connections; index++) open();
      console.log("ready");
      return;
    }
    case "greetings": {
      const bytes = Buffer.from(job.greeting, "base64");
      const { port, localAddress, connections } = job;
      const open = (): void => {
        const socket = connect({ host: "127.0.0.1", port, localAddress });
        socket
          .on("error", () => {})
          .on("connect", () => socket.write(bytes))
          .on("data", () => socket.resetAndDestroy())
          .on("close", () => setImmediate(open));
      };
      for (let index = 0; index < connections; index++) open();
      console.log("ready");
      return;
    }
    case "resets": {
      const frames = Buffer.concat([PREFACE, openAndReset(job.path, job.streams)]);
      return keep(job.connections, async (ended) => {
        const socket = await openSocket(job, true, ended);
        socket.resume();
        socket.write(frames, () => setTimeout(() => socket.destroy(), 200));
      });
    }
  }
}

let opened = 0;

function openStreams(job: Job & { readonly kind: "streams" }, ended: () => void): Promise<void> {
  const { port, localAddress, path, streams, message, clients = [], isUnread = false, everyMs = 0 } = job;
  const client = clients[opened++ % Math.max(clients.length, 1)] ?? {};
  return new Promise((resolve) => {
    const tls = { host: "127.0.0.1", port, localAddress, rejectUnauthorized: false, ALPNProtocols: ["h2"], ...client };
    const http: ClientHttp2Session = connectHttp2(`https://127.0.0.1:${port}`, {
      createConnection: () => connectTls(tls),
      ...(isUnread && { settings: { initialWindowSize: 0 } }),
    });
    const frame = message === undefined ? undefined : frameOf(Buffer.from(message, "base64"));
    let open = 0;
    function more(): void {
      while (open < streams && !http.destroyed && !http.closed) {
        open += 1;
        const stream = http.request(grpcHeaders(path));
        stream
          .on("error", () => {})
          .on("close", () => {
            open -= 1;
            if (everyMs > 0) setTimeout(more, everyMs);
            else setImmediate(more);
          });
        stream.resume();
        if (frame) stream.end(frame);
        else stream.write(Buffer.alloc(1));
      }
    }
    http.on("connect", () => {
      resolve();
      more();
    });
    http
      .on("error", () => {})
      .on("close", () => {
        resolve();
        ended();
      });
  });
}

process.stdin.on("end", () => process.exit()).resume();
await run(JSON.parse(process.argv[2] ?? "") as Job);
