import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { diagnoseCreation } from "../../src/operations/creation-failure.ts";
import { quotaShortages } from "../../src/operations/quota-shortage.ts";

const refusal = (amounts: string) => `pods "web-1" is forbidden: exceeded quota: team, ${amounts}`;

suite("quotaShortages()", () => {
  for (const [what, amounts, expected] of [
    [
      "a quota that is used up",
      "requested: limits.memory=96Mi, used: limits.memory=1Gi, limited: limits.memory=1Gi",
      [{ resource: "limits.memory", requested: "96Mi", missing: "96Mi" }],
    ],
    [
      "a part of what is requested",
      "requested: limits.memory=96Mi, used: limits.memory=1000Mi, limited: limits.memory=1Gi",
      [{ resource: "limits.memory", requested: "96Mi", missing: "72Mi" }],
    ],
    [
      "those of several resources that lack something",
      "requested: pods=1,requests.cpu=150m, used: pods=9,requests.cpu=900m, limited: pods=10,requests.cpu=1",
      [{ resource: "requests.cpu", requested: "150m", missing: "50m" }],
    ],
    [
      "a count",
      "requested: pods=1, used: pods=10, limited: pods=10",
      [{ resource: "pods", requested: "1", missing: "1" }],
    ],
    ["nothing without amounts", "requested: limits.memory=96Mi", []],
    ["nothing for amounts that are none", "requested: x=many, used: x=1, limited: x=1", []],
  ] as const) {
    test(`returns ${what}`, () => assert.deepEqual(quotaShortages(refusal(amounts)), expected));
  }
});

test("diagnoseCreation() names what a quota lacks, and the share of podrole-sidecar where it is known", () => {
  const message = refusal("requested: limits.memory=96Mi, used: limits.memory=1000Mi, limited: limits.memory=1Gi");
  assert.match(diagnoseCreation(message).cause, /; 72Mi of limits\.memory is missing \(the pod requests 96Mi\)$/);
  assert.match(
    diagnoseCreation(message, { limits: { memory: "32Mi" } }).cause,
    /\(the pod requests 96Mi, 32Mi of it for podrole-sidecar\)$/,
  );
  assert.equal(
    diagnoseCreation(message).remedy,
    "Raise limits.memory by 72Mi and by 96Mi for each further pod, or delete pods that count for it.",
  );
});
