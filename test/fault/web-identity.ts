// The issuer of the tokens with which the server proves itself to STS (IRSA), as the account of the fault world trusts
// it.
import { generateKeyPairSync } from "node:crypto";
import { signJwt } from "../../emulators/jwt.ts";
import type { IdentityProvider } from "../../emulators/sts/web-identity.ts";

const ISSUER = "https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE";
const AUDIENCE = "sts.amazonaws.com";
const KEYS = generateKeyPairSync("ec", { namedCurve: "P-256" });
const LIFETIME_SECONDS = 3_600;

/** Whose tokens the role must trust. */
export const WEB_IDENTITY_SUBJECT = "system:serviceaccount:podrole:podrole-server";

/** The issuer, as the account knows it. */
export const WEB_IDENTITY_PROVIDER: IdentityProvider = {
  issuer: ISSUER,
  audience: AUDIENCE,
  publicKey: KEYS.publicKey,
};

/** Returns a token of the server's ServiceAccount that is valid for an hour. */
export function issueWebIdentityToken(): string {
  const exp = Math.floor(Date.now() / 1_000) + LIFETIME_SECONDS;
  const claims = { iss: ISSUER, sub: WEB_IDENTITY_SUBJECT, aud: [AUDIENCE], exp };
  return signJwt(KEYS.privateKey, claims, { typ: "JWT" });
}
