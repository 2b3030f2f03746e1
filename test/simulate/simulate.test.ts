// The simulation itself: a short run, the scenarios that once broke a rule, and that broken rules are noticed.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { AppAnswer, SimulatedPod } from "./pod.ts";
import type { Scenario } from "./scenario.ts";
import { useStandIns } from "./stand-ins.ts";
import type { SimulatedWorld } from "./world.ts";

useStandIns({ hasRealCryptography: false });
const { runScenario } = await import("./run.ts");
const { scenarioOf } = await import("./scenario.ts");
const { checkAnswer, checkHour, checkWellness } = await import("./invariants.ts");
const { FAULTS } = await import("./faults.ts");

const KEPT = join(import.meta.dirname, "kept");
const HOUR_MS = 3_600_000;
const SMALL: Scenario = { ...scenarioOf(1, { days: 0.1, pods: 5 }), faults: [] };

/** Runs two hours without faults and returns the world at their end. */
async function quietWorld(): Promise<SimulatedWorld> {
  let seen: SimulatedWorld | undefined;
  const { violation } = await runScenario(SMALL, (_ranMs, world) => {
    seen = world;
  });
  assert.equal(violation, undefined);
  assert.ok(seen);
  return seen;
}

/** Rules that `check` reports as broken. */
async function brokenRules(
  check: (report: (rule: string) => void) => Promise<void> | void,
): Promise<readonly string[]> {
  const rules: string[] = [];
  await check((rule) => rules.push(rule));
  return rules;
}

function first(world: SimulatedWorld): SimulatedPod {
  const [pod] = world.workloads.pods;
  assert.ok(pod);
  return pod;
}

suite("simulate", () => {
  test("runScenario() runs a quarter of a day with faults, and serves every pod", async () => {
    const outcome = await runScenario(scenarioOf(1, { days: 0.25, pods: 8 }));
    assert.equal(outcome.violation, undefined);
    assert.ok(outcome.served > 8 * 10, `${outcome.served} served`);
    assert.ok(outcome.renewals > 8 * 6, `${outcome.renewals} renewals`);
  });

  test("runScenario() runs a scenario twice alike", async () => {
    const scenario = scenarioOf(3, { days: 0.1, pods: 4 });
    assert.deepEqual(await runScenario(scenario), await runScenario(scenario));
  });

  for (const file of existsSync(KEPT) ? readdirSync(KEPT).filter((name) => name.endsWith(".json")) : []) {
    test(`runScenario() of ${file}, which once broke a rule`, async () => {
      const scenario = JSON.parse(readFileSync(join(KEPT, file), "utf8")) as Scenario;
      assert.equal((await runScenario(scenario)).violation, undefined);
    });
  }
});

suite("simulate: broken rules are noticed", () => {
  test("checkAnswer() reports a pod without credentials, unless something explains it", async () => {
    const world = await quietWorld();
    const pod = first(world);
    const answer: AppAnswer = { pod, code: "STS_UNAVAILABLE", accessKeyId: undefined, expiresAt: undefined };
    const check = () => brokenRules((report) => checkAnswer(world, answer, HOUR_MS, report));
    assert.deepEqual(await check(), ["valid credentials"]);
    world.outages.beginOnPath();
    assert.deepEqual(await check(), ["valid credentials"], "the outage has just begun");
    world.outages.beginFor(pod.plan.owner.uid);
    assert.deepEqual(await check(), []);
  });

  test("checkAnswer() reports another pod's credentials", async () => {
    const world = await quietWorld();
    const [own, other] = world.workloads.pods;
    assert.ok(own && other);
    const { name } = own.plan.owner;
    const [key] = [...world.sts.sessions].find(([, { input }]) => input.sessionName.endsWith(`.${name}`)) ?? [];
    const answer = { code: "OK", accessKeyId: key, expiresAt: undefined };
    const check = (pod: SimulatedPod) =>
      brokenRules((report) => checkAnswer(world, { ...answer, pod }, HOUR_MS, report));
    assert.ok(!(await check(own)).includes("own credentials"));
    assert.deepEqual(await check(other), ["own credentials"]);
  });

  test("checkWellness() reports a Secret of the CA that nobody writes again", async () => {
    const world = await quietWorld();
    assert.deepEqual(await brokenRules((report) => checkWellness(world, report)), []);
    FAULTS["ca-deleted"](world, 0);
    assert.deepEqual(await brokenRules((report) => checkWellness(world, report)), ["well again"]);
  });

  test("checkHour() reports too many calls, and what has grown", async () => {
    const world = await quietWorld();
    const few = { sts: 0, tokenReviews: 0, server: 0 };
    assert.deepEqual(await brokenRules((report) => checkHour(world, few, true, report)), []);
    assert.deepEqual(await brokenRules((report) => checkHour(world, { ...few, sts: 1_000 }, true, report)), [
      "calls per hour",
    ]);
    for (let at = 0; at < 1_000; at++) world.inside.volumes.write(`/pods/other-${at}/file`, "");
    assert.deepEqual(await brokenRules((report) => checkHour(world, few, true, report)), ["bounded"]);
  });
});
