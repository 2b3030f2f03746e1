import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { oldestOf, podTimesOf, UNKNOWN_AGES, uninjectedCause } from "../../src/operations/uninjected-cause.ts";

const [EARLY, NOON, LATE] = ["2026-06-01T11:00:00Z", "2026-06-01T12:00:00Z", "2026-06-01T13:00:00Z"];
const exact = (at: string) => ({ at, isExact: true });
const atMost = (at: string) => ({ at, isExact: false });
const pod = (annotated?: ReturnType<typeof exact>) => ({ created: NOON, annotated });

suite("uninjectedCause()", () => {
  for (const [what, times, surroundings, expected] of [
    [
      "the label",
      pod(),
      { labelled: exact(LATE), registeredAt: EARLY },
      /is older than its namespace's label .*\(set 2026-06-01T13/,
    ],
    ["the registration", pod(), { labelled: exact(EARLY), registeredAt: LATE }, /is older than the registration .*T13/],
    [
      "its annotation",
      pod(exact(LATE)),
      { labelled: exact(EARLY), registeredAt: EARLY },
      /is older than its role annotation/,
    ],
    [
      "perhaps the label",
      pod(),
      { labelled: atMost(LATE), registeredAt: EARLY },
      /may be older than .*T13:00:00Z or earlier\)/,
    ],
    [
      "none of them",
      pod(),
      { labelled: atMost(EARLY), registeredAt: EARLY },
      /is younger than .*failurePolicy: Ignore/,
    ],
    [
      "none of them, by an inexact annotation",
      pod(atMost(LATE)),
      { labelled: exact(EARLY), registeredAt: EARLY },
      /is younger/,
    ],
  ] as const) {
    test(`says that the pod is older than ${what}`, () => {
      const { cause, isOfCluster } = uninjectedCause(times, surroundings);
      assert.match(cause, expected);
      assert.equal(isOfCluster, what.includes("registration"));
    });
  }

  test("names both possible causes where times are unknown", () => {
    assert.equal(uninjectedCause(pod(), {}).cause, UNKNOWN_AGES);
    assert.equal(uninjectedCause(pod(), { labelled: exact(EARLY) }).cause, UNKNOWN_AGES);
    const unknown = { created: undefined, annotated: exact(LATE) };
    assert.equal(uninjectedCause(unknown, { labelled: exact(LATE), registeredAt: LATE }).cause, UNKNOWN_AGES);
  });
});

test("podTimesOf() reads the pod's creation and the last change of its role annotation", () => {
  const fieldsV1 = { "f:metadata": { "f:annotations": { ".": {}, "f:iam.amazonaws.com/role": {} } } };
  const managedFields = [{ manager: "kubectl-annotate", time: LATE, fieldsV1 }];
  const annotations = { other: "x", "iam.amazonaws.com/role": "shop-orders" };
  const metadata = { creationTimestamp: NOON, annotations, managedFields };
  assert.deepEqual(podTimesOf({ metadata }), { created: NOON, annotated: exact(LATE) });
  assert.deepEqual(podTimesOf({ metadata: {} }), { created: undefined, annotated: undefined });
});

test("oldestOf() returns the first creation", () => {
  const created = (creationTimestamp?: string) => ({ metadata: creationTimestamp ? { creationTimestamp } : {} });
  assert.equal(oldestOf([created(LATE), created(), created(EARLY)]), EARLY);
  assert.equal(oldestOf([created()]), undefined);
});
