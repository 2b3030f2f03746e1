// What a pod has been granted: for each container its credentials and its latest refusal. Pure: computes the state
// after a response of the server, and the time of the next renewal. The secret values in it leave only through
// `encodeGrants` (credentials.json) and the endpoint's replies.
import { ERRORS, type ErrorInfo } from "../protocol/errors.ts";
import { jitter } from "../runtime/clock.ts";
import type { Secret } from "../runtime/secret.ts";

/** Credentials of one container, as STS issued them. All times are Unix milliseconds. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret;
  readonly roleArn: string;
  readonly accountId: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly renewAtMs: number;
}

/** A refusal by the server. */
export interface GrantRefusal extends ErrorInfo {
  /** Milliseconds that the server asked callers to wait; 0 if it gave no time. */
  readonly retryAfterMs: number;
}

/** State of one container. */
export interface ContainerGrant {
  readonly container: string;
  /** True once the container has received credentials, even if they have expired or were revoked since. */
  readonly served: boolean;
  readonly credentials: Credentials | undefined;
  /** Absent if the latest result contained credentials. */
  readonly refusal: GrantRefusal | undefined;
}

/** State of the pod, the content of credentials.json. Times are Unix milliseconds. */
export interface Grants {
  readonly containers: readonly ContainerGrant[];
  readonly certificate: { readonly renewAtMs: number; readonly expiresAtMs: number } | undefined;
}

/** What the server returned for one container, independent of the protocol. */
export type GrantResult = { readonly container: string } & (
  | { readonly credentials: Omit<Credentials, "renewAtMs"> }
  | { readonly refusal: GrantRefusal }
);

/** Credentials this close to their expiry are not returned: a request signed now must still be valid on arrival. */
const CREDENTIALS_EXPIRY_MARGIN_MS = 5_000;

/**
 * A renewal that returned the same credentials is repeated after this time or later; after less if they live for
 * minutes only.
 */
const SAME_CREDENTIALS_WAIT_MS = 30_000;

/** Reports whether credentials exist and expire more than 5 s after `now` (Unix milliseconds). */
export function isValid(credentials: Pick<Credentials, "expiresAtMs"> | undefined, now: number): boolean {
  return credentials !== undefined && now < credentials.expiresAtMs - CREDENTIALS_EXPIRY_MARGIN_MS;
}

/**
 * Returns a container's state after a result. On a refusal, valid credentials remain if the error's row has `keep`;
 * other refusals, those by policy, revoke them. `random` returns a number from 0 to 1.
 */
export function applyGrantResult(
  previous: ContainerGrant | undefined,
  result: GrantResult,
  now: number,
  random: () => number,
): ContainerGrant {
  const { container } = result;
  if ("credentials" in result && isValid(result.credentials, now)) {
    const credentials = newerOf(result.credentials, previous?.credentials, now);
    const renewAtMs = renewalTime(credentials.issuedAtMs, credentials.expiresAtMs, now, random);
    return { container, served: true, credentials: { ...credentials, renewAtMs }, refusal: undefined };
  }
  const refusal = "refusal" in result ? result.refusal : expiredOnArrival(container);
  const kept = ERRORS[refusal.code].keep && isValid(previous?.credentials, now) ? previous?.credentials : undefined;
  return { container, served: previous?.served ?? false, credentials: kept, refusal };
}

/**
 * Returns the received credentials, unless the pod has newer ones of the same role that live longer: each replica of
 * the server has sessions of its own, and one that cannot use STS returns what it has.
 */
function newerOf(
  received: Omit<Credentials, "renewAtMs">,
  held: Credentials | undefined,
  now: number,
): Omit<Credentials, "renewAtMs"> {
  if (held === undefined || !isValid(held, now) || held.roleArn !== received.roleArn) return received;
  // After the clock was set back, the time of issue may lie in the future, and says nothing.
  const isNewer = held.issuedAtMs > received.issuedAtMs && held.issuedAtMs <= now;
  return isNewer && held.expiresAtMs > received.expiresAtMs ? held : received;
}

/**
 * Half of the lifetime ±10 %, but never before a tenth of the remaining lifetime has passed: a server returns the same
 * credentials until 44 % of their lifetime have passed (one of an earlier version: 50 %), and while it cannot renew
 * them, at worst until they expire, so that tenths alone would become ever shorter.
 */
function renewalTime(issuedAtMs: number, expiresAtMs: number, now: number, random: () => number): number {
  const lifetimeMs = expiresAtMs - issuedAtMs;
  const againMs = Math.max((expiresAtMs - now) / 10, Math.min(lifetimeMs / 60, SAME_CREDENTIALS_WAIT_MS));
  const at = Math.max(issuedAtMs + jitter(lifetimeMs / 2, 0.1, random), now + againMs);
  return Math.min(at, expiresAtMs - CREDENTIALS_EXPIRY_MARGIN_MS);
}

function expiredOnArrival(container: string): GrantRefusal {
  const state = "they have already expired by this node's clock; expected an expiry in the future";
  return {
    code: "CLOCK_SKEWED",
    message: `Cannot use credentials for container "${container}": ${state}`,
    retryAfterMs: 0,
  };
}

/** Returns the time of the next renewal in Unix milliseconds; 0 if a certificate or credentials are missing now. */
export function renewAt(grants: Grants | undefined, containers: readonly string[], now: number): number {
  const times = containers.map((name) => {
    const credentials = credentialsOf(grants, name);
    return isValid(credentials, now) ? (credentials?.renewAtMs ?? 0) : 0;
  });
  return Math.min(grants?.certificate?.renewAtMs ?? 0, ...times);
}

/** Reports whether every container has valid credentials at `now` (Unix milliseconds). */
export function isComplete(grants: Grants | undefined, containers: readonly string[], now: number): boolean {
  return containers.every((name) => isValid(credentialsOf(grants, name), now));
}

/** Reports whether every container has received credentials, even if they have expired or were revoked since. */
export function isServed(grants: Grants | undefined, containers: readonly string[]): boolean {
  return containers.every((name) => grants?.containers.some(({ container, served }) => container === name && served));
}

function credentialsOf(grants: Grants | undefined, name: string): Credentials | undefined {
  return grants?.containers.find(({ container }) => container === name)?.credentials;
}
