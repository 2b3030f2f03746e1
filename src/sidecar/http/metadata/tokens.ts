// Tokens of the metadata paths, as IMDSv2 hands them out: a PUT brings one, and it is good for as long as was asked.
// Nothing is kept of a token: it carries its own end, signed by a key that lives and dies with this process. So nobody
// can fill the memory with them; after a restart SDKs are told 401 and get another.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../../runtime/clock.ts";

export interface MetadataTokens {
  issue(lifeSeconds: number): string;
  /** True for a token of this process that has not ended. */
  accepts(token: string): boolean;
}

export function createMetadataTokens({ clock }: { readonly clock: Clock }): MetadataTokens {
  const key = randomBytes(32);
  const sign = (end: string) => createHmac("sha256", key).update(end).digest("base64url");

  return {
    issue(lifeSeconds) {
      const end = (clock.now() + lifeSeconds * 1000).toString(36);
      return `${end}.${sign(end)}`;
    },
    accepts(token) {
      const [end = "", signature = ""] = token.split(".", 2);
      const [given, wanted] = [Buffer.from(signature), Buffer.from(sign(end))];
      return given.length === wanted.length && timingSafeEqual(given, wanted) && clock.now() < Number.parseInt(end, 36);
    },
  };
}
