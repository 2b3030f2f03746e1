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
  /** The same. */
  readonly maxBytes: number;
}

/** What the choices read that is not held. */
export interface Observed {
  readonly silenceOf: SilenceOf;
  /** The present time of the clock that is never set. */
  readonly nowMs: number;
}

/** Returns how silent the budget remembers the caller to be (silent-callers.ts). */
export type SilenceOf = (caller: string) => Silence;

/**
 * Clients send their message, and read the answer, within milliseconds. When places are scarce, the first client to
 * lose one is the one that has kept this process waiting for longest, beyond this time, however few places it has:
 * otherwise many callers with one place each would keep all of them. On a node whose processors are busy, honest
 * clients take longer, too, but not as long as those.
 */
const PATIENCE_MS = 100;

/** Returns for how long a phase has waited for the peer, in milliseconds. */
function phaseWaitMs({ atMs, heldBackMs }: PhaseBegin, connection: HeldConnection, { nowMs }: Observed): number {
  return nowMs - atMs - (connection.heldBackMs() - heldBackMs);
}

/** Returns for how long a connection has waited for its peer; 0 if it does not wait, or is exempt. */
function connectionWaitMs(connection: HeldConnection, observed: Observed): number {
  if (connection.isExempt || !isWaiting(connection)) return 0;
  const { requests, began } = connection;
  if (requests.size === 0) return phaseWaitMs(began, connection, observed);
  return Math.max(...Array.from(requests, (request) => phaseWaitMs(request.began, connection, observed)));
}

/**
 * Returns the one that has kept this process waiting for longest, if one has for too long: the newest never has.
 * `mayEnd`: whether neither this candidate nor those behind it can have waited for longer than a time.
 */
function longestWait<Held>(
  candidates: Iterable<Held>,
  waitMs: (one: Held) => number,
  mayEnd?: (one: Held, mostMs: number) => boolean,
): Held | undefined {
  let longest: Held | undefined;
  let mostMs = PATIENCE_MS;
  for (const one of candidates) {
    if (mayEnd?.(one, mostMs)) break;
    const ms = waitMs(one);
    if (ms > mostMs) [longest, mostMs] = [one, ms];
  }
  return longest;
}

/**
 * Returns the connection to close because there are too many: the one whose peer has kept this process waiting for
 * longest, if one has for too long. If none has, the idlest of those that this process does not work on, of the caller
 * with most of these; then the idlest one of the caller with most connections: an honest caller, such as the API
 * server, may have more in flight than each of many strangers has. If no caller has two, one that has served and is
 * idle; if there is none, one that waits for a caller more silent than the new one's; then one that waits for a caller
 * of a group with too many of these; otherwise the new one.
 */
export function surplusConnection(newest: HeldConnection, holdings: Holdings, observed: Observed): HeldConnection {
  const { most, of } = greediestCaller("connections", holdings);
  const isSpare = ({ hasServed, requests }: HeldConnection) => hasServed && requests.size === 0;
  const others = () => of.filter((other) => other !== newest && (most > 1 || newest.isExempt || isSpare(other)));
  const spare = () => idlestConnection([...holdings.connections].filter((other) => other.isExempt && isSpare(other)));
  const waiting = () => idlestConnection(waitingFor(newest, of, observed));
  return (
    longestWait(holdings.connections, (one) => connectionWaitMs(one, observed)) ??
    idlestConnection(unworked(newest, holdings)) ??
    idlestConnection(others()) ??
    (newest.isExempt ? spare() : undefined) ??
    waiting() ??
    idlestConnection(waitingForGroup(of, holdings.maxConnections * GROUP_SHARE)) ??
    newest
  );
}

/** The connections on which no call is in progress, of the caller with most of them; none if that has only one. */
function unworked(newest: HeldConnection, { connections }: Holdings): readonly HeldConnection[] {
  const idle = [...connections].filter((one) => one !== newest && !one.isExempt && !isWorkedOn(one));
  const most = largestGroup(Map.groupBy(idle, ({ caller }) => caller));
  return most.length > 1 ? most : [];
}

function isWorkedOn({ requests }: HeldConnection): boolean {
  return [...requests].some(({ phase }) => phase === "call");
}

/**
 * The part of all connections that one group may keep waiting when the port is full. Callers send a message, and read
 * an answer, within milliseconds: never do so many at once.
 */
const GROUP_SHARE = 1 / 8;

/** The connections that wait for callers of the group with most of these; none if it has at most `mostOfGroup`. */
function waitingForGroup(candidates: Iterable<HeldConnection>, mostOfGroup: number): readonly HeldConnection[] {
  const grouped = [...candidates].filter((one) => isWaiting(one) && one.group !== undefined);
  const most = largestGroup(Map.groupBy(grouped, ({ group }) => group));
  return most.length > mostOfGroup ? most : [];
}

/** Returns the connections of the group with most; of equals, the one that began first. */
function largestGroup(groups: ReadonlyMap<unknown, readonly HeldConnection[]>): readonly HeldConnection[] {
  let most: readonly HeldConnection[] = [];
  for (const group of groups.values()) if (group.length > most.length) most = group;
  return most;
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
function isWaiting(connection: HeldConnection): boolean {
  return connection.requests.size === 0 ? !connection.hasServed : !isWorkedOn(connection);
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
 * Returns the connection to close because too many have no request yet (`starting`, the oldest first): the one whose
 * peer has kept this process waiting for longest, if one has for too long; then the oldest one of the caller with most
 * if that has many, or more than the new one's; then the oldest of a caller more silent than the new one's; then the
 * oldest that is held back, because clients of podrole rarely are; then the oldest whose client has not begun a
 * handshake, which clients of podrole do at once; otherwise the new one, so that handshakes that have begun are
 * finished.
 */
export function surplusHandshake(
  newest: HeldConnection,
  starting: ReadonlySet<HeldConnection>,
  observed: Observed,
): HeldConnection {
  const longest = longestWait(
    starting,
    (one) => connectionWaitMs(one, observed),
    // The oldest are first, and none has waited before it began.
    ({ began }, mostMs) => observed.nowMs - began.atMs <= mostMs,
  );
  if (longest) return longest;
  const byCaller = Map.groupBy(starting, ({ caller }) => caller);
  const most = largestGroup(byCaller);
  const own = byCaller.get(newest.caller)?.length ?? 0;
  const isTooMany = most.length > MAX_RENEWAL_HANDSHAKES || most.length > own;
  const others = [...starting].filter((other) => other !== newest && !other.isExempt);
  return (
    (isTooMany ? most[0] : undefined) ??
    waitingFor(newest, starting, observed)[0] ??
    others.find((other) => other.isHeldBack()) ??
    others.find((other) => other.isGreetingAwaited()) ??
    newest
  );
}

/**
 * Returns the connection to close because there are too many bytes: of those whose peers have kept this process waiting
 * for too long, the one that holds most; if there is none, the idlest one of the callers with most bytes, of those that
 * hold at least the average. If these have but a small part of all bytes, many callers share them: then it is the one
 * that holds most, whoever its caller is, because an honest one may have more small requests in flight than each of
 * them has large ones. `current` is where the last bytes arrived.
 */
export function heaviestConnection(current: HeldConnection, holdings: Holdings, observed: Observed): HeldConnection {
  const isSlow = (one: HeldConnection) => one !== current && connectionWaitMs(one, observed) > PATIENCE_MS;
  const slow = heaviestOf(holdings, isSlow);
  if (slow) return slow;
  const { most, of } = greediestCaller("bytes", holdings);
  const holders = of.filter(({ bytes }) => bytes > 0);
  const callers = new Set(holders.map(({ caller }) => caller)).size;
  if (most < holdings.maxBytes * CALLER_SHARE) return heaviestOf(holdings, (one) => !one.isExempt) ?? current;
  const average = (most * callers) / holders.length;
  return idlestConnection(holders.filter(({ bytes }) => bytes >= average)) ?? current;
}

/** The part of all bytes from which a caller has many of them. */
const CALLER_SHARE = 1 / 8;

/** Returns the connection that holds most bytes; of equals, the one that began first. */
function heaviestOf(
  { connections }: Holdings,
  isCandidate: (one: HeldConnection) => boolean,
): HeldConnection | undefined {
  let heaviest: HeldConnection | undefined;
  for (const one of connections) if (one.bytes > (heaviest?.bytes ?? 0) && isCandidate(one)) heaviest = one;
  return heaviest;
}

/**
 * Returns the request to abort because there are too many: the one whose body has kept this process waiting for
 * longest, if one has for too long; then of the callers with most, the oldest whose body is not complete, or else the
 * newest one.
 */
export function surplusRequest(newest: HeldRequest, holdings: Holdings, observed: Observed): HeldRequest {
  const all = Array.from(holdings.connections).flatMap(({ requests }) => Array.from(requests));
  const bodies = all.filter(({ phase, connection }) => phase === "body" && !connection.isExempt);
  const slowest = longestWait(bodies, ({ began, connection }) => phaseWaitMs(began, connection, observed));
  if (slowest) return slowest;
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
