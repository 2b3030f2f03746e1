import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodIdentity } from "../../../src/pki/identity.ts";
import { issueInTurns } from "../../../src/server/issue/issue-turns.ts";

function identity(namespace: string, uid: string): PodIdentity {
  return { trustDomain: "cluster.local", namespace, serviceAccount: "default", name: uid, uid };
}

function setUp(maxWaiting = 100) {
  const begun: string[] = [];
  const turns: (() => void)[] = [];
  const issuer = issueInTurns(
    {
      async issue({ uid }) {
        begun.push(uid);
        return [];
      },
      prefetch: async () => {},
    },
    { nextTurn: (run) => turns.push(run), maxWaiting },
  );
  const issue = (namespace: string, uid: string) => issuer.issue(identity(namespace, uid), ["app"], "peer");
  /** Runs every turn, and lets promises settle after each. */
  async function runTurns(): Promise<void> {
    for (let run = turns.shift(); run; run = turns.shift()) {
      run();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return { begun, issue, runTurns };
}

test("issueInTurns() begins one call in each turn, and lets namespaces and their pods take turns", async () => {
  const { begun, issue, runTurns } = setUp();
  const calls = [
    ...Array.from({ length: 64 }, () => issue("hostile", "h1")),
    issue("hostile", "h2"),
    issue("honest", "v"),
  ];
  assert.deepEqual(begun, []);
  await runTurns();
  await Promise.all(calls);
  assert.deepEqual(begun.slice(0, 4), ["h1", "v", "h2", "h1"]);
  assert.equal(begun.length, 66);
});

test("issueInTurns() refuses, when too many calls wait, the newest of the pod with most", async () => {
  const { begun, issue, runTurns } = setUp(3);
  const codes: string[] = [];
  const call = (uid: string) =>
    issue("a", uid).catch(({ code }: { code: string }) => void codes.push(`${uid} ${code}`));
  const calls = [call("many"), call("many"), call("many"), call("one")];
  await runTurns();
  await Promise.all(calls);
  assert.deepEqual(codes, ["many SERVER_OVERLOADED"]);
  assert.deepEqual(begun.toSorted(), ["many", "many", "one"]);
});
