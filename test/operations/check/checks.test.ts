// Each check on a cluster in which one thing is broken: that check speaks, and no other; beside it, the healthy cluster.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { CHECKS } from "../../../src/operations/check/checks.ts";
import type { Facts } from "../../../src/operations/check/facts.ts";
import { BROKEN_INSTALLATION } from "./broken-installation.ts";
import { BROKEN_USE } from "./broken-use.ts";
import { registered } from "./changes.ts";
import { barePod, base64, EXPIRED_CA, healthy, judge, known, NAMESPACE, problemsOf } from "./healthy.ts";

const BROKEN = [...BROKEN_INSTALLATION, ...BROKEN_USE];

suite("findingsOf()", () => {
  test("finds nothing wrong with a healthy cluster, and skips nothing", () => {
    assert.deepEqual(
      judge(healthy()).filter(({ state }) => state !== "ok"),
      [],
    );
    assert.equal(judge(healthy(), "pre").length, 5);
  });

  for (const [what, change, id, state, words] of BROKEN) {
    test(`${id} is ${state} with ${what}, and no other check speaks`, () => {
      const problems = problemsOf(healthy(change));
      assert.deepEqual([...new Set(problems.map((finding) => finding.id))], [id], JSON.stringify(problems, null, 1));
      assert.equal(problems[0]?.state, state);
      assert.match(problems[0]?.message ?? "", words);
      assert.equal(problems[0]?.hint, `docs/checks.md#${id.toLowerCase()}`);
    });
  }

  test("every check of an installed podrole has a case in which it speaks", () => {
    const spoken = new Set(BROKEN.map(([, , id]) => id));
    const silent = Object.entries(CHECKS).filter(([id, { when }]) => when !== "pre" && !spoken.has(id));
    assert.deepEqual(
      silent.map(([id]) => id),
      ["ADMISSION_API"], // It can only be skipped: what cannot be read has no objects.
    );
  });

  test("an expired CA fails wherever it stands", () => {
    const change = {
      trustBundle: known(EXPIRED_CA),
      ...registered({ clientConfig: { caBundle: base64(EXPIRED_CA) } }),
    };
    const slots = known([{ slot: "current", certificatePem: EXPIRED_CA, since: 0 } as const]);
    assert.deepEqual(
      problemsOf(healthy({ ...change, slots })).map(({ id, state }) => [id, state]),
      [
        ["TRUST_BUNDLE", "failed"],
        ["CA_SLOTS", "failed"],
      ],
    );
  });

  test("what is on its way out counts no more: finished and deleted pods, namespaces that end", () => {
    const gone = { deletionTimestamp: "2026-06-01T12:00:00Z" };
    const [finished, deleted] = [barePod(), barePod()];
    finished.status = { phase: "Succeeded" };
    Object.assign(deleted.metadata, gone);
    const ending = { metadata: { name: "till", labels: { "podrole.io/inject": "enabled" }, ...gone } };
    const facts = healthy({ pods: known([finished, deleted]), namespaces: known([NAMESPACE, ending]) });
    assert.deepEqual(problemsOf(facts), []);
  });

  test("what could not be read is skipped with its reason, and never ok", () => {
    const facts = healthy();
    const keys = Object.keys(facts).filter((key) => {
      const fact = facts[key as keyof Facts];
      return typeof fact === "object" && "value" in fact;
    });
    fc.assert(
      fc.property(fc.subarray(keys), (hidden) => {
        const reason = { unknown: "Cannot list it: you may not" };
        const seen = judge(healthy(Object.fromEntries(hidden.map((key) => [key, reason]))));
        assert.deepEqual(
          seen.filter(({ state }) => state === "failed" || state === "warning"),
          [],
        );
        if (hidden.includes("pods")) assert.equal(seen.find(({ id }) => id === "PODS_INJECTED")?.state, "skipped");
      }),
    );
  });

  test("INSTALL_RIGHTS names what the person lacks before installing", () => {
    const ownRights = healthy().ownRights.map(({ right }) => ({
      right,
      allowed: known(right.resource !== "clusterroles"),
    }));
    const [problem] = problemsOf(healthy({ ownRights, webhookConfigurations: known([]) }), "pre");
    assert.equal(problem?.id, "INSTALL_RIGHTS");
    assert.match(problem?.message ?? "", /you may not create clusterroles$/);
    assert.deepEqual(problemsOf(healthy({ webhookConfigurations: known([]) }), "pre"), []);
  });

  test("NOT_INSTALLED warns of a podrole that is there already", () => {
    assert.deepEqual(
      problemsOf(healthy(), "pre").map(({ id }) => id),
      ["NOT_INSTALLED"],
    );
  });
});
