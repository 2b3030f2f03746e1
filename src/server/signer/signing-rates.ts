// How often the signer answers requests of one pod, and of the pods of one node in one namespace: a pod needs a
// certificate when it starts, and another at half of each lifetime. A request beyond the rate waits, because a denial
// would be final. States of a rate: in use → evicted when too many others were used since; the next use begins a full
// one.
import type { Clock } from "../../runtime/clock.ts";
import { createLru } from "../../runtime/lru.ts";
import { createTokenBucket, type TokenBucket, type TokenBucketOptions } from "../../runtime/token-bucket.ts";
import type { KnownRequest } from "./known-requests.ts";

/** Decides whether a request may be answered now. */
export interface SigningRates {
  /** Counts an answer; returns 0, or the milliseconds until the request may be tried again, and then counts none. */
  take(request: Pick<KnownRequest, "namespace" | "uid" | "pod">): number;
}

/** Kubelets that restart again and again request as many. */
export const POD_RATE: TokenBucketOptions = { burst: 10, spacingMs: 60_000 };
/** All pods of a node after its kubelet's restart, twice; then more than a node can start and renew. */
export const NODE_RATE: TokenBucketOptions = { burst: 512, spacingMs: 250 };
/** About 4 MiB. */
const MAX_RATES = 20_000;

/** Creates rates that nothing has used. */
export function createSigningRates({ clock }: { readonly clock: Clock }): SigningRates {
  const buckets = createLru<TokenBucket>(MAX_RATES);

  function bucketOf(key: string, options: TokenBucketOptions): TokenBucket {
    const bucket = buckets.get(key) ?? createTokenBucket({ clock }, options);
    buckets.set(key, bucket);
    return bucket;
  }

  return {
    take({ namespace, uid: node, pod }) {
      // The pod's own token is the scarcer one: a wait for the node must not cost it.
      const ofNode = bucketOf(`node ${namespace}/${node}`, NODE_RATE);
      if (!ofNode.take()) return Math.max(1, ofNode.waitMs());
      const ofPod = bucketOf(`pod ${pod}`, POD_RATE);
      return ofPod.take() ? 0 : Math.max(1, ofPod.waitMs());
    },
  };
}
