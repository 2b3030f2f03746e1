// The credentials in memory of the serving process, by container, read from credentials.json after each renewal and
// never fetched here. States of a container's credentials:
//   absent   none were granted yet, or a refusal revoked them
//   valid    returned to the container, as a reply that is built once
//   expired  no longer returned; the next renewal replaces them
// In each state the latest refusal is stored as well, if there is one: some leave valid credentials in place. Ended by:
// reload(), which replaces the credentials of all containers; the wall clock or elapsed time (due.ts), whichever comes
// first, which turns valid into expired.
import { ERRORS, type ErrorCode } from "../protocol/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import { dueAfter, passedMs } from "../runtime/due.ts";
import type { Log } from "../runtime/log.ts";
import {
  type ContainerGrant,
  type Credentials,
  type GrantRefusal,
  type Grants,
  isServed,
  isValid,
  renewAt,
} from "./grants.ts";
import { credentialsReply, type Reply } from "./http/replies.ts";

/** Credentials by container index. Times are Unix milliseconds. */
export interface CredentialStore {
  /** Replaces the content with what is on file; an absent or unreadable file changes nothing. Never throws. */
  reload(): void;
  /** Returns the container's reply, or undefined unless its credentials are valid now. */
  reply(index: number): Reply | undefined;
  /** Returns the same credentials as values. */
  credentials(index: number): Credentials | undefined;
  /** Returns the container's latest refusal, even while older credentials are still valid. */
  refusal(index: number): GrantRefusal | undefined;
  /** Returns the time of the next renewal; 0 if the certificate or a container's credentials are missing now. */
  renewAt(): number;
  /** Reports whether every container has received credentials, from this process or an earlier one of this pod. */
  isReady(): boolean;
  /** Returns when the first credentials and the certificate expire; undefined if there are none. */
  expiries(): { readonly credentials: number | undefined; readonly certificate: number | undefined };
  /** Logs every container whose state or refusal has changed since the last call. */
  observe(): void;
}

/** What is stored of one container. */
interface StoredGrant {
  readonly grant: ContainerGrant;
  readonly reply: Reply | undefined;
}

/** What is stored for a container at one point in time, in one of the states above. */
type EntryState =
  | { readonly state: "absent" }
  | { readonly state: "valid"; readonly credentials: Credentials; readonly reply: Reply | undefined }
  | { readonly state: "expired"; readonly credentials: Credentials };

/** What was logged last about a container. */
interface LoggedState {
  readonly state: EntryState["state"];
  readonly refusal: ErrorCode | undefined;
}

/** A clock that was set back further than this makes a renewal due at once. */
const MAX_SET_BACK_MS = 60_000;

/** Creates an empty store. `read` returns the grants on file and may throw. */
export function createCredentialStore(
  { clock, log, read }: { readonly clock: Clock; readonly log: Log; readonly read: () => Grants | undefined },
  { containers }: { readonly containers: readonly string[] },
): CredentialStore {
  let grants: Grants | undefined;
  /** The same grants with the times that the file has. */
  let fileGrants: Grants | undefined;
  let entries: readonly (StoredGrant | undefined)[] = [];
  let readAt = dueAfter(clock, 0);
  const logged = new Map<string, LoggedState>();

  /** The wall clock, or what it would show if it had not been set back since the grants were read. */
  const now = () => readAt.wallMs + passedMs(clock, readAt);
  const setBackMs = () => now() - clock.now();
  const stateAt = (index: number) => entryState(entries[index], now());

  function observe(): void {
    for (const [index, container] of containers.entries()) {
      const current = stateAt(index);
      const refusal = entries[index]?.grant.refusal;
      const last = logged.get(container);
      if (last?.state === current.state && last.refusal === refusal?.code) continue;
      logged.set(container, { state: current.state, refusal: refusal?.code });
      logState(log, container, current, refusal);
    }
  }

  return {
    reload() {
      let next: Grants | undefined;
      try {
        next = read();
      } catch (error) {
        log.error({ err: error }, "cannot read credentials.json");
      }
      if (next === undefined) return;
      grants = withoutRejuvenation(next, { before: fileGrants, inUse: grants, setBackMs: setBackMs() });
      fileGrants = next;
      readAt = dueAfter(clock, 0);
      const byContainer = new Map(grants.containers.map((grant) => [grant.container, grant]));
      entries = containers.map((container) => {
        const grant = byContainer.get(container);
        return grant && { grant, reply: grant.credentials && credentialsReply(grant.credentials) };
      });
      observe();
    },
    reply(index) {
      const current = stateAt(index);
      return current.state === "valid" ? current.reply : undefined;
    },
    credentials(index) {
      const current = stateAt(index);
      return current.state === "valid" ? current.credentials : undefined;
    },
    refusal: (index) => entries[index]?.grant.refusal,
    renewAt() {
      const at = renewAt(grants, containers, now());
      if (at === 0) return 0;
      // Replies carry an expiry by the former clock, with which an app would keep expired credentials.
      return setBackMs() > MAX_SET_BACK_MS ? Math.min(at, clock.now()) : at - setBackMs();
    },
    isReady: () => isServed(grants, containers),
    expiries() {
      const times = entries.map((entry) => entry?.grant.credentials?.expiresAtMs);
      const known = times.filter((time) => time !== undefined);
      const certificate = grants?.certificate?.expiresAtMs;
      return {
        credentials: known.length > 0 ? Math.min(...known) - setBackMs() : undefined,
        certificate: certificate && certificate - setBackMs(),
      };
    },
    observe,
  };
}

function entryState(entry: StoredGrant | undefined, now: number): EntryState {
  const credentials = entry?.grant.credentials;
  if (credentials === undefined) return { state: "absent" };
  return isValid(credentials, now)
    ? { state: "valid", credentials, reply: entry?.reply }
    : { state: "expired", credentials };
}

/**
 * Returns the grants on file, except that credentials which were there before the reload are those in use, earlier by
 * as much as the clock was set back since: the times on file are by the clock of their arrival, and would let them live
 * longer.
 */
function withoutRejuvenation(
  next: Grants,
  {
    before,
    inUse,
    setBackMs,
  }: { readonly before: Grants | undefined; readonly inUse: Grants | undefined; readonly setBackMs: number },
): Grants {
  const find = (grants: Grants | undefined, name: string) =>
    grants?.containers.find(({ container }) => container === name)?.credentials;
  return {
    ...next,
    containers: next.containers.map((grant) => {
      const used = find(inUse, grant.container);
      const last = find(before, grant.container);
      if (!used || !isSameAnswer(last, grant.credentials)) return grant;
      // A renewal that brought nothing newer has set another time for the next one, by the clock as it is set.
      const nextRenewal = last?.renewAtMs === grant.credentials?.renewAtMs ? undefined : grant.credentials?.renewAtMs;
      const times = {
        issuedAtMs: used.issuedAtMs - setBackMs,
        renewAtMs: nextRenewal ?? used.renewAtMs - setBackMs,
        expiresAtMs: used.expiresAtMs - setBackMs,
      };
      return Object.assign({}, grant, { credentials: { ...used, ...times } });
    }),
  };
}

/** The server may return the same credentials again, with other times. */
function isSameAnswer(a: Credentials | undefined, b: Credentials | undefined): boolean {
  return a?.accessKeyId === b?.accessKeyId && a?.expiresAtMs === b?.expiresAtMs;
}

/** Logs the reason as well, because SDKs often hide why they received no credentials. */
function logState(log: Log, container: string, current: EntryState, refusal: GrantRefusal | undefined): void {
  const { state } = current;
  const credentials = state === "absent" ? undefined : current.credentials;
  const expires = credentials && new Date(credentials.expiresAtMs).toISOString();
  const facts = { container, state, role: credentials?.roleArn, expires };
  if (refusal) {
    const { code, message } = refusal;
    log.warn({ ...facts, code, reason: message, remedy: ERRORS[code].remedy }, "credentials are refused");
  } else if (state === "valid") log.info(facts, "credentials are ready");
  else if (state === "expired") log.error(facts, "credentials have expired");
}
