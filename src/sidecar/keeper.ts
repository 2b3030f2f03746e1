// The credentials in memory of the serving process, one entry per container, read from credentials.json after each
// renewal and never fetched here. States of an entry:
//   absent   nothing was granted yet
//   valid    returned to the container, as a reply that is built once
//   expired  no longer returned; the next renewal replaces it
//   refused  revoked by policy; remains until a renewal brings new credentials
// Who ends an entry: the next reload() replaces all of them; the clock turns valid into expired.
import { ERRORS } from "../protocol/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { type ContainerGrant, type Credentials, type GrantRefusal, type Grants, isValid, renewAt } from "./grants.ts";
import { credentialsReply, type Reply } from "./http/replies.ts";

/** Credentials by container index. Times are Unix milliseconds. */
export interface Keeper {
  /** Replaces all entries with those on file; an absent or unreadable file changes nothing. Never throws. */
  reload(): void;
  /** Returns the container's reply, or undefined unless its credentials are valid now. */
  reply(index: number): Reply | undefined;
  /** Returns the same credentials as values. */
  credentials(index: number): Credentials | undefined;
  /** Returns the container's latest refusal, also while older credentials are still valid. */
  refusal(index: number): GrantRefusal | undefined;
  /** Returns the time of the next renewal; 0 if the certificate or a container's credentials are missing now. */
  renewAt(): number;
  /** Reports whether every container has received credentials, from this process or an earlier one of this pod. */
  ready(): boolean;
  /** Returns when the first credentials and the certificate expire; undefined if there are none. */
  expiries(): { readonly credentials: number | undefined; readonly certificate: number | undefined };
  /** Logs every container whose state has changed since the last call. */
  observe(): void;
}

interface Entry {
  readonly grant: ContainerGrant;
  readonly reply: Reply | undefined;
}

/** Creates a keeper without entries. `read` returns the grants on file and may throw. */
export function createKeeper(
  { clock, log, read }: { readonly clock: Clock; readonly log: Log; readonly read: () => Grants | undefined },
  { containers }: { readonly containers: readonly string[] },
): Keeper {
  let grants: Grants | undefined;
  let entries: readonly (Entry | undefined)[] = [];
  const logged = new Map<string, string>();

  function observe(): void {
    for (const [index, container] of containers.entries()) {
      const entry = entries[index];
      const state = stateOf(entry, clock.now());
      if (logged.get(container) === state) continue;
      logged.set(container, state);
      logState(log, container, state, entry);
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
      grants = next;
      entries = containers.map((container) => {
        const grant = next.containers.find((one) => one.container === container);
        return grant && { grant, reply: grant.credentials && credentialsReply(grant.credentials) };
      });
      observe();
    },
    reply(index) {
      const entry = entries[index];
      return isValid(entry?.grant.credentials, clock.now()) ? entry?.reply : undefined;
    },
    credentials(index) {
      const credentials = entries[index]?.grant.credentials;
      return isValid(credentials, clock.now()) ? credentials : undefined;
    },
    refusal: (index) => entries[index]?.grant.refusal,
    renewAt: () => renewAt(grants, containers, clock.now()),
    ready: () => containers.every((_, index) => entries[index]?.grant.served),
    expiries() {
      const times = entries.map((entry) => entry?.grant.credentials?.expiresAtMs);
      const known = times.filter((time) => time !== undefined);
      return {
        credentials: known.length > 0 ? Math.min(...known) : undefined,
        certificate: grants?.certificate?.expiresAtMs,
      };
    },
    observe,
  };
}

function stateOf(entry: Entry | undefined, now: number): string {
  const { credentials, refusal } = entry?.grant ?? {};
  const state = credentials === undefined ? "absent" : isValid(credentials, now) ? "valid" : "expired";
  return refusal === undefined ? state : `${state} ${refusal.code}`;
}

/** Logs the reason as well, because SDKs often hide why they received no credentials. */
function logState(log: Log, container: string, state: string, entry: Entry | undefined): void {
  const { credentials, refusal } = entry?.grant ?? {};
  const expires = credentials && new Date(credentials.expiresAtMs).toISOString();
  const facts = { container, state: state.split(" ")[0], role: credentials?.roleArn, expires };
  if (refusal) {
    const { code, message } = refusal;
    log.warn({ ...facts, code, reason: message, remedy: ERRORS[code].remedy }, "credentials are refused");
  } else if (state === "valid") log.info(facts, "credentials are ready");
  else if (state === "expired") log.error(facts, "credentials have expired");
}
