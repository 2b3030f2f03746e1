// AssumeRoleWithWebIdentity: the request is unsigned; a token of an OpenID Connect provider of the account is the
// proof. Order: form → token (parsing, signature, issuer, audience, time) → trust of the role → session.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html)

import type { KeyObject } from "node:crypto";
import { readJwt } from "../jwt.ts";
import type { AssumedRole, AssumeRoleContext } from "./assume-role.ts";
import {
  expiredWebIdentityToken,
  invalidIdentityToken,
  isStsError,
  type StsError,
  validationError,
  webIdentityDenied,
} from "./errors.ts";
import type { QueryForm } from "./query.ts";

/** An OpenID Connect provider of the account, such as a cluster's issuer of ServiceAccount tokens. */
export interface IdentityProvider {
  readonly issuer: string;
  readonly audience: string;
  /** The public key, RSA or P-256. */
  readonly publicKey: KeyObject;
}

/** What AssumeRoleWithWebIdentity reads and writes. */
export interface WebIdentityContext extends AssumeRoleContext {
  readonly identityProviders: readonly IdentityProvider[];
}

interface WebIdentityClaims {
  readonly iss?: string;
  readonly sub?: string;
  readonly aud?: string | readonly string[];
  readonly exp?: number;
}

/** Returns a session, or STS's error for the first check that fails. */
export function assumeRoleWithWebIdentity(form: QueryForm, context: WebIdentityContext): AssumedRole | StsError {
  const [roleArn, sessionName, token] = ["RoleArn", "RoleSessionName", "WebIdentityToken"].map((name) =>
    form.get(name),
  );
  if (!roleArn || !sessionName || !token)
    return validationError("RoleArn, RoleSessionName and WebIdentityToken are required");
  const seconds = Number(form.get("DurationSeconds") ?? "3600");
  const subject = readWebIdentityToken(token, context);
  if (isStsError(subject)) return subject;
  const role = context.roles.get(roleArn);
  if (!role?.trust.webIdentities?.includes(subject.sub)) return webIdentityDenied();
  if (!(seconds >= 900 && seconds <= role.maxSessionDurationSeconds)) {
    return validationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  }
  const expiresAt = (Math.floor(context.now / 1000) + seconds) * 1000;
  const session = context.credentials.issue({ role, sessionName, expiresAt });
  return { session, sourceIdentity: undefined, packedPolicySize: undefined };
}

function readWebIdentityToken(
  token: string,
  { identityProviders, now }: WebIdentityContext,
): { sub: string } | StsError {
  const jwt = readJwt(token);
  const claims = jwt?.claims as WebIdentityClaims | undefined;
  const alg = jwt?.header["alg"];
  if (claims?.sub === undefined || (alg !== "RS256" && alg !== "ES256")) {
    return invalidIdentityToken(
      "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
    );
  }
  const provider = identityProviders.find(({ issuer }) => issuer === claims.iss);
  if (provider === undefined)
    return invalidIdentityToken("No OpenIDConnect provider found in your account for the issuer");
  if (!jwt?.isSignedBy(provider.publicKey)) {
    return invalidIdentityToken(
      "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements",
    );
  }
  if (![claims.aud].flat().includes(provider.audience)) return invalidIdentityToken("Incorrect token audience");
  if (claims.exp === undefined || claims.exp * 1000 <= now) {
    return expiredWebIdentityToken(
      `Token expired: current date/time ${Math.floor(now / 1000)} must be before the expiration date/time ${claims.exp ?? 0}`,
    );
  }
  return { sub: claims.sub };
}
