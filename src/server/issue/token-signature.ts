// Tells which ServiceAccount tokens the API server has signed, by the keys that it publishes (/openid/v1/jwks). That
// decides only in whose turn a TokenReview is made (token-reviews.ts): nobody can sign a token that names another pod.
// A signed token may be worthless, because its pod is gone, and one that no published key has signed may be good,
// because an external signer need not publish all of its keys (KEP-740,
// https://www.kubernetes.dev/resources/keps/740/). The TokenReview alone accepts or refuses.
// States: no keys → keys. Keys are read beside the first token, again once they are ten minutes old, and when a token
// names a key that is not among them, but at most once a minute. If they cannot be read, the last ones stay.
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import type { Kubernetes } from "../../kubernetes/api.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type DueTime, dueAfter, isDue } from "../../runtime/due.ts";
import { isObject } from "../../runtime/json-object.ts";
import type { Log } from "../../runtime/log.ts";
import type { Secret } from "../../runtime/secret.ts";
import type { PodKey } from "../turns/fair-queue.ts";
import { readTokenPart } from "./token-form.ts";

/** Returns the pod to which the API server issued the token; undefined if no published key has signed it. */
export type ReadSignedPod = (token: Secret) => PodKey | undefined;

export interface SignedPodReaderDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly kubernetes: Pick<Kubernetes, "getTokenKeys">;
}

/** The API server's own copies of the keys are as old (Cache-Control of the response). */
const RENEW_AFTER_MS = 10 * 60_000;
/** A stranger can name any key. */
const READ_AT_MOST_EACH_MS = 60_000;

/** The algorithms with which Kubernetes signs tokens (RFC 7518, section 3.1), and their hashes. */
const HASHES: ReadonlyMap<unknown, string> = new Map([
  ["RS256", "sha256"],
  ["ES256", "sha256"],
  ["ES384", "sha384"],
  ["ES512", "sha512"],
]);

/** Creates a reader without keys. */
export function createSignedPodReader({ clock, log, kubernetes }: SignedPodReaderDeps): ReadSignedPod {
  let keys: ReadonlyMap<unknown, KeyObject> = new Map();
  let renewal: DueTime = dueAfter(clock, 0);
  let nextRead: DueTime = dueAfter(clock, 0);
  let hasFailed = false;

  async function read(): Promise<void> {
    nextRead = dueAfter(clock, READ_AT_MOST_EACH_MS);
    try {
      keys = keysById(await kubernetes.getTokenKeys());
      renewal = dueAfter(clock, RENEW_AFTER_MS);
      hasFailed = false;
    } catch (error) {
      if (!hasFailed)
        log.warn({ err: error }, "cannot read the API server's token keys: token reviews are shared by address");
      hasFailed = true;
    }
  }

  return (token) => {
    const [header = "", payload = "", signature = ""] = token.reveal().split(".");
    const { kid, alg } = readTokenPart(header) ?? {};
    const key = keys.get(kid);
    if ((key === undefined || isDue(clock, renewal)) && isDue(clock, nextRead)) void read();
    const hash = HASHES.get(alg);
    if (key === undefined || hash === undefined) return undefined;
    const signed = Buffer.from(`${header}.${payload}`);
    const isSigned = verify(hash, signed, { key, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"));
    return isSigned ? podOf(readTokenPart(payload)) : undefined;
  };
}

function keysById(keys: readonly Readonly<Record<string, unknown>>[]): ReadonlyMap<unknown, KeyObject> {
  const readable = keys.flatMap((jwk) => {
    try {
      return [[jwk["kid"], createPublicKey({ key: jwk, format: "jwk" })] as const];
    } catch {
      // A kind of key that this version of Node does not know.
      return [];
    }
  });
  return new Map(readable);
}

/** A token that is bound to no pod counts for its namespace. */
function podOf(claims: Readonly<Record<string, unknown>> | undefined): PodKey | undefined {
  const bound = claims?.["kubernetes.io"];
  if (!isObject(bound)) return undefined;
  const { namespace, pod } = bound;
  return { namespace: String(namespace), uid: isObject(pod) ? String(pod["uid"]) : "" };
}
