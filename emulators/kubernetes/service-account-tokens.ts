// ServiceAccount tokens: JWTs signed by the API server (ES256), bound to a ServiceAccount and, on request, to a pod;
// and their verification. The signing key lives as long as the emulator and never leaves it.
// (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens)
import { generateKeyPairSync, randomUUID } from "node:crypto";
import type { Clock } from "../../src/runtime/clock.ts";
import { readJwt, signJwt } from "../jwt.ts";
import type { UserInfo } from "./access.ts";
import { quoteAll } from "./status.ts";
import type { Store } from "./store.ts";

/** The audience of requests without audiences, which grants access to the API itself. */
export const API_AUDIENCE = "https://kubernetes.default.svc.cluster.local";

const KEY_ID = "emulator";

/**
 * By how much a token is accepted too early or too late: before its start, after its expiry, and after its pod's
 * deletionTimestamp (go-jose's jwt.DefaultLeeway).
 */
const LEEWAY_MS = 60_000;

/** The pod to which a token is bound. */
export interface BoundPod {
  readonly name: string;
  readonly uid: string;
  readonly nodeName?: string | undefined;
}

/** What a token says of its bearer. */
export interface TokenContent {
  readonly namespace: string;
  readonly serviceAccount: { readonly name: string; readonly uid: string };
  readonly pod: BoundPod | undefined;
  readonly audiences: readonly string[];
  readonly lifetimeSeconds: number;
}

/** The user of a token, or why it is invalid, with the API server's message. */
export type Reviewed = { readonly user: UserInfo; readonly audiences: readonly string[] } | { readonly error: string };

/** Issues and verifies ServiceAccount tokens. */
export interface ServiceAccountTokens {
  /** The public key, as a JSON Web Key Set (RFC 7517). */
  readonly keys: object;
  sign(content: TokenContent): { readonly token: string; readonly jti: string; readonly expiresAt: number };
  review(token: string, audiences: readonly string[]): Reviewed;
}

interface ServiceAccountClaims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly nbf: number;
  readonly jti: string;
  readonly sub: string;
  readonly "kubernetes.io": {
    readonly namespace: string;
    readonly node?: { readonly name: string };
    readonly pod?: { readonly name: string; readonly uid: string };
    readonly serviceaccount: { readonly name: string; readonly uid: string };
  };
}

/** Creates an issuer with a new signing key. */
export function createServiceAccountTokens({
  clock,
  store,
}: {
  readonly clock: Clock;
  readonly store: Store;
}): ServiceAccountTokens {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

  function read(token: string): ServiceAccountClaims | undefined {
    const jwt = readJwt(token);
    return jwt?.isSignedBy(publicKey) ? (jwt.claims as unknown as ServiceAccountClaims) : undefined;
  }

  /**
   * Reports whether the object to which the token is bound still exists: same uid, and not deleted for longer than the
   * leeway.
   */
  function isBoundTo(plural: string, namespace: string, { name, uid }: { name: string; uid: string }): boolean {
    const found = store.find(plural, namespace, name);
    if (found?.metadata.uid !== uid) return false;
    const { deletionTimestamp } = found.metadata;
    return deletionTimestamp === undefined || clock.now() < Date.parse(deletionTimestamp) + LEEWAY_MS;
  }

  function findClaimsProblem(claims: ServiceAccountClaims, audiences: readonly string[]): string | undefined {
    if (!claims.aud.some((audience) => audiences.includes(audience))) {
      return `token audiences ${quoteAll(claims.aud)} is invalid for the target audiences ${quoteAll(audiences)}`;
    }
    if (clock.now() > claims.exp * 1000 + LEEWAY_MS) return "service account token has expired";
    if (clock.now() < claims.nbf * 1000 - LEEWAY_MS) return "service account token is not valid yet";
    const { namespace, pod, serviceaccount } = claims["kubernetes.io"];
    const isBound =
      isBoundTo("serviceaccounts", namespace, serviceaccount) && (!pod || isBoundTo("pods", namespace, pod));
    return isBound ? undefined : "service account token has been invalidated";
  }

  return {
    keys: { keys: [{ ...publicKey.export({ format: "jwk" }), use: "sig", kid: KEY_ID, alg: "ES256" }] },

    sign({ namespace, serviceAccount, pod, audiences, lifetimeSeconds }) {
      const issuedAt = Math.floor(clock.now() / 1000);
      const claims: ServiceAccountClaims & Record<string, unknown> = {
        aud: audiences,
        exp: issuedAt + lifetimeSeconds,
        iat: issuedAt,
        iss: API_AUDIENCE,
        jti: randomUUID(),
        "kubernetes.io": {
          namespace,
          ...(pod?.nodeName !== undefined && { node: { name: pod.nodeName } }),
          ...(pod && { pod: { name: pod.name, uid: pod.uid } }),
          serviceaccount: serviceAccount,
        },
        nbf: issuedAt,
        sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
      };
      return { token: signJwt(privateKey, claims, { kid: KEY_ID }), jti: claims.jti, expiresAt: claims.exp * 1000 };
    },

    review(token, audiences) {
      const claims = read(token);
      if (claims === undefined) return { error: "invalid bearer token" };
      const problem = findClaimsProblem(claims, audiences);
      if (problem !== undefined) return { error: `[invalid bearer token, ${problem}]` };
      return { user: userOfClaims(claims), audiences: audiences.filter((audience) => claims.aud.includes(audience)) };
    },
  };
}

function userOfClaims({
  sub,
  jti,
  "kubernetes.io": { namespace, node, pod, serviceaccount },
}: ServiceAccountClaims): UserInfo {
  return {
    username: sub,
    uid: serviceaccount.uid,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
    extra: {
      "authentication.kubernetes.io/credential-id": [`JTI=${jti}`],
      ...(node && { "authentication.kubernetes.io/node-name": [node.name] }),
      ...(pod && {
        "authentication.kubernetes.io/pod-name": [pod.name],
        "authentication.kubernetes.io/pod-uid": [pod.uid],
      }),
    },
  };
}
