// credentials.json in the identity directory: written by a renewal, read by the serving process. The volume is in
// memory and only podrole's containers mount it, so a restarted sidecar resumes with its stored credentials.
import { toErrorCode } from "../../protocol/errors.ts";
import { Secret } from "../../runtime/secret.ts";
import type { ContainerGrant, Credentials, GrantRefusal, Grants } from "../grants.ts";
import { readMemoryFile } from "./memory-volume.ts";

/** Returns the path of credentials.json. */
export function grantsPath(identityDirectory: string): string {
  return `${identityDirectory}/credentials.json`;
}

/**
 * Returns the stored grants, or undefined if there are none or another version wrote them in an unknown form. Throws
 * errors of the file system.
 */
export function readGrants(identityDirectory: string): Grants | undefined {
  const text = readMemoryFile(grantsPath(identityDirectory));
  return text === undefined ? undefined : decodeGrants(text);
}

/** Returns the content of credentials.json, secret values included. */
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

/** Parses what `encodeGrants` wrote. Returns undefined for anything else; the sidecar then starts without grants. */
export function decodeGrants(text: string): Grants | undefined {
  try {
    const { certificate, containers } = JSON.parse(text) as UnknownFields;
    if (!Array.isArray(containers)) return undefined;
    return { certificate: toCertificate(certificate as UnknownFields), containers: containers.map(toContainerGrant) };
  } catch {
    return undefined;
  }
}

type UnknownFields = Readonly<Record<string, unknown>>;

function toContainerGrant(stored: UnknownFields): ContainerGrant {
  return {
    container: toText(stored["container"]),
    served: stored["served"] === true,
    credentials:
      stored["credentials"] === undefined ? undefined : toCredentials(stored["credentials"] as UnknownFields),
    refusal: stored["refusal"] === undefined ? undefined : toRefusal(stored["refusal"] as UnknownFields),
  };
}

function toCredentials(stored: UnknownFields): Credentials {
  return {
    accessKeyId: toText(stored["accessKeyId"]),
    secretAccessKey: new Secret(toText(stored["secretAccessKey"])),
    sessionToken: new Secret(toText(stored["sessionToken"])),
    roleArn: toText(stored["roleArn"]),
    accountId: toText(stored["accountId"]),
    issuedAtMs: readNumber(stored["issuedAtMs"]),
    expiresAtMs: readNumber(stored["expiresAtMs"]),
    renewAtMs: readNumber(stored["renewAtMs"]),
  };
}

function toRefusal(stored: UnknownFields): GrantRefusal {
  return {
    code: toErrorCode(toText(stored["code"])),
    message: toText(stored["message"]),
    retryAfterMs: readNumber(stored["retryAfterMs"]),
  };
}

function toCertificate(stored: UnknownFields | undefined): Grants["certificate"] {
  return stored && { renewAtMs: readNumber(stored["renewAtMs"]), expiresAtMs: readNumber(stored["expiresAtMs"]) };
}

function toText(value: unknown): string {
  if (typeof value !== "string") throw new Error(`Cannot read a stored grant: ${typeof value}; expected a string`);
  return value;
}

function readNumber(value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new Error(`Cannot read a stored grant: ${typeof value}; expected a finite number`);
}
