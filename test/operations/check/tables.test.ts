// Each check on a cluster with one defect: that check reports it, and no other does; and the healthy cluster.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { CLUSTER_CHECKS } from "../../../src/operations/check/check.ts";
import type { Facts } from "../../../src/operations/check/facts.ts";
import { fc } from "../../property.ts";
import { BROKEN_CREDENTIALS } from "./broken-credentials.ts";
import { BROKEN_INSTALLATION } from "./broken-installation.ts";
import { BROKEN_USE } from "./broken-use.ts";
import { certifying, registered } from "./defects.ts";
import {
  barePod,
  base64,
  EXPIRED_CA,
  HEALTHY_NAMESPACE,
  healthyFacts,
  judgeFacts,
  knownFact,
  problemsOf,
} from "./healthy.ts";

const BROKEN = [...BROKEN_INSTALLATION, ...BROKEN_USE, ...BROKEN_CREDENTIALS];

suite("findingsOf()", () => {
  test("reports no problem in a healthy cluster, and skips no check", () => {
    assert.deepEqual(
      judgeFacts(healthyFacts()).filter(({ state }) => state !== "ok"),
      [],
    );
    assert.equal(judgeFacts(healthyFacts(), "pre").length, 5);
  });

  for (const [what, change, id, state, message] of BROKEN) {
    test(`${id} is ${state} with ${what}, and no other check reports a problem`, () => {
      const problems = problemsOf(healthyFacts(change));
      assert.deepEqual([...new Set(problems.map((finding) => finding.id))], [id], JSON.stringify(problems, null, 1));
      assert.equal(problems[0]?.state, state);
      assert.match([problems[0]?.message, problems[0]?.cause].filter(Boolean).join(": "), message);
      assert.match(problems[0]?.hint ?? "", new RegExp(`^docs/checks-\\w+\\.md#${id.toLowerCase()}$`));
    });
  }

  test("every check of an installed podrole has a case in which it reports a problem", () => {
    const covered = new Set(BROKEN.map(([, , id]) => id));
    const uncovered = Object.entries(CLUSTER_CHECKS).filter(([id, { when }]) => when !== "pre" && !covered.has(id));
    assert.deepEqual(
      uncovered.map(([id]) => id),
      ["ADMISSION_API"], // It can only be skipped: without the API there is nothing to read.
    );
  });

  for (const [what, change, message] of [
    ["that pods get no pod certificate", certifying("off"), /^no pod gets a pod certificate$/],
    ["how many nodes can run pods with a pod certificate", certifying("on"), /^3 nodes can run pods/],
    [
      "that new pods get a pod certificate",
      certifying("auto"),
      /^new pods get a pod certificate, as the server has published$/,
    ],
  ] as const) {
    test(`POD_CERTIFICATES reports ${what}`, () => {
      const found = judgeFacts(healthyFacts(change)).find(({ id }) => id === "POD_CERTIFICATES");
      assert.equal(found?.state, "ok");
      assert.match(found?.message ?? "", message);
    });
  }

  test("an expired CA fails in every place", () => {
    const change = {
      trustBundle: knownFact(EXPIRED_CA),
      ...registered({ clientConfig: { caBundle: base64(EXPIRED_CA) } }),
    };
    const slots = knownFact([{ slot: "current", certificatePem: EXPIRED_CA, since: 0 } as const]);
    assert.deepEqual(
      problemsOf(healthyFacts({ ...change, slots })).map(({ id, state }) => [id, state]),
      [
        ["TRUST_BUNDLE", "failed"],
        ["CA_SLOTS", "failed"],
      ],
    );
  });

  test("ignores finished and deleted pods, and namespaces that are being deleted", () => {
    const gone = { deletionTimestamp: "2026-06-01T12:00:00Z" };
    const [finished, deleted] = [barePod(), barePod()];
    finished.status = { phase: "Succeeded" };
    Object.assign(deleted.metadata, gone);
    const ending = { metadata: { name: "till", labels: { "podrole.io/inject": "enabled" }, ...gone } };
    const facts = healthyFacts({
      pods: knownFact([finished, deleted]),
      namespaces: knownFact([HEALTHY_NAMESPACE, ending]),
    });
    assert.deepEqual(problemsOf(facts), []);
  });

  test("skips a check whose facts could not be read, and never reports a problem for it", () => {
    const facts = healthyFacts();
    const keys = Object.keys(facts).filter((key) => {
      const fact = facts[key as keyof Facts];
      return typeof fact === "object" && "value" in fact;
    });
    fc.assert(
      fc.property(fc.subarray(keys), (hidden) => {
        const reason = { unknown: "Cannot list it: you may not" };
        const seen = judgeFacts(healthyFacts(Object.fromEntries(hidden.map((key) => [key, reason]))));
        assert.deepEqual(
          seen.filter(({ state }) => state === "failed" || state === "warning"),
          [],
        );
        if (hidden.includes("pods")) assert.equal(seen.find(({ id }) => id === "PODS_INJECTED")?.state, "skipped");
      }),
    );
  });

  test("INSTALL_RIGHTS names the permissions that the operator lacks", () => {
    const ownRights = healthyFacts().ownRights.map(({ right }) => ({
      right,
      allowed: knownFact(right.resource !== "clusterroles"),
    }));
    const [problem] = problemsOf(healthyFacts({ ownRights, webhookConfigurations: knownFact([]) }), "pre");
    assert.equal(problem?.id, "INSTALL_RIGHTS");
    assert.match(problem?.message ?? "", /you may not create clusterroles$/);
    assert.deepEqual(problemsOf(healthyFacts({ webhookConfigurations: knownFact([]) }), "pre"), []);
  });

  test("NOT_INSTALLED warns about an existing installation", () => {
    assert.deepEqual(
      problemsOf(healthyFacts(), "pre").map(({ id }) => id),
      ["NOT_INSTALLED"],
    );
  });
});
