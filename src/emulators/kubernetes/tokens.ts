// ServiceAccount tokens as the API server makes and judges them: signed JWTs bound to a pod, reviewed with their
// audiences. (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/)
import { createSign, createVerify, generateKeyPairSync, randomUUID } from "node:crypto";
import type { Store } from "./store.ts";

const ISSUER = "https://kubernetes.default.svc";

export interface TokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  readonly boundPod: { readonly name: string; readonly uid: string } | undefined;
}

interface Claims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly jti: string;
  readonly sub: string;
  readonly "kubernetes.io": {
    readonly namespace: string;
    readonly pod?: { readonly name: string; readonly uid: string };
    readonly serviceaccount: { readonly name: string; readonly uid: string };
  };
}

export interface Tokens {
  issue(request: TokenRequest): { readonly token: string; readonly expiresAt: number };
  /** The status of a TokenReview. */
  review(token: string, audiences: readonly string[]): Readonly<Record<string, unknown>>;
}

export function createTokens(store: Store, now: () => number): Tokens {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

  function read(token: string): Claims | undefined {
    const [header = "", payload = "", signature = ""] = token.split(".");
    const verifier = createVerify("sha256").update(`${header}.${payload}`);
    const isOurs = verifier.verify({ key: publicKey, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"));
    return isOurs ? (JSON.parse(Buffer.from(payload, "base64url").toString()) as Claims) : undefined;
  }

  function refused(error: string) {
    return { authenticated: false, user: {}, error };
  }

  return {
    issue({ namespace, serviceAccount, audiences, expirationSeconds, boundPod }) {
      const account = store.get("serviceaccounts", namespace, serviceAccount);
      const issuedAt = Math.floor(now() / 1000);
      const claims = {
        iss: ISSUER,
        aud: audiences,
        iat: issuedAt,
        nbf: issuedAt,
        exp: issuedAt + expirationSeconds,
        jti: randomUUID(),
        sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
        "kubernetes.io": {
          namespace,
          ...(boundPod && { pod: boundPod }),
          serviceaccount: { name: serviceAccount, uid: account.metadata.uid },
        },
      };
      const content = `${encode({ alg: "ES256", typ: "JWT" })}.${encode(claims)}`;
      const signature = createSign("sha256").update(content).sign({ key: privateKey, dsaEncoding: "ieee-p1363" });
      return { token: `${content}.${signature.toString("base64url")}`, expiresAt: claims.exp * 1000 };
    },
    review(token, audiences) {
      const claims = token.split(".").length === 3 ? read(token) : undefined;
      if (claims === undefined) return refused("invalid bearer token");
      if (claims.exp * 1000 <= now()) return refused("[invalid bearer token, service account token has expired]");
      const shared = claims.aud.filter((audience) => audiences.includes(audience));
      if (shared.length === 0) {
        const quoted = (texts: readonly string[]) => `[${texts.map((text) => JSON.stringify(text)).join(" ")}]`;
        return refused(
          `[invalid bearer token, token audiences ${quoted(claims.aud)} is invalid for the target audiences ${quoted(audiences)}]`,
        );
      }
      const { namespace, pod, serviceaccount } = claims["kubernetes.io"];
      if (pod && store.find("pods", namespace, pod.name)?.metadata.uid !== pod.uid) {
        return refused("[invalid bearer token, service account token has been invalidated]");
      }
      const bound = pod && {
        "authentication.kubernetes.io/pod-name": [pod.name],
        "authentication.kubernetes.io/pod-uid": [pod.uid],
      };
      return {
        authenticated: true,
        audiences: shared,
        user: {
          username: claims.sub,
          uid: serviceaccount.uid,
          groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
          extra: { "authentication.kubernetes.io/credential-id": [`JTI=${claims.jti}`], ...bound },
        },
      };
    },
  };
}
