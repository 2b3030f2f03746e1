// The credentials in memory of the process that serves, one entry a container, read from credentials.json after each
// renewal and never fetched here. An entry's states:
//   absent   nothing was granted yet
//   valid    handed out, as a reply that is built once
//   expired  no longer handed out; the next renewal replaces it
//   refused  a policy took the credentials away; stays until a renewal brings new ones
// Who ends an entry: the next reload() replaces all of them; the clock turns valid into expired.
import { ERRORS } from "../protocol/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { type ContainerGrant, type Granted, type Grants, type GrantRefusal, isValid, renewAt } from "./grants.ts";
import { credentialsReply, type Reply } from "./http/replies.ts";

export interface Keeper {
  /** Takes over what is on file; an unreadable file changes nothing. */
  reload(): void;
  /** The reply for the container of this index, undefined unless its credentials are valid now. */
  reply(index: number): Reply | undefined;
  /** The same credentials as values. */
  granted(index: number): Granted | undefined;
  /** The last refusal for the container, also while older credentials are still valid. */
  refusal(index: number): GrantRefusal | undefined;
  /** Unix milliseconds; 0 when something is missing now. */
  renewAt(): number;
  /** True once every container has had credentials, in this process or in an earlier one of this pod. */
  ready(): boolean;
  /** Unix milliseconds; undefined when there is none. */
  expiries(): { readonly credentials: number | undefined; readonly certificate: number | undefined };
  /** Logs every container whose state has changed since the last call. */
  observe(): void;
}

interface Entry {
  readonly grant: ContainerGrant;
  readonly reply: Reply | undefined;
}

export function createKeeper(
  { clock, log, read }: { readonly clock: Clock; readonly log: Log; readonly read: () => Grants | undefined },
  { containers }: { readonly containers: readonly string[] },
): Keeper {
  let grants: Grants | undefined;
  let entries: readonly (Entry | undefined)[] = [];
  const seen = new Map<string, string>();

  function observe(): void {
    for (const [index, container] of containers.entries()) {
      const entry = entries[index];
      const state = stateOf(entry, clock.now());
      if (seen.get(container) === state) continue;
      seen.set(container, state);
      tell(log, container, state, entry);
    }
  }

  return {
    reload() {
      let next: Grants | undefined;
      try {
        next = read();
      } catch (error) {
        log.error({ err: error }, "could not read the credentials on file");
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
    granted(index) {
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
  const held = credentials === undefined ? "absent" : isValid(credentials, now) ? "valid" : "expired";
  return refusal === undefined ? held : `${held} ${refusal.code}`;
}

/** SDKs often hide why they got nothing, so the log is where a person finds it. */
function tell(log: Log, container: string, state: string, entry: Entry | undefined): void {
  const { credentials, refusal } = entry?.grant ?? {};
  const expires = credentials && new Date(credentials.expiresAtMs).toISOString();
  const facts = { container, state: state.split(" ")[0], role: credentials?.roleArn, expires };
  if (refusal) {
    const { code, message } = refusal;
    log.warn({ ...facts, code, reason: message, remedy: ERRORS[code].remedy }, "credentials are refused");
  } else if (state === "valid") log.info(facts, "credentials are ready");
  else if (state === "expired") log.error(facts, "credentials have expired");
}
