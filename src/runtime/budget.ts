// Bounds what callers can make one listener hold: connections, bytes, requests, and the time of each phase. It touches
// no socket: its owner reports what happens, and closes what the budget tells it to close.
// States of a connection:
//   starting  no request has begun yet: TLS handshake, headers
//   busy      requests are in flight; each is receiving (headers are read, the body is not), working (body is read) or
//             answering (the answer is written, and the peer has not read all of it)
//   idle      a request has ended and none is in flight
//   closed
// Who ends them: the owner, by closed() and end(); the sweep, when a phase has taken too long; another connection's
// open(), receive() or begin(), when the budget is exceeded. The sweep's timer runs only while connections are open.
import {
  type CallerShare,
  type HeldConnection,
  type HeldRequest,
  type Holdings,
  hasWaited,
  heaviestConnection,
  type PhaseBegin,
  surplusConnection,
  surplusHandshake,
  surplusRequest,
} from "./budget-choice.ts";
import type { Clock } from "./clock.ts";
import { createSilentCallers } from "./silent-callers.ts";

/** Upper bounds of one listener. Totals are over all of its connections; times are milliseconds, held to one sweep. */
export interface BudgetLimits {
  readonly connections: number;
  /**
   * Connections on which no request has begun yet, which with TLS are mostly handshakes; absent: no limit of their own.
   */
  readonly handshakes?: number;
  /** Bytes of requests that have not ended. */
  readonly bytes: number;
  readonly requests: number;
  readonly requestsPerConnection: number;
  /** From the connection to the end of its first headers, TLS handshake included. */
  readonly headersMs: number;
  /** From the end of the headers to the end of the body. */
  readonly bodyMs: number;
  /** From the end of the body to the end of the response, or to the answer if the owner reports it. */
  readonly callMs: number;
  /** From the answer to the end of the response; absent: as long as `callMs`. */
  readonly answerMs?: number;
  /** From the end of a request to the headers of the next one. */
  readonly keepAliveMs: number;
  readonly sweepMs: number;
}

/** The limit for which the budget ended a connection or request. The metric's label `reason`. */
export const CLOSE_REASONS = [
  "connections",
  "handshakes",
  "bytes",
  "requests",
  "headers",
  "body",
  "call",
  "answer",
  "keepAlive",
] as const;
/** One of these limits. */
export type CloseReason = (typeof CLOSE_REASONS)[number];

/** How a connection begins. Exempt connections count, but are closed only if there are no others. */
export interface OpenOptions {
  /** Who shares one part of the budget: an address, a certificate, a token. */
  readonly caller: string;
  readonly isExempt?: boolean;
  /** Checked at each sweep: whether the connection waits for this process, and its peer can do nothing about it. */
  readonly isHeldBack?: () => boolean;
  /** How long its bytes have waited in this process, in milliseconds. */
  readonly heldBackMs?: () => number;
  /** Whether its client still has to begin a TLS handshake; absent: unknown. */
  readonly isGreetingAwaited?: () => boolean;
  /** Closes the connection; called at most once, and never after closed(). */
  readonly close: () => void;
}

/** What a port may hold, over all of its connections. */
export interface Budget {
  /**
   * Registers a connection. If there are too many, or too many without a request, one is closed, which may be the new
   * one: surplusConnection() and surplusHandshake() choose it.
   */
  open(options: OpenOptions): BudgetConnection;
  held(): { readonly connections: number; readonly bytes: number; readonly requests: number };
}

/** An open connection, as the budget counts it. */
export interface BudgetConnection {
  readonly caller: string;
  /** Moves the connection, and what it holds, to the share of another caller. */
  identify(caller: string): void;
  /** The caller has proved that it is one of a group, such as the pods of a namespace. */
  join(group: string): void;
  /**
   * Registers a request. If there are too many, one is aborted, which surplusRequest() chooses. Undefined: the
   * connection is closed, has too many requests, or this one would have to be aborted. `abort` ends the request; by
   * default it closes the connection.
   */
  begin(abort?: () => void): BudgetRequest | undefined;
  /** Closes the connection for a limit that the owner itself watches. */
  close(reason: CloseReason): void;
  /** Closes the connection because its peer has sent more than it may, and notes its caller as silent. */
  exceed(): void;
  /** The peer or the owner has closed the connection. */
  closed(): void;
}

/** A request in flight, as the budget counts it. */
export interface BudgetRequest {
  readonly caller: string;
  /**
   * Counts bytes; returns whether the request is still in flight. If there are too many, heaviestConnection() chooses
   * the connection that is closed.
   */
  receive(bytes: number): boolean;
  /** The body is complete. */
  received(): void;
  /**
   * The answer is written, and the peer has still to read it. If it does not do so in time, its connection is closed:
   * what is written to it holds memory until then.
   */
  answered(): void;
  end(): void;
}

/** What holds of a connection if its owner does not say. */
const UNTOLD = { isExempt: false, isHeldBack: () => false, heldBackMs: () => 0, isGreetingAwaited: () => false };

/** Creates a budget. `onClose` receives the reason of every connection and request that the budget ends or refuses. */
export function createBudget(
  { clock, onClose }: { readonly clock: Clock; readonly onClose?: (reason: CloseReason) => void },
  limits: BudgetLimits,
): Budget {
  const connections = new Set<HeldConnection>();
  /** Those on which no request has begun, the oldest first. */
  const starting = new Set<HeldConnection>();
  const shares = new Map<string, CallerShare>();
  const { connections: maxConnections, bytes: maxBytes } = limits;
  const holdings: Holdings = { connections, shares, maxConnections, maxBytes };
  const total: CallerShare = { connections: 0, bytes: 0, requests: 0 };
  /** Orders progress more finely than a clock, and never goes back. */
  let sequence = 0;
  /** Counts sweeps: times are measured in them, so that a wall clock that is set changes nothing. */
  let sweeps = 0;
  let isSweeping = false;
  const phaseMs = { body: limits.bodyMs, call: limits.callMs, answer: limits.answerMs ?? limits.callMs };
  const silent = createSilentCallers();
  const silenceOf = (caller: string) => silent.silenceOf(caller, sweeps);
  const observed = () => ({ silenceOf, nowMs: clock.elapsedMs() });
  const phaseBegin = (heldBackMs: number): PhaseBegin => ({ atMs: clock.elapsedMs(), heldBackMs });

  function add(kind: keyof CallerShare, caller: string, amount: number): void {
    const share = shares.get(caller) ?? { connections: 0, bytes: 0, requests: 0 };
    share[kind] += amount;
    total[kind] += amount;
    if (share.connections > 0 || share.bytes > 0 || share.requests > 0) shares.set(caller, share);
    else shares.delete(caller);
  }

  function forget(request: HeldRequest): void {
    const { connection, bytes } = request;
    if (!connection.requests.delete(request)) return;
    connection.bytes -= bytes;
    connection.progress = ++sequence;
    connection.hasServed = true;
    if (connection.requests.size === 0) connection.since = sweeps;
    add("bytes", connection.caller, -bytes);
    add("requests", connection.caller, -1);
  }

  function remove(connection: HeldConnection): boolean {
    if (!connection.isOpen) return false;
    connection.isOpen = false;
    connections.delete(connection);
    starting.delete(connection);
    for (const request of connection.requests) forget(request);
    add("connections", connection.caller, -1);
    return true;
  }

  function shut(connection: HeldConnection, reason: CloseReason): void {
    if (!remove(connection)) return;
    onClose?.(reason);
    connection.close();
  }

  function abort(request: HeldRequest, reason: CloseReason): void {
    forget(request);
    onClose?.(reason);
    request.abort();
  }

  function relieveConnections(newest: HeldConnection): void {
    if (total.connections > limits.connections) shut(surplusConnection(newest, holdings, observed()), "connections");
  }

  function relieveHandshakes(newest: HeldConnection): void {
    const { handshakes } = limits;
    if (handshakes === undefined || starting.size <= handshakes) return;
    shut(surplusHandshake(newest, starting, observed()), "handshakes");
  }

  function relieveBytes(current: HeldConnection): void {
    while (total.bytes > limits.bytes && current.isOpen)
      shut(heaviestConnection(current, holdings, observed()), "bytes");
  }

  /** The request that has to go, undefined if there are not too many. */
  function surplusFor(newest: HeldRequest): HeldRequest | undefined {
    if (newest.connection.requests.size > limits.requestsPerConnection) return newest;
    return total.requests > limits.requests ? surplusRequest(newest, holdings, observed()) : undefined;
  }

  function sweep(): void {
    sweeps += 1;
    const isOverdue = (since: number, limitMs: number) => (sweeps - since) * limits.sweepMs > limitMs;
    for (const connection of [...connections]) {
      const { requests, hasServed, since } = connection;
      if (connection.isHeldBack()) connection.heldBackAt = sweeps;
      if (hasWaited(connection, sweeps)) silent.noteWaiting(connection.caller, sweeps);
      if (requests.size === 0) {
        if (isOverdue(since, hasServed ? limits.keepAliveMs : limits.headersMs)) {
          shut(connection, hasServed ? "keepAlive" : "headers");
        }
        continue;
      }
      for (const request of [...requests]) {
        const { phase } = request;
        if (!isOverdue(request.since, phaseMs[phase])) continue;
        if (phase !== "answer") abort(request, phase);
        else {
          shut(connection, phase);
          break;
        }
      }
    }
    isSweeping = connections.size > 0;
    if (isSweeping) clock.schedule(sweep, limits.sweepMs);
  }

  function enter(request: HeldRequest, phase: HeldRequest["phase"]): void {
    request.phase = phase;
    request.since = sweeps;
    request.began = phaseBegin(request.connection.heldBackMs());
  }

  function begin(connection: HeldConnection, onAbort?: () => void): BudgetRequest | undefined {
    if (!connection.isOpen) return undefined;
    starting.delete(connection);
    silent.noteRequest(connection.caller, sweeps);
    const number = ++sequence;
    const abortIt = onAbort ?? (() => remove(connection) && connection.close());
    const began = phaseBegin(connection.heldBackMs());
    const request: HeldRequest = { connection, number, abort: abortIt, bytes: 0, phase: "body", since: sweeps, began };
    connection.requests.add(request);
    connection.progress = number;
    add("requests", connection.caller, 1);
    const surplus = surplusFor(request);
    if (surplus === request) {
      forget(request);
      onClose?.("requests");
      return undefined;
    }
    if (surplus) abort(surplus, "requests");
    const isInFlight = () => connection.requests.has(request);
    return {
      get caller() {
        return connection.caller;
      },
      receive(bytes) {
        if (!isInFlight()) return false;
        request.bytes += bytes;
        connection.bytes += bytes;
        connection.progress = ++sequence;
        add("bytes", connection.caller, bytes);
        relieveBytes(connection);
        return isInFlight();
      },
      received() {
        if (isInFlight() && request.phase === "body") enter(request, "call");
      },
      answered() {
        if (isInFlight() && request.phase !== "answer") enter(request, "answer");
      },
      end: () => forget(request),
    };
  }

  return {
    held: () => ({ ...total }),
    open(options) {
      const connection: HeldConnection = {
        ...UNTOLD,
        ...options,
        requests: new Set(),
        isOpen: true,
        hasServed: false,
        bytes: 0,
        progress: ++sequence,
        since: sweeps,
        began: phaseBegin(0),
        heldBackAt: sweeps,
      };
      connections.add(connection);
      starting.add(connection);
      add("connections", connection.caller, 1);
      relieveHandshakes(connection);
      relieveConnections(connection);
      if (!isSweeping && connections.size > 0) {
        isSweeping = true;
        clock.schedule(sweep, limits.sweepMs);
      }
      return {
        get caller() {
          return connection.caller;
        },
        identify(next) {
          if (!connection.isOpen || next === connection.caller) return;
          const { bytes, requests } = connection;
          const held: CallerShare = { connections: 1, bytes, requests: requests.size };
          for (const kind of ["connections", "bytes", "requests"] as const) {
            add(kind, connection.caller, -held[kind]);
            add(kind, next, held[kind]);
          }
          connection.caller = next;
        },
        join(group) {
          connection.group = group;
        },
        begin: (onAbort) => begin(connection, onAbort),
        close: (reason) => shut(connection, reason),
        exceed() {
          silent.noteWaiting(connection.caller, sweeps);
          shut(connection, "bytes");
        },
        closed() {
          const isUnsent = [...connection.requests].some(({ phase }) => phase === "body");
          if (starting.has(connection) || isUnsent) silent.noteBrief(connection.caller, sweeps);
          remove(connection);
        },
      };
    },
  };
}
