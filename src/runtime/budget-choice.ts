// Which connection or request the budget ends when it is exceeded: pure functions of what the connections of one
// listener hold. budget.ts keeps these records, and ends what is chosen here.
import type { Silence } from "./silent-callers.ts";

/** What one caller holds, or all callers together. */
export interface CallerShare {
  connections: number;
  bytes: number;
  requests: number;
}

/** An open connection. */
export interface HeldConnection {
  caller: string;
  /** Known once the caller has proved it, such as the namespace of a pod. */
  group?: string;
  readonly isExempt: boolean;
  readonly isHeldBack: () => boolean;
  readonly heldBackMs: () => number;
  readonly isGreetingAwaited: () => boolean;
  readonly close: () => void;
  readonly requests: Set<HeldRequest>;
  isOpen: boolean;
  hasServed: boolean;
  bytes: number;
  /** Sequence number of the last progress. */
  progress: number;
  /** Sweep in which the phase without requests began. */
  since: number;
  /** From its beginning. */
  readonly began: PhaseBegin;
  /** Last sweep in which the connection waited for this process; that of its beginning if it never did. */
  heldBackAt: number;
}

/** A request in flight. */
export interface HeldRequest {
  readonly connection: HeldConnection;
  /** Sequence number of its begin. */
  readonly number: number;
  readonly abort: () => void;
  bytes: number;
  phase: "body" | "call" | "answer";
  since: number;
  /** Of its phase. */
  began: PhaseBegin;
}

/** When a phase began, by the clock that is never set, and how long its bytes had waited in this process before. */
export interface PhaseBegin {
  readonly atMs: number;
  readonly heldBackMs: number;
}

/** Everything that is held, and the share of each caller. */
export interface Holdings {
  readonly connections: ReadonlySet<HeldConnection>;
  readonly shares: ReadonlyMap<string, Readonly<CallerShare>>;
  /** More are too many. */
  readonly maxConnections: number;
}

/** What the choices depend on besides what is held. */
export interface Observed {
  readonly silenceOf: SilenceOf;
  /** The present time of the clock that is never set. */
  readonly nowMs: number;
}

/** Returns how silent the budget remembers the caller to be (silent-callers.ts). */
export type SilenceOf = (caller: string) => Silence;

/**
 * Clients send their message, and read the answer, within milliseconds. Who lets this process wait for longer than this
 * loses its place first when places are scarce, however few it has: otherwise many callers with one place each would
 * keep all of them. A client on a node whose processors are busy may take longer, but no longer than those.
 */
const PATIENCE_MS = 100;

function waitedMs({ atMs, heldBackMs }: PhaseBegin, connection: HeldConnection, { nowMs }: Observed): number {
  return nowMs - atMs - (connection.heldBackMs() - heldBackMs);
}

/** The connection that has let this process wait for longest, if one has for too long. */
function longestWaiting(
  newest: HeldConnection,
  candidates: Iterable<HeldConnection>,
  observed: Observed,
): HeldConnection | undefined {
  let longest: HeldConnection | undefined;
  let mostMs = PATIENCE_MS;
  for (const connection of candidates) {
    if (connection === newest || connection.isExempt || !isWaiting(connection)) continue;
    const { requests, began } = connection;
    const begins = requests.size === 0 ? [began] : Array.from(requests, (request) => request.began);
    const ms = Math.max(...begins.map((one) => waitedMs(one, connection, observed)));
    if (ms > mostMs) [longest, mostMs] = [connection, ms];
  }
  return longest;
}

/**
 * Returns the connection to close because there are too many: the one that has let this process wait for longest, if
 * one has for too long. If none has, the idlest one of the caller with most. If no caller has two, one that has served
 * and is idle; if there is none, one that waits for a caller more silent than the new one's; then one that waits for a
 * caller of a group with too many of these; otherwise the new one.
 */
export function surplusConnection(newest: HeldConnection, holdings: Holdings, observed: Observed): HeldConnection {
  const { most, of } = greediestCaller("connections", holdings);
  const isSpare = ({ hasServed, requests }: HeldConnection) => hasServed && requests.size === 0;
  const others = of.filter((other) => other !== newest && (most > 1 || newest.isExempt || isSpare(other)));
  const spare = () => idlestConnection([...holdings.connections].filter((other) => other.isExempt && isSpare(other)));
  const waiting = () => idlestConnection(waitingFor(newest, of, observed));
  return (
    longestWaiting(newest, holdings.connections, observed) ??
    idlestConnection(others) ??
    (newest.isExempt ? spare() : undefined) ??
    waiting() ??
    idlestConnection(waitingForGroup(of, holdings.maxConnections * GROUP_SHARE)) ??
    newest
  );
}

/**
 * The part of all connections that one group may keep waiting when the port is full. Callers send a message, and read
 * an answer, within milliseconds: never do so many at once.
 */
const GROUP_SHARE = 1 / 8;

/** The connections that wait for callers of the group with most of these; none if it has at most `mostOfGroup`. */
function waitingForGroup(candidates: Iterable<HeldConnection>, mostOfGroup: number): readonly HeldConnection[] {
  const groups = Map.groupBy([...candidates].filter(isWaiting), ({ group }) => group);
  groups.delete(undefined);
  let most: readonly HeldConnection[] = [];
  for (const waiting of groups.values()) if (waiting.length > most.length) most = waiting;
  return most.length > mostOfGroup ? most : [];
}

/** The connections that wait for their callers, if those are more silent than the newest one's. */
function waitingFor(
  newest: HeldConnection,
  candidates: Iterable<HeldConnection>,
  { silenceOf }: Observed,
): readonly HeldConnection[] {
  const least = silenceOf(newest.caller);
  return [...candidates].filter((other) => other !== newest && isWaiting(other) && silenceOf(other.caller) > least);
}

/**
 * Reports whether everything on the connection waits for its peer: headers, or of all requests the body, or that the
 * answer is read.
 */
function isWaiting({ hasServed, requests }: HeldConnection): boolean {
  return requests.size === 0 ? !hasServed : [...requests].every(({ phase }) => phase !== "call");
}

/** Reports whether the connection has waited for its peer for at least one whole sweep. */
export function hasWaited(connection: HeldConnection, sweeps: number): boolean {
  const times = [...connection.requests].map(({ since }) => since);
  const { since, heldBackAt } = connection;
  return isWaiting(connection) && sweeps - Math.max(since, heldBackAt, ...times) > 1;
}

/** A caller with more connections without a request than this does not only renew. */
const MAX_RENEWAL_HANDSHAKES = 4;

/**
 * Returns the connection to close because too many have no request yet (`starting`, the oldest first): the one that has
 * let this process wait for longest, if one has for too long; then the oldest one of the caller with most if that has
 * many, or more than the new one's; then the oldest of a caller more silent than the new one's; then the oldest
 * that is held back, because clients of podrole rarely are; then the oldest whose client has not begun a handshake,
 * which clients of podrole do at once; otherwise the new one, so that handshakes that have begun are finished.
 */
export function surplusHandshake(
  newest: HeldConnection,
  starting: ReadonlySet<HeldConnection>,
  observed: Observed,
): HeldConnection {
  const waiting = longestWaiting(newest, starting, observed);
  if (waiting !== undefined) return waiting;
  const byCaller = new Map<string, HeldConnection[]>();
  let most: HeldConnection[] = [];
  for (const connection of starting) {
    const own = byCaller.get(connection.caller) ?? [];
    own.push(connection);
    byCaller.set(connection.caller, own);
    if (own.length > most.length) most = own;
  }
  const [oldest] = most;
  const own = byCaller.get(newest.caller)?.length ?? 0;
  if (oldest && (most.length > MAX_RENEWAL_HANDSHAKES || most.length > own)) return oldest;
  const others = [...starting].filter((other) => other !== newest && !other.isExempt);
  return (
    waitingFor(newest, starting, observed)[0] ??
    others.find((other) => other.isHeldBack()) ??
    others.find((other) => other.isGreetingAwaited()) ??
    newest
  );
}

/**
 * Returns the connection to close because there are too many bytes: of those that have let this process wait for too
 * long, the one that holds most; if there is none, the idlest one of the callers with most bytes, of those that hold at
 * least the average. `current` is where the last bytes arrived.
 */
export function heaviestConnection(current: HeldConnection, holdings: Holdings, observed: Observed): HeldConnection {
  const slow = [...holdings.connections].filter(
    (other) => longestWaiting(current, [other], observed) && other.bytes > 0,
  );
  const [first] = slow.sort((one, other) => other.bytes - one.bytes);
  if (first !== undefined) return first;
  const { most, of } = greediestCaller("bytes", holdings);
  const holders = of.filter(({ bytes }) => bytes > 0);
  const callers = new Set(holders.map(({ caller }) => caller)).size;
  const average = (most * callers) / holders.length;
  return idlestConnection(holders.filter(({ bytes }) => bytes >= average)) ?? current;
}

/**
 * Returns the request to abort because there are too many: the one whose body has let this process wait for longest, if
 * one has for too long; then of the callers with most, the oldest whose body is not complete, or else the newest one.
 */
export function surplusRequest(newest: HeldRequest, holdings: Holdings, observed: Observed): HeldRequest {
  const slow = slowestBody(newest, holdings, observed);
  if (slow !== undefined) return slow;
  let stalled: HeldRequest | undefined;
  let last: HeldRequest | undefined;
  for (const { requests } of greediestCaller("requests", holdings).of) {
    for (const request of requests) {
      const isStalled = request.phase === "body" && request !== newest;
      if (isStalled && (stalled === undefined || request.number < stalled.number)) stalled = request;
      if (last === undefined || request.number > last.number) last = request;
    }
  }
  return stalled ?? last ?? newest;
}

function slowestBody(newest: HeldRequest, { connections }: Holdings, observed: Observed): HeldRequest | undefined {
  let slowest: HeldRequest | undefined;
  let mostMs = PATIENCE_MS;
  for (const connection of connections) {
    if (connection.isExempt) continue;
    for (const request of connection.requests) {
      if (request.phase !== "body" || request === newest) continue;
      const ms = waitedMs(request.began, connection, observed);
      if (ms > mostMs) [slowest, mostMs] = [request, ms];
    }
  }
  return slowest;
}

/** The connections, except exempt ones, of the callers that hold most; `most` is how much each of these holds. */
function greediestCaller(
  kind: keyof CallerShare,
  { connections, shares }: Holdings,
): { readonly most: number; readonly of: readonly HeldConnection[] } {
  let most = 0;
  let of: HeldConnection[] = [];
  for (const connection of connections) {
    const held = connection.isExempt ? 0 : (shares.get(connection.caller)?.[kind] ?? 0);
    if (held > most) [most, of] = [held, []];
    if (held > 0 && held === most) of.push(connection);
  }
  return { most, of };
}

function idlestConnection(candidates: readonly HeldConnection[]): HeldConnection | undefined {
  return candidates.reduce<HeldConnection | undefined>(
    (idle, connection) => (idle === undefined || connection.progress < idle.progress ? connection : idle),
    undefined,
  );
}
