// One pod after the other starts beside pods whose many roles IAM refuses: issuer, cache, limiter and SDK as in the
// server, on the emulated STS. The clock is fake and stands still while STS answers, so that waits are exact and every
// run is the same.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { PodIdentity } from "../../../src/pki/identity.ts";
import { createCredentialCache } from "../../../src/server/aws/credential-cache.ts";
import { createSts } from "../../../src/server/aws/sts.ts";
import { createStsLimiter } from "../../../src/server/aws/sts-limiter.ts";
import { createCredentialIssuer, type IssueResult } from "../../../src/server/issue/issue-credentials.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { policySettingsWith } from "../../policy/facts.ts";
import { EMULATED_REGION, SERVER, startEmulatedSts } from "./emulated-sts.ts";

const BASE_ARN = "arn:aws:iam::123456789012:role/";
const POLICY = policySettingsWith();

const [HOSTILE_PODS, CONTAINERS, HONEST_PODS] = [20, 100, 35];
const STEP_MS = 10;
const MAX_LATER_MS = 2_000;

interface Pod {
  readonly identity: PodIdentity;
  /** Container → role. */
  readonly roles: Readonly<Record<string, string>>;
}

async function setUp(context: TestContext) {
  const roles = [{ arn: `${BASE_ARN}honest`, trust: { principals: [SERVER] } }];
  const emulator = await startEmulatedSts(context, { roles });
  const clock = createFakeClock(Date.now());
  const pods = new Map<string, Pod>();
  const inFlight = new Set<Promise<unknown>>();

  function open() {
    const where = { region: EMULATED_REGION, endpoint: emulator.url, usesFips: false, usesDualStack: false };
    const sts = createSts({ clock }, { ...where, hopRoleArn: undefined, timeoutMs: 60_000 });
    context.after(() => sts.close());
    const limiter = createStsLimiter(
      {
        clock,
        onLimited: () => {},
        assumeRole(input) {
          const call = sts.assumeRole(input).finally(() => inFlight.delete(call));
          inFlight.add(call);
          return call;
        },
      },
      // The defaults of --sts-rate and --sts-burst.
      { ratePerSecond: 50, burst: 200 },
    );
    const cache = createCredentialCache({ clock, assumeRole: limiter.assumeRole }, { capacity: 50_000 });
    const find = async ({ uid }: PodIdentity) => contextOf(pods.get(uid));
    const issuer = createCredentialIssuer({
      audit: () => {},
      directory: { find, confirm: find },
      cache,
      readSessionPolicy: async () => undefined,
      recordRefusal: () => {},
      policy: () => POLICY,
    });
    return { issuer, limiter };
  }

  /** Advances the clock by one step; STS answers meanwhile. */
  async function step(): Promise<void> {
    await clock.advance(STEP_MS);
    while (inFlight.size > 0) await setImmediate();
    await clock.advance(0);
  }

  function createPod(namespace: string, name: string, roles: Readonly<Record<string, string>>): Pod {
    const uid = `${namespace}-${name}`;
    const identity = { trustDomain: "cluster.local", namespace, serviceAccount: "app", name, uid };
    const pod = { identity, roles };
    pods.set(uid, pod);
    return pod;
  }

  return { open, clock, step, createPod, emulator };
}

function contextOf(pod: Pod | undefined) {
  assert.ok(pod);
  const { identity, roles } = pod;
  const { namespace, name, uid, serviceAccount } = identity;
  const annotations = Object.fromEntries(
    Object.entries(roles).map(([container, role]) => [`iam.amazonaws.com/role.${container}`, role]),
  );
  const facts = { namespace, name, uid, serviceAccount, annotations, labels: {}, containers: Object.keys(roles) };
  const namespaceAnnotations = { "iam.amazonaws.com/permitted": ".*" };
  return { facts, inherited: { namespaceAnnotations, serviceAccountAnnotations: {} } };
}

const hasCredentials = (grants: readonly IssueResult[]) => grants.every((grant) => "credentials" in grant);
const retryOf = (grants: readonly IssueResult[]) =>
  Math.max(0, ...grants.map((grant) => ("refusal" in grant ? (grant.refusal.retryAfterMs ?? 0) : 0)));

/** Runs the case with all hostile pods in `hostileNamespace` and the honest ones in "honest". */
async function run(context: TestContext, hostileNamespace: string) {
  const { open, clock, step, createPod, emulator } = await setUp(context);
  const { issuer, limiter } = open();
  const over = new AbortController();

  /** Requests again and again, 50 ms after each answer, and ignores the times to retry. */
  async function attack({ identity, roles }: Pod): Promise<void> {
    while (!over.signal.aborted) {
      await issuer.issue(identity, Object.keys(roles), "peer");
      await new Promise<void>((resolve) => void clock.schedule(resolve, 50));
    }
  }

  /** Requests as a sidecar does; resolves with the time until it has credentials, in milliseconds. */
  async function start(name: string): Promise<number> {
    const from = clock.now();
    const { identity, roles } = createPod("honest", name, { app: "honest" });
    for (;;) {
      const grants = await issuer.issue(identity, Object.keys(roles), "peer");
      if (hasCredentials(grants)) return clock.now() - from;
      const waitMs = Math.min(Math.max(retryOf(grants), 500), 5_000);
      await new Promise<void>((resolve) => void clock.schedule(resolve, waitMs));
    }
  }

  for (let index = 0; index < HOSTILE_PODS; index++) {
    const names = Array.from({ length: CONTAINERS }, (_, at) => `c${at}`);
    const roles = Object.fromEntries(names.map((container) => [container, `denied-${index}-${container}`]));
    void attack(createPod(hostileNamespace, `hostile-${index}`, roles));
  }
  for (let steps = 0; steps < 100; steps++) await step();

  const times: number[] = [];
  for (let index = 0; index < HONEST_PODS; index++) {
    void start(`honest-${index}`).then((ms) => times.push(ms));
    for (let steps = 0; steps < 10; steps++) await step();
  }
  // Nobody waits longer than the patience of a pod that starts: half a minute.
  for (let steps = 0; times.length < HONEST_PODS && steps < 3_000; steps++) await step();
  over.abort();
  for (let steps = 0; steps < 600; steps++) await clock.advance(STEP_MS);
  const sorted = times.toSorted((a, b) => a - b);
  const denied = emulator.calls.assumed().filter(({ outcome }) => outcome === "AccessDenied").length;
  return { served: times.length, p90: sorted[Math.ceil(sorted.length * 0.9) - 1], denied, top: limiter.topNamespace() };
}

for (const [title, hostileNamespace] of [
  ["another namespace", "hostile"],
  ["the same namespace", "honest"],
] as const) {
  test(`createStsLimiter() serves new pods within 2 s beside pods of ${title} with many denied roles`, async (context) => {
    const { served, p90 = Number.POSITIVE_INFINITY, denied, top } = await run(context, hostileNamespace);
    assert.equal(served, HONEST_PODS);
    // Quiet is 0 ms, because the clock stands still while STS answers.
    assert.ok(p90 <= MAX_LATER_MS, `p90 is ${p90} ms`);
    assert.ok(denied > 200, `the attack used the burst: ${denied} calls were denied`);
    assert.equal(top?.namespace, hostileNamespace);
    context.diagnostic(`p90 ${p90} ms, ${denied} calls denied`);
  });
}
