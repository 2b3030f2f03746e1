// A load generator that costs less than the process it measures: fixed requests over raw sockets, replies delimited by
// their length. One request at a time per connection, as SDKs send them.
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";

export interface LoadTarget {
  readonly port: number;
  readonly path: string;
  /** Read for each connection: each start of the sidecar replaces its content. */
  readonly tokenFile: string;
}

export interface LoadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly slowest: number;
}

/** Sends requests on `connections` sockets until `requests` are answered or `durationMs` milliseconds have passed. */
export async function runLoad(
  target: LoadTarget,
  limits: { readonly connections: number; readonly requests?: number; readonly durationMs?: number },
): Promise<LoadResult> {
  const { connections, requests = Number.POSITIVE_INFINITY, durationMs = Number.POSITIVE_INFINITY } = limits;
  const latencies: number[] = [];
  const startedAt = performance.now();
  let sent = 0;
  const more = () => sent < requests && performance.now() - startedAt < durationMs && ++sent > 0;
  await Promise.all(Array.from({ length: connections }, () => oneConnection(target, more, latencies)));
  const seconds = (performance.now() - startedAt) / 1000;
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) * 1000);
  return {
    requests: sorted.length,
    requestsPerSecond: Math.round(sorted.length / seconds),
    p50: at(0.5),
    p99: at(0.99),
    slowest: at(1),
  };
}

function oneConnection({ port, path, tokenFile }: LoadTarget, more: () => boolean, latencies: number[]): Promise<void> {
  const authorization = readFileSync(tokenFile, "utf8");
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${authorization}\r\n\r\n`;
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let sentAt = 0;
    let received = 0;
    let expected = Number.POSITIVE_INFINITY;
    function next(): void {
      if (!more()) {
        socket.end();
        return resolve();
      }
      received = 0;
      sentAt = performance.now();
      socket.write(request);
    }
    socket.setNoDelay(true).on("connect", next).on("error", reject);
    socket.on("data", (chunk: Buffer) => {
      if (expected === Number.POSITIVE_INFINITY) expected = replyLength(chunk, socket);
      received += chunk.length;
      if (received < expected) return;
      latencies.push(performance.now() - sentAt);
      next();
    });
  });
}

/** Returns the length of the first reply, head and body; every later one has the same length. */
function replyLength(chunk: Buffer, socket: Socket): number {
  const text = chunk.toString("latin1");
  const head = text.indexOf("\r\n\r\n") + 4;
  const length = /content-length: (\d+)/i.exec(text)?.[1];
  if (!text.startsWith("HTTP/1.1 200") || length === undefined) socket.destroy(new TypeError(text.slice(0, 200)));
  return head + Number(length);
}
