// What npm run bench:scale reads from the API server's metrics.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bucketQuantile, readBuckets, shareWithin } from "./bench/scale/admission-metric.ts";

const NAME = "apiserver_admission_webhook_admission_duration_seconds_bucket";
const line = (webhook: string, operation: string, le: string, count: number, rejected = "false") =>
  `${NAME}{name="${webhook}",operation="${operation}",rejected="${rejected}",type="admit",le="${le}"} ${count}`;
const METRICS = [
  "# TYPE apiserver_admission_webhook_admission_duration_seconds histogram",
  line("pods.podrole.io", "CREATE", "0.005", 50),
  line("pods.podrole.io", "CREATE", "0.025", 98),
  line("pods.podrole.io", "CREATE", "0.1", 100),
  line("pods.podrole.io", "CREATE", "+Inf", 100),
  line("pods.podrole.io", "UPDATE", "+Inf", 7),
  line("other.example.com", "CREATE", "+Inf", 9),
].join("\n");

test("readBuckets() returns the webhook's creations alone, smallest first", () => {
  assert.deepEqual(readBuckets(METRICS, "pods.podrole.io"), [
    { seconds: 0.005, count: 50 },
    { seconds: 0.025, count: 98 },
    { seconds: 0.1, count: 100 },
    { seconds: Number.POSITIVE_INFINITY, count: 100 },
  ]);
});

test("readBuckets() adds calls that were rejected to those that were not", () => {
  const rejected = line("pods.podrole.io", "CREATE", "+Inf", 3, "true");
  assert.equal(readBuckets(`${METRICS}\n${rejected}`, "pods.podrole.io").at(-1)?.count, 103);
});

test("bucketQuantile() interpolates in the bucket, and shareWithin() counts up to its end", () => {
  const buckets = readBuckets(METRICS, "pods.podrole.io");
  assert.equal(bucketQuantile(buckets, 0.5), 5);
  assert.equal(bucketQuantile(buckets, 0.99), 62.5);
  assert.equal(shareWithin(buckets, 0.025), 0.98);
});

test("bucketQuantile() throws if the API server has not called the webhook", () => {
  assert.throws(() => bucketQuantile(readBuckets("", "pods.podrole.io"), 0.99), RangeError);
});
