// What a pod has been granted, as it stands in credentials.json: for each container its credentials, and the refusal
// that came last. Pure: it decides what an answer of the server changes, and when the next one is due. The secret values
// in it leave only through `encodeGrants` (for the file) and the endpoint's reply.
import { ERRORS, type ErrorCode, isErrorCode, type Refusal } from "../protocol/errors.ts";
import { jitter } from "../runtime/clock.ts";
import { Secret } from "../runtime/secret.ts";

/** Credentials of one container. All times are Unix milliseconds. */
export interface Granted {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret;
  readonly roleArn: string;
  readonly accountId: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly renewAtMs: number;
}

export interface GrantRefusal extends Refusal {
  /** How long the server asked to wait; 0 when it did not say. */
  readonly retryAfterMs: number;
}

export interface ContainerGrant {
  readonly container: string;
  /** True from the first credentials on, whatever became of them. */
  readonly served: boolean;
  readonly credentials: Granted | undefined;
  /** Absent when the last answer brought credentials. */
  readonly refusal: GrantRefusal | undefined;
}

export interface Grants {
  readonly containers: readonly ContainerGrant[];
  readonly certificate: { readonly renewAtMs: number; readonly expiresAtMs: number } | undefined;
}

/** The server's answer for one container, whatever protocol brought it. */
export type Answer = { readonly container: string } & (
  | { readonly credentials: Omit<Granted, "renewAtMs"> }
  | { readonly refusal: GrantRefusal }
);

/** Too close to expiry to be of use: a request signed now must still be valid when it arrives. */
const EXPIRY_MARGIN_MS = 5_000;

export function isValid(credentials: Pick<Granted, "expiresAtMs"> | undefined, now: number): boolean {
  return credentials !== undefined && now < credentials.expiresAtMs - EXPIRY_MARGIN_MS;
}

/**
 * What one container holds after an answer. A refusal of a row with `keep` leaves valid credentials in place; a refusal
 * by policy takes them away.
 */
export function applyAnswer(
  previous: ContainerGrant | undefined,
  answer: Answer,
  now: number,
  random: () => number,
): ContainerGrant {
  const { container } = answer;
  if ("credentials" in answer && isValid(answer.credentials, now)) {
    const { credentials } = answer;
    const renewAtMs = renewalOf(credentials.issuedAtMs, credentials.expiresAtMs, now, random);
    return { container, served: true, credentials: { ...credentials, renewAtMs }, refusal: undefined };
  }
  const refusal = "refusal" in answer ? answer.refusal : expiredOnArrival(container);
  const kept = ERRORS[refusal.code].keep && isValid(previous?.credentials, now) ? previous?.credentials : undefined;
  return { container, served: previous?.served ?? false, credentials: kept, refusal };
}

/**
 * Half of the life ±10 %, and a tenth of what is left from now on at the earliest: the server hands out one set of
 * credentials until half of its life has passed, so asking a little too early brings the same set again.
 */
function renewalOf(issuedAtMs: number, expiresAtMs: number, now: number, random: () => number): number {
  return Math.max(issuedAtMs + jitter((expiresAtMs - issuedAtMs) / 2, 0.1, random), now + (expiresAtMs - now) / 10);
}

function expiredOnArrival(container: string): GrantRefusal {
  const message = `Cannot use credentials for container "${container}": by this node's clock they have expired already`;
  return { code: "INTERNAL", message, retryAfterMs: 0 };
}

/** When to ask the server again, Unix milliseconds; 0 when something is missing now. */
export function renewAt(grants: Grants | undefined, containers: readonly string[], now: number): number {
  const times = containers.map((name) => {
    const credentials = grants?.containers.find(({ container }) => container === name)?.credentials;
    return isValid(credentials, now) ? (credentials?.renewAtMs ?? 0) : 0;
  });
  return Math.min(grants?.certificate?.renewAtMs ?? 0, ...times);
}

/** True when every container holds credentials that can be used now. */
export function isComplete(grants: Grants | undefined, containers: readonly string[], now: number): boolean {
  return containers.every((name) =>
    isValid(grants?.containers.find(({ container }) => container === name)?.credentials, now),
  );
}

export function encodeGrants(grants: Grants): string {
  const containers = grants.containers.map(({ credentials, ...rest }) => ({
    ...rest,
    credentials: credentials && {
      ...credentials,
      secretAccessKey: credentials.secretAccessKey.reveal(),
      sessionToken: credentials.sessionToken.reveal(),
    },
  }));
  return JSON.stringify({ certificate: grants.certificate, containers });
}

/** Undefined for anything that `encodeGrants` did not write: the owner then starts from nothing. */
export function decodeGrants(text: string): Grants | undefined {
  try {
    const { certificate, containers } = JSON.parse(text) as Loose;
    if (!Array.isArray(containers)) return undefined;
    return { certificate: certificateOf(certificate as Loose), containers: containers.map(containerOf) };
  } catch {
    return undefined;
  }
}

type Loose = Readonly<Record<string, unknown>>;

function containerOf(read: Loose): ContainerGrant {
  return {
    container: textOf(read["container"]),
    served: read["served"] === true,
    credentials: read["credentials"] === undefined ? undefined : grantedOf(read["credentials"] as Loose),
    refusal: read["refusal"] === undefined ? undefined : refusalOf(read["refusal"] as Loose),
  };
}

function grantedOf(read: Loose): Granted {
  return {
    accessKeyId: textOf(read["accessKeyId"]),
    secretAccessKey: new Secret(textOf(read["secretAccessKey"])),
    sessionToken: new Secret(textOf(read["sessionToken"])),
    roleArn: textOf(read["roleArn"]),
    accountId: textOf(read["accountId"]),
    issuedAtMs: numberOf(read["issuedAtMs"]),
    expiresAtMs: numberOf(read["expiresAtMs"]),
    renewAtMs: numberOf(read["renewAtMs"]),
  };
}

function refusalOf(read: Loose): GrantRefusal {
  const code = textOf(read["code"]);
  return {
    code: toErrorCode(code),
    message: textOf(read["message"]),
    retryAfterMs: numberOf(read["retryAfterMs"]),
  };
}

/** A code that a newer server knows and this sidecar does not. */
export function toErrorCode(code: string): ErrorCode {
  return isErrorCode(code) ? code : "INTERNAL";
}

function certificateOf(read: Loose | undefined): Grants["certificate"] {
  return read && { renewAtMs: numberOf(read["renewAtMs"]), expiresAtMs: numberOf(read["expiresAtMs"]) };
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("a text is missing");
  return value;
}

function numberOf(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new TypeError("a number is missing");
  return value;
}
