// The Service in front of the server's replicas, and calls through it as src/protocol/client.ts makes them: TCP within
// 2 s, a few tries that fail at once, a TLS handshake in which each side verifies the other, one answer, one deadline.
// States of an endpoint: starting → listed (its readiness passed) → withdrawn, or dead (killed, listed until its node
// notices).
import type { X509Certificate } from "node:crypto";
import type { ServiceError } from "@grpc/grpc-js";
import { readCertificates } from "../../src/pki/bundle.ts";
import { refuseChain } from "../../src/pki/chain.ts";
import type { ClientIdentity, ServerEndpoint } from "../../src/protocol/client.ts";
import { UnreachableError } from "../../src/protocol/errors.ts";
import type { ListenerDeps, ListenerOptions } from "../../src/protocol/listener.ts";
import { fromServiceError } from "../../src/protocol/status.ts";
import { between, oneOf } from "./random.ts";
import type { Port } from "./surroundings.ts";
import type { Program } from "./timeline.ts";

/** One replica as the network sees it. */
export interface Replica {
  readonly program: Program;
  readonly ports: Map<Port, { readonly deps: ListenerDeps; readonly options: ListenerOptions }>;
  /** Drops every packet. */
  isBlackHole: boolean;
}

/** The network. */
export interface Network {
  /** Endpoints of the Service. */
  readonly listed: Set<Replica>;
  readonly counts: { calls: number };
  canConnect(caller: Program, timeoutMs: number): Promise<boolean>;
  call(
    caller: Program,
    port: Port,
    endpoint: ServerEndpoint,
    identity: ClientIdentity | undefined,
    request: unknown,
    deadlineMs: number,
  ): Promise<unknown>;
}

const CONNECT_TIMEOUT_MS = 2_000;
const MAX_QUICK_TRIES = 3;
const METHODS = { identity: "issueCertificate", credentials: "getCredentials" } as const;

/** Every program has an address of its own. */
function addressOf({ name }: Program): string {
  let hash = 0;
  for (const letter of name) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) & 0xffffff;
  return `10.${hash >> 16}.${(hash >> 8) & 0xff}.${hash & 0xff}:40000`;
}

type Handler = (call: unknown, respond: (error: unknown, response?: unknown) => void) => void;

/** Creates a network without replicas. */
export function createNetwork(): Network {
  const listed = new Set<Replica>();
  const counts = { calls: 0 };
  const parsed = new Map<string, readonly X509Certificate[]>();

  /** Certificates of a server or a bundle, of which there are few. */
  function certificatesOf(pem: string): readonly X509Certificate[] {
    const known = parsed.get(pem);
    if (known) return known;
    if (parsed.size >= 500) parsed.clear();
    const read = readCertificates(pem);
    parsed.set(pem, read);
    return read;
  }

  /** Undefined: refused at once. "silent": no answer to the first packet. */
  function pick(): Replica | "silent" | undefined {
    const replica = oneOf([...listed]);
    if (replica?.isBlackHole) return "silent";
    return replica?.program.isAlive() ? replica : undefined;
  }

  const pause = (program: Program, ms: number) => new Promise<void>((resolve) => program.post(ms, resolve));

  async function connect(caller: Program, leftMs: () => number): Promise<Replica> {
    for (let quickTries = 1; ; ) {
      await pause(caller, between(1, 4));
      const picked = pick();
      if (picked !== undefined && picked !== "silent") return picked;
      if (picked === "silent") await pause(caller, CONNECT_TIMEOUT_MS);
      const isOver = leftMs() < CONNECT_TIMEOUT_MS || (picked === undefined && quickTries >= MAX_QUICK_TRIES);
      if (isOver) throw new UnreachableError("Cannot reach podrole's server: no connection", { wasDropped: false });
      if (picked === undefined) quickTries += 1;
      await pause(caller, between(100, 300));
    }
  }

  /** Verifies the server as the client does at the end of the handshake. */
  function findServerProblem(caller: Program, replica: Replica, port: Port, bundlePem: string): string | undefined {
    const tls = replica.ports.get(port)?.options.tls.current();
    const [leaf] = certificatesOf(tls?.certificatePem ?? "");
    if (!leaf) return "ERR_SSL_NO_CERTIFICATE";
    return refuseChain(leaf.raw, certificatesOf(bundlePem), caller.clock.now())?.message;
  }

  /** Verifies the client as the server does; the client learns only that its connection was closed. */
  function isAcceptedClient(replica: Replica, leaf: X509Certificate): boolean {
    const bundle = replica.ports.get("credentials")?.options.tls.current().clientBundlePem ?? "";
    return refuseChain(leaf.raw, certificatesOf(bundle), replica.program.clock.now()) === undefined;
  }

  function serve(
    replica: Replica,
    port: Port,
    { request, leaf, caller }: { request: unknown; leaf: X509Certificate | undefined; caller: Program },
    respond: (error: unknown, response?: unknown) => void,
  ): () => void {
    const cancelled = new Set<() => void>();
    const call = {
      request,
      cancelled: false,
      once: (_event: string, listener: () => void) => void cancelled.add(listener),
      getPeer: () => addressOf(caller),
      getAuthContext: () => (leaf ? { sslPeerCertificate: { raw: leaf.raw } } : undefined),
    };
    const implementation = replica.ports.get(port)?.deps.implementation as unknown as Record<string, Handler>;
    implementation[METHODS[port]]?.(call, respond);
    return () => {
      call.cancelled = true;
      for (const listener of cancelled) listener();
    };
  }

  return {
    listed,
    counts,
    async canConnect(caller, timeoutMs) {
      await pause(caller, between(1, 4));
      const picked = pick();
      if (picked === "silent") await pause(caller, timeoutMs);
      return picked !== undefined && picked !== "silent";
    },
    async call(caller, port, endpoint, identity, request, deadlineMs) {
      counts.calls += 1;
      const endsAt = caller.clock.elapsedMs() + deadlineMs;
      const leftMs = () => endsAt - caller.clock.elapsedMs();
      const replica = await connect(caller, leftMs);
      return new Promise((resolve, reject) => {
        let cancelAtServer = () => {};
        let isOver = false;
        function settle(finish: () => void): void {
          if (isOver) return;
          isOver = true;
          cancelDeadline();
          forgetServer();
          finish();
        }
        const lost = (state: string, wasDropped: boolean) =>
          settle(() => reject(new UnreachableError(`Cannot reach podrole's server: ${state}`, { wasDropped })));
        const cancelDeadline = caller.clock.schedule(
          () => {
            replica.program.post(between(1, 3), () => cancelAtServer());
            lost("no response within the deadline", false);
          },
          Math.max(1, leftMs()),
        );
        const forgetServer = replica.program.onKill(() =>
          caller.post(between(1, 3), () => lost("connection reset", false)),
        );
        const respond = (error: unknown, response?: unknown) =>
          caller.post(between(1, 4), () =>
            settle(() => {
              if (error) reject(fromServiceError(error as ServiceError, endpoint.address, { wasSecured: true }));
              else resolve(response);
            }),
          );
        // The handshake takes one round trip, in which the server must run.
        replica.program.post(between(2, 8), () =>
          caller.post(1, () => {
            if (isOver) return;
            const problem = findServerProblem(caller, replica, port, endpoint.bundlePem);
            const failed = { details: "handshake", code: 14, metadata: undefined } as unknown as ServiceError;
            if (problem !== undefined)
              return settle(() => reject(fromServiceError(failed, endpoint.address, { certificateProblem: problem })));
            replica.program.post(1, () => {
              if (isOver) return;
              const [leaf] = identity ? readCertificates(identity.certificatePem) : [];
              if (identity && !(leaf && isAcceptedClient(replica, leaf)))
                return caller.post(1, () => lost("the server closed the connection", true));
              cancelAtServer = serve(replica, port, { request, leaf, caller }, respond);
            });
          }),
        );
      });
    },
  };
}
