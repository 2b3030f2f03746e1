// Tokens of the metadata paths, as IMDSv2 issues them: a PUT returns one that is valid for the requested time. Tokens
// are not stored: each contains its own expiry, signed with a key that exists only in this process. So requests cannot
// fill the memory, and after a restart SDKs receive 401 and request a new token.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../../runtime/clock.ts";
import { dueAfter, isDue } from "../../../runtime/due.ts";

/** Issues and verifies tokens. */
export interface MetadataTokens {
  issue(lifetimeSeconds: number): string;
  /** Reports whether this process issued the token and it has not expired. Compares in constant time. */
  accepts(token: string): boolean;
}

/** Creates the tokens' issuer with a new key. */
export function createMetadataTokens({ clock }: { readonly clock: Clock }): MetadataTokens {
  const key = randomBytes(32);
  const sign = (expiry: string) => createHmac("sha256", key).update(expiry).digest("base64url");

  return {
    issue(lifetimeSeconds) {
      const { wallMs, elapsedMs } = dueAfter(clock, lifetimeSeconds * 1000);
      const expiry = `${wallMs.toString(36)}-${Math.round(elapsedMs).toString(36)}`;
      return `${expiry}.${sign(expiry)}`;
    },
    accepts(token) {
      const [expiry = "", signature = ""] = token.split(".", 2);
      const [given, expected] = [Buffer.from(signature), Buffer.from(sign(expiry))];
      const isGenuine = given.length === expected.length && timingSafeEqual(given, expected);
      const [wallMs = 0, elapsedMs = 0] = expiry.split("-").map((part) => Number.parseInt(part, 36));
      return isGenuine && !isDue(clock, { wallMs, elapsedMs });
    },
  };
}
