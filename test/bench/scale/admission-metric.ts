// The API server's own histogram of the calls to podrole's webhook: its metric
// apiserver_admission_webhook_admission_duration_seconds
// (https://kubernetes.io/docs/reference/instrumentation/metrics/).

/** Calls that took at most `seconds`, or any time for Infinity. */
export interface Bucket {
  readonly seconds: number;
  readonly count: number;
}

const BUCKET = /^apiserver_admission_webhook_admission_duration_seconds_bucket\{(.*)\} (\S+)$/gm;

/** Returns the buckets of the webhook's calls for pods that are created, smallest first, from the text of /metrics. */
export function readBuckets(metrics: string, webhook: string): readonly Bucket[] {
  const counts = new Map<number, number>();
  for (const [, labels = "", count] of metrics.matchAll(BUCKET)) {
    const label = (name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1];
    if (label("name") !== webhook || label("operation") !== "CREATE") continue;
    const seconds = label("le") === "+Inf" ? Number.POSITIVE_INFINITY : Number(label("le"));
    counts.set(seconds, (counts.get(seconds) ?? 0) + Number(count));
  }
  return Array.from(counts, ([seconds, count]) => ({ seconds, count })).toSorted((a, b) => a.seconds - b.seconds);
}

/**
 * Returns the milliseconds within which this share of the calls was answered, as Prometheus' histogram_quantile does:
 * interpolated between the ends of the bucket; Infinity beyond the last finite one. Throws RangeError without calls.
 */
export function bucketQuantile(buckets: readonly Bucket[], share: number): number {
  const total = buckets.at(-1)?.count ?? 0;
  if (total === 0) throw new RangeError("the API server has not called the webhook");
  let [from, before] = [0, 0];
  for (const { seconds, count } of buckets) {
    if (count >= share * total) {
      if (seconds === Number.POSITIVE_INFINITY) return seconds;
      return 1_000 * (from + ((seconds - from) * (share * total - before)) / (count - before));
    }
    [from, before] = [seconds, count];
  }
  return Number.POSITIVE_INFINITY;
}

/** Returns which part of the calls took at most so many seconds, which must be the end of a bucket. */
export function shareWithin(buckets: readonly Bucket[], seconds: number): number {
  return (buckets.find((bucket) => bucket.seconds === seconds)?.count ?? 0) / (buckets.at(-1)?.count ?? 1);
}
