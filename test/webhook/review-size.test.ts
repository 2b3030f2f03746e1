// Lists that are larger than any pod's, which no decision may work on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readAdmissionReview } from "../../src/webhook/review.ts";
import { annotatedPod, reviewOf } from "./requests.ts";

const KIB = 1024;

const annotated = (annotations: unknown) => ({ ...annotatedPod(), metadata: { generateName: "orders-", annotations } });
const containing = (containers: unknown, initContainers: unknown = []) => ({
  ...annotatedPod(),
  spec: { containers, initContainers },
});
const containers = (count: number, name = "c") => Array.from({ length: count }, (_, index) => ({ name: name + index }));

const labelled = (count: number) => ({
  ...annotatedPod(),
  metadata: { labels: Object.fromEntries(containers(count, "podrole.io/l").map(({ name }) => [name, ""])) },
});
/** With one container, which is an element too. */
const withLists = (env: number, volumes: number) => ({
  ...annotatedPod(),
  metadata: {},
  spec: { containers: [{ name: "app", env: containers(env) }], volumes: containers(volumes) },
});

const cases: readonly { readonly what: string; readonly pod: unknown; readonly problem?: RegExp }[] = [
  { what: "annotations of 256 KiB", pod: annotated({ a: "x".repeat(256 * KIB - 1) }) },
  {
    what: "annotations of a byte more",
    pod: annotated({ a: "x".repeat(256 * KIB) }),
    problem: /: metadata\.annotations has 262145 bytes; expected at most 262144, /,
  },
  {
    what: "characters of several bytes",
    pod: annotated({ a: "ä".repeat(128 * KIB) }),
    problem: /: metadata\.annotations has 262145 bytes/,
  },
  {
    what: "many small annotations",
    pod: annotated(Object.fromEntries(containers(30_000, "a.example/").map(({ name }) => [name, ""]))),
    problem: /: metadata\.annotations has \d{6} bytes/,
  },
  { what: "1000 containers", pod: containing(containers(500), containers(500, "i")) },
  {
    what: "a container more",
    pod: containing(containers(501), containers(500, "i")),
    problem: /: the pod has 1001 containers; expected at most 1000$/,
  },
  { what: "1000 labels", pod: labelled(1_000) },
  { what: "a label more", pod: labelled(1_001), problem: /: the pod has 1001 labels; expected at most 1000$/ },
  { what: "10 000 elements in all lists", pod: withLists(5_000, 4_999) },
  {
    what: "an element more",
    pod: withLists(5_000, 5_000),
    problem: /: the lists of the pod and its containers have 10001 elements; expected at most 10000$/,
  },
  { what: "annotations and containers that are no lists", pod: { ...annotated("x"), spec: { containers: {} } } },
];

for (const { what, pod, problem } of cases) {
  test(`readAdmissionReview() ${problem ? "refuses" : "reads"} ${what}`, () => {
    const read = readAdmissionReview(reviewOf(pod));
    assert.equal(read.ok, problem === undefined);
    if (read.ok || problem === undefined) return;
    assert.equal(read.problem.refusal.code, "REQUEST_INVALID");
    assert.match(read.problem.refusal.message, problem);
    assert.equal(typeof read.problem.uid, "string");
  });
}
