// ServiceAccount tokens of pods, as the kubelet requests them and the API server reviews them.
import type { TokenReview } from "../../src/kubernetes/api.ts";
import type { ClusterStore } from "./cluster-store.ts";

/** Who a token is for. */
export interface TokenOwner {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly serviceAccount: string;
}

const AUDIENCE = "podrole.io";
/** `expirationSeconds` of the projected volume. */
export const TOKEN_LIFETIME_MS = 600_000;

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const HEADER = encoded({ alg: "RS256" });

/** Issues a token; `now` is Unix milliseconds. */
export function issueToken(owner: TokenOwner, now: number): string {
  const exp = Math.floor((now + TOKEN_LIFETIME_MS) / 1000);
  return `${HEADER}.${encoded({ aud: [AUDIENCE], exp, owner })}.signature`;
}

/** The review of a token by the API server; `now` is Unix milliseconds. */
export function reviewOf(token: string, audience: string, store: ClusterStore, now: number): TokenReview {
  const { exp, owner } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as {
    readonly exp: number;
    readonly owner: TokenOwner;
  };
  const { namespace, name, uid, serviceAccount } = owner;
  const pod = store.get("pods", `${namespace}/${name}`);
  const error = exp * 1000 <= now ? "token has expired" : pod?.metadata.uid === uid ? "" : "pod is not found";
  return {
    authenticated: error === "",
    audiences: error === "" ? [audience] : [],
    username: `system:serviceaccount:${namespace}:${serviceAccount}`,
    uid: serviceAccount,
    groups: [],
    extra: {
      "authentication.kubernetes.io/pod-name": [name],
      "authentication.kubernetes.io/pod-uid": [uid],
    },
    error,
  };
}
