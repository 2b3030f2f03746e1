import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { diagnoseCreation, stepsAfterCreationFailure } from "../../src/operations/creation-failure.ts";
import { type BlockingQuota, quotaShortages, requestedAmounts } from "../../src/operations/quota-shortage.ts";

const refusal = (amounts: string) => `pods "web-1" is forbidden: exceeded quota: team, ${amounts}`;

/** The quota of the refusal, if the object has the same amounts. */
function quotaOf(amounts: string): BlockingQuota {
  const [used, hard] = ["used", "limited"].map((field) => {
    const [, list = ""] = new RegExp(`\\b${field}: ([^ ]+?)(?:, |$)`).exec(amounts) ?? [];
    return new Map(list.split(",").map((pair) => pair.split("=") as [string, string]));
  }) as [Map<string, string>, Map<string, string>];
  return { name: "team", requested: requestedAmounts(refusal(amounts)), used, hard };
}

suite("quotaShortages()", () => {
  for (const [what, amounts, expected] of [
    [
      "a quota that is used up",
      "requested: limits.memory=96Mi, used: limits.memory=1Gi, limited: limits.memory=1Gi",
      [{ resource: "limits.memory", requested: "96Mi", limit: "1Gi", missing: "96Mi", needed: "1120Mi" }],
    ],
    [
      "a part of what is requested",
      "requested: limits.memory=96Mi, used: limits.memory=1000Mi, limited: limits.memory=1Gi",
      [{ resource: "limits.memory", requested: "96Mi", limit: "1Gi", missing: "72Mi", needed: "1096Mi" }],
    ],
    [
      "those of several resources that lack something",
      "requested: pods=1,requests.cpu=150m, used: pods=9,requests.cpu=900m, limited: pods=10,requests.cpu=1",
      [{ resource: "requests.cpu", requested: "150m", limit: "1", missing: "50m", needed: "1050m" }],
    ],
    [
      "a count",
      "requested: pods=1, used: pods=10, limited: pods=10",
      [{ resource: "pods", requested: "1", limit: "10", missing: "1", needed: "11" }],
    ],
    ["nothing without amounts", "requested: limits.memory=96Mi", []],
    ["nothing for amounts that are none", "requested: x=many, used: x=1, limited: x=1", []],
  ] as const) {
    test(`returns ${what}`, () => assert.deepEqual(quotaShortages(quotaOf(amounts)), expected));
  }
});

suite("diagnoseCreation()", () => {
  const amounts = "requested: limits.memory=96Mi, used: limits.memory=1000Mi, limited: limits.memory=1Gi";
  const [message, quota] = [refusal(amounts), quotaOf(amounts)];
  const object = { namespace: "shop", kind: "deployment", name: "web" };

  test("names what a pod takes of a quota, and the share of podrole-sidecar where it is known", () => {
    assert.match(diagnoseCreation(message, { object, quota }).cause, /; each pod takes 96Mi of limits\.memory$/);
    assert.match(
      diagnoseCreation(message, { object, quota, sidecar: { limits: { memory: "32Mi" } } }).cause,
      /; each pod takes 96Mi of limits\.memory, 32Mi of it for podrole-sidecar$/,
    );
  });

  for (const [what, replicas, remedy, hard] of [
    [
      "one pod, if the number is unknown",
      undefined,
      "by 72Mi to 1096Mi, for the missing pod beside those that count now.",
      "1096Mi",
    ],
    [
      "all missing pods, and the one that a rollout adds",
      { wanted: 4, existing: 1 },
      "by 360Mi to 1384Mi, for all 3 missing pods beside those that count now and for the one more that a rollout creates; without a rollout, 1288Mi of limits.memory would do.",
      "1384Mi",
    ],
    [
      "the one that a rollout adds",
      { wanted: 3, existing: 3 },
      "by 72Mi to 1096Mi, for the missing pod beside those that count now.",
      "1096Mi",
    ],
  ] as const) {
    test(`raises the quota for ${what}`, () => {
      const found = diagnoseCreation(message, { object, quota, replicas }).remedy;
      assert.equal(found, `Raise limits.memory ${remedy}`);
      const [, patch] = stepsAfterCreationFailure(message, { object, quota, replicas });
      const expected = `'{"spec":{"hard":{"limits.memory":"${hard}"}}}'`;
      assert.equal(
        patch,
        `kubectl -n shop patch quota/team --type merge -p ${expected}  # raises limits.memory from 1Gi`,
      );
    });
  }

  for (const [what, other] of [
    ["was not read", undefined],
    ["is another one", { ...quota, name: "compute" }],
    ["has room for it", { ...quota, hard: new Map([["limits.memory", "8Gi"]]) }],
    ["does not limit what the message names", { ...quota, hard: new Map([["pods", "1"]]) }],
  ] as const) {
    test(`takes no amount from the message when the quota ${what}`, () => {
      const { remedy } = diagnoseCreation(message, { object, quota: other });
      assert.equal(remedy, "Raise the quota, for the missing pod beside those that count now.");
      const [, edit] = stepsAfterCreationFailure(message, { object, quota: other });
      assert.equal(edit, "kubectl -n shop edit quota/team  # raise it");
    });
  }
});
