// Refusals that go on and those that are over, and what an operator does about a cause.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { stepsAfterCode } from "../../src/operations/code-steps.ts";
import { stepsAfterCreationFailure } from "../../src/operations/creation-failure.ts";
import { DENIAL_CONDITIONS } from "../../src/operations/denial-conditions.ts";
import { stepFields } from "../../src/operations/next-steps.ts";
import type { PodRow } from "../../src/operations/status/model.ts";
import { partsOfStep } from "../../src/operations/step-parts.ts";
import { findLikelyCauses } from "../../src/operations/ui/likely-causes.ts";
import { rowsByPod } from "../../ui/model/cause.ts";
import { foldRows } from "../../ui/model/fold.ts";
import { refusalCounts, refusalGroups, sparkCounts, sparkSpan, withLastCodes } from "../../ui/model/refusal-groups.ts";
import { remedyOf } from "../../ui/model/remedy.ts";
import { statementIn } from "../../ui/model/remedy-parts.ts";
import { podRow, smallSnapshot, TYPO, UI_NOW, uiRoleArn } from "./snapshots.ts";

const MINUTE = 60_000;
const ago = (minutes: number) => new Date(UI_NOW - minutes * MINUTE).toISOString();

suite("refusals", () => {
  const { pods, refusals } = smallSnapshot();
  const context = { pods: rowsByPod(pods), now: UI_NOW };

  test("refusalGroups() separates what goes on from what is over, also of one code, with first and last time", () => {
    const { current, over } = refusalGroups(refusals, context);
    assert.deepEqual(
      current.map(({ code, state, count }) => [code, state, count]),
      [
        ["STS_UNAVAILABLE", "expired", 12],
        ["STS_DENIED", "refused", 4],
        ["ROLE_FORBIDDEN", "blocked", 7],
        ["STS_THROTTLED", "failing", 5],
      ],
    );
    assert.deepEqual(
      over.map(({ code, state, count, first, last }) => [code, state, count, first, last]),
      [["STS_UNAVAILABLE", "over", 14, ago(46), ago(40)]],
    );
  });

  test("refusalGroups() has no time of refusals without one", () => {
    const [refusal] = refusals;
    assert.ok(refusal);
    const { since: _, ...rest } = refusal;
    const [group] = refusalGroups([{ ...rest, time: "" }], context).current;
    assert.deepEqual([group?.first, group?.last], [undefined, undefined]);
  });

  test("withLastCodes() adds the last code of a container that no refusal has, and no other", () => {
    assert.equal(withLastCodes(refusals, pods), refusals);
    const without = refusals.filter(({ code }) => code !== "STS_THROTTLED");
    const added = withLastCodes(without, pods).slice(without.length);
    assert.deepEqual(
      added.map(({ pod, container, code, time }) => [pod, container, code, time]),
      [["cart-5c6b8-9qwzt", "worker", "STS_THROTTLED", ""]],
    );
    const codes = new Set(refusalGroups(withLastCodes([], pods), context).current.map(({ code }) => code));
    assert.deepEqual([...codes], ["STS_UNAVAILABLE", "STS_DENIED", "STS_THROTTLED"]);
  });

  test("refusalCounts() counts attempts, pods, and workloads without pods", () => {
    assert.equal(refusalCounts(refusals), "42 refusals of 7 pods and 1 workload");
    assert.equal(refusalCounts([]), "0 refusals");
  });

  test("sparkSpan() is the shortest axis that has the first refusal", () => {
    const { current, over } = refusalGroups(refusals, context);
    assert.equal(sparkSpan([...current, ...over], UI_NOW), 60 * MINUTE);
    assert.equal(sparkSpan(current.slice(1, 2), UI_NOW), 30 * MINUTE);
  });

  test("sparkCounts() has each refusal in one bar, between the first and the last at equal distances", () => {
    const axis = { span: 60 * MINUTE, now: UI_NOW };
    const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
    const { current, over } = refusalGroups(refusals, context);
    for (const { rows, count } of [...current, ...over]) assert.equal(sum(sparkCounts(rows, axis)), count);
    const [first] = refusals;
    assert.ok(first);
    const row = { ...first, since: ago(60), time: ago(30), count: 1_000 };
    const counts = sparkCounts([row], axis);
    assert.deepEqual([counts.length, sum(counts), counts.slice(13)], [24, 1_000, Array.from({ length: 11 }, () => 0)]);
    assert.ok(counts.slice(0, 12).every((count) => count > 80 && count < 86));
    assert.equal(sum(sparkCounts([{ ...first, time: "" }], axis)), 0);
    const { since: _, ...once } = { ...first, time: ago(0), count: 1 };
    assert.equal(sparkCounts([once], axis).at(-1), 1);
    assert.equal(sum(sparkCounts([{ ...row, since: ago(120), count: 2 }], axis)), 1);
  });
});

suite("remedyOf()", () => {
  const POD = { namespace: "shop", kind: "pod", name: "orders" } as const;
  const rowOf = (pod: string) => smallSnapshot().pods.find((row) => row.pod === pod) as PodRow;

  const firstWords = (steps: readonly string[]) => steps.map((step) => step.split(" ").slice(0, 3).join(" "));

  test("remedyOf() has a denial looked into first: whether the role exists, then which statements are for the server", () => {
    const { look, branches, steps } = remedyOf(rowOf("mailer-6f7d9-hx5pl"));
    assert.match(look?.command ?? "", /^aws iam get-role --role-name shop-mial .*> role\.json$/);
    assert.equal(look?.purpose, "Does the role exist in account 123456789012?");
    assert.match(look?.why ?? "", /Only AWS can say which it is/);
    const [missing, existing, ...others] = branches;
    assert.deepEqual(
      [missing?.when, existing?.when, others],
      ["It fails with NoSuchEntity", "It succeeds, and prints nothing", []],
    );
    assert.deepEqual(firstWords(missing?.steps ?? []), ["kubectl -n shop"]);
    assert.deepEqual([missing?.cause, missing?.statement], ["there is no role shop-mial", undefined]);
    // The second look is of the role that exists.
    assert.match(existing?.further?.look?.command ?? "", /^jq '\.Arn, \(/);
    const second = existing?.further?.branches ?? [];
    assert.deepEqual(
      second.map(({ when, steps: own }) => [when, ...firstWords(own)]),
      [
        ["The ARN is another one than the pod names", "kubectl -n shop"],
        ["Nothing but the ARN is printed", "jq '.AssumeRolePolicyDocument |", "aws iam update-assume-role-policy"],
        ["A printed Allow has a condition on sts:ExternalId", "kubectl -n shop"],
        [
          "A Deny, or an Allow with a condition on something else, is printed",
          "jq .AssumeRolePolicyDocument role.json",
          "aws iam update-assume-role-policy",
        ],
        [
          "An Allow for the account or for all, without a condition, is printed, and no Deny",
          "podrole aws policy",
          "aws iam put-role-policy",
        ],
        [
          "An Allow for the server itself, without a condition, is printed, and no Deny",
          "aws iam simulate-principal-policy",
        ],
      ],
    );
    // The branch says it.
    const all = [...branches, ...second];
    assert.ok(all.every(({ steps: own }) => own.every((step) => !step.includes("  # only if"))));
    const [, untrusting] = second;
    assert.deepEqual(JSON.parse(String(untrusting?.statement)), {
      Effect: "Allow",
      Principal: { AWS: "arn:aws:iam::123456789012:role/podrole-server" },
      Action: "sts:AssumeRole",
    });
    assert.ok((untrusting?.statement ?? "").split("\n").length > 5);
    assert.deepEqual(steps, []);
  });

  test("remedyOf() says of each branch whether this pod recovers, or the next one", () => {
    const deployment = { namespace: "shop", kind: "deployment", name: "mailer" } as const;
    const concerned = { object: deployment, serverMessage: TYPO };
    const row = { ...rowOf("mailer-6f7d9-hx5pl"), ...stepFields(stepsAfterCode("STS_DENIED", concerned)) };
    const [missing, existing] = remedyOf(row).branches;
    const [path, untrusting, external, other, lacking] = existing?.further?.branches ?? [];
    for (const changed of [missing, path, external]) assert.match(changed?.recovery ?? "", /this one never does$/);
    // A Deny that is only found out is not removed.
    assert.equal(existing?.further?.branches.at(-1)?.recovery, undefined);
    for (const corrected of [untrusting, other, lacking])
      assert.match(corrected?.recovery ?? "", /^by itself: the kubelet/);
    // A workload without a pod has none that could never recover.
    const blocked = { code: "ROLE_FORBIDDEN", pod: "replicaset/intruder-6c9d7", recovery: "by itself" } as const;
    const object = { namespace: "shop", kind: "deployment", name: "intruder" } as const;
    const { branches } = remedyOf({ ...blocked, ...stepFields(stepsAfterCode("ROLE_FORBIDDEN", { object })) });
    assert.deepEqual(
      branches.map(({ recovery }) => recovery),
      ["by itself", "by itself"],
    );
  });

  test("remedyOf() has a branch for each condition of the steps", () => {
    const steps = Object.values(DENIAL_CONDITIONS).map((condition, index) => `x ${index}  # ${condition}does it`);
    const { branches } = remedyOf({
      code: "STS_DENIED",
      ...stepFields(["aws iam get-role --role-name x  # looks", ...steps]),
    });
    const [missing, existing] = branches;
    const found = [missing, ...(existing?.further?.branches ?? [])].flatMap((branch) => branch?.steps ?? []);
    assert.equal(existing?.further?.look?.command, "x 1");
    assert.deepEqual(
      found,
      ["x 0", "x 2", "x 3", "x 4", "x 5", "x 6", "x 7", "x 8"].map((step) => `${step}  # does it`),
    );
  });

  test("remedyOf() has the commands that reach an emulated STS before the look", () => {
    const object = { namespace: "shop", kind: "pod", name: "orders" } as const;
    const installation = { emulatedSts: "http://sts.aws.svc:4566" };
    const code = "STS_DENIED";
    const { before, look } = remedyOf({ code, ...stepFields(stepsAfterCode(code, { object, installation })) });
    assert.deepEqual(
      before?.map((step) => step.split(" ")[0]),
      ["kubectl", "export"],
    );
    assert.match(look?.command ?? "", /^aws iam get-role /);
    assert.equal(remedyOf({ code, ...stepFields(stepsAfterCode(code, { object })) }).before, undefined);
  });

  test("remedyOf() keeps the steps where STS has said what it lacks", () => {
    const { next, ...mailer } = rowOf("mailer-6f7d9-hx5pl");
    const { look, branches, steps } = remedyOf({ ...mailer, furtherSteps: [], ...(next !== undefined && { next }) });
    assert.deepEqual([look, branches, steps], [undefined, [], [next]]);
  });

  test("remedyOf() corrects a misspelt role only if there is no such role", () => {
    const shop = { namespace: "shop", roleAnnotation: "iam.amazonaws.com/role" } as const;
    const { pods } = findLikelyCauses(
      {
        pods: [{ ...rowOf("mailer-6f7d9-hx5pl"), ...shop }, podRow({ role: uiRoleArn("shop-mail") })],
        refusals: [],
        trust: [],
      },
      UI_NOW,
    );
    const [missing, existing] = remedyOf(pods[0] as PodRow).branches;
    assert.match(missing?.steps.join() ?? "", /^kubectl -n shop edit deployment\/mailer .*did you mean shop-mail\?$/);
    const [, untrusting] = existing?.further?.branches ?? [];
    assert.ok(untrusting?.steps.every((step) => !step.startsWith("kubectl")));
  });

  test("remedyOf() has two branches for a role that the namespace does not permit", () => {
    const object = { namespace: "shop", kind: "deployment", name: "intruder" } as const;
    const code = "ROLE_FORBIDDEN";
    const { look, branches } = remedyOf({ code, ...stepFields(stepsAfterCode(code, { object })) });
    assert.equal(look, undefined);
    assert.deepEqual(
      branches.map(({ when }) => when),
      ["The role is wrong", "The role is right"],
    );
    assert.match(branches[0]?.steps.join() ?? "", /^kubectl -n shop edit deployment\/intruder/);
    assert.match(branches[1]?.steps.join() ?? "", /^kubectl edit namespace shop  # permits it/);
    // A Deployment without pods can be restarted then.
    const steps = stepsAfterCreationFailure(
      'admission webhook "pods.podrole.io" denied the request: ROLE_FORBIDDEN: x',
      { object },
    );
    const [, right] = remedyOf({ code, ...stepFields(steps) }).branches;
    assert.match(right?.steps.at(-1) ?? "", /^kubectl -n shop rollout restart deployment\/intruder /);
  });

  test("remedyOf() reads the log of a sidecar that may trust only an earlier CA before it restarts the pod", () => {
    const expires = new Date(UI_NOW + 5 * MINUTE).toISOString();
    const current = { slot: "current", subject: "CN=2", fingerprint: "A1", expires, since: ago(30) } as const;
    const remedyFor = (change: Partial<PodRow>) => {
      const rows = [podRow({ renewed: ago(55), expires, ...change })];
      const [row] = findLikelyCauses({ pods: rows, refusals: [], trust: [current] }, UI_NOW).pods;
      return remedyOf(row as PodRow);
    };
    const { look, branches } = remedyFor({});
    assert.equal(look?.command, "kubectl -n shop logs pod/orders-7d9f4-x2x4q -c podrole-sidecar");
    assert.deepEqual(
      branches.map(({ when, text, steps }) => [when, text, steps.map((step) => partsOfStep(step).command)]),
      [
        [
          "It contains SERVER_UNTRUSTED",
          "Restart deployment/orders: a new pod trusts the current CA.",
          ["kubectl -n shop rollout restart deployment/orders"],
        ],
        ["It does not", undefined, ["podrole explain pod/orders-7d9f4-x2x4q -n shop"]],
      ],
    );
    // A pod that nothing creates again takes two commands.
    const [alone] = remedyFor({ workload: "Pod/orders-7d9f4-x2x4q" }).branches;
    assert.deepEqual([alone?.text, alone?.steps.length], ["Create the pod again: a new pod trusts the current CA.", 2]);
  });

  test("remedyOf() says what a look at the installation is for, where its command does not", () => {
    const { look, branches, steps } = remedyOf(rowOf("lake-0"));
    assert.deepEqual(look, { purpose: "See whether STS answers now", command: "podrole check --quiet" });
    assert.deepEqual([branches, steps], [[], []]);
    const unreachable = {
      code: "SERVER_UNREACHABLE",
      ...stepFields(stepsAfterCode("SERVER_UNREACHABLE", { object: POD })),
    };
    assert.match(remedyOf(unreachable).look?.purpose ?? "", /podrole/);
    const withPurpose = "podrole check --quiet  # says more";
    assert.deepEqual(remedyOf({ code: "STS_THROTTLED", next: withPurpose }).steps, [withPurpose]);
  });

  test("remedyOf() keeps commands as steps where there is one cause", () => {
    assert.deepEqual(remedyOf({ code: "STS_DENIED", next: "a", furtherSteps: ["b"] }), {
      branches: [],
      steps: ["a", "b"],
    });
    assert.deepEqual(remedyOf({}), { branches: [], steps: [] });
  });

  test("statementIn() indents a statement, and leaves one that is cut as it is", () => {
    assert.equal(statementIn('x must allow y, such as {"a":"b"}'), '{\n  "a": "b"\n}');
    assert.equal(statementIn('x, such as {"a":{"b"}'), '{"a":{"b"}');
    assert.equal(statementIn("x must allow y"), undefined);
  });
});

test("foldRows() puts equal valid containers of a workload together, and nothing that is not well", () => {
  const rows = [
    podRow({ pod: "a", expires: new Date(UI_NOW + 9 * MINUTE).toISOString(), renewed: ago(1) }),
    podRow({ pod: "b", expires: new Date(UI_NOW + 4 * MINUTE).toISOString(), renewed: ago(1) }),
    podRow({ pod: "c", container: "other" }),
    podRow({ pod: "d", code: "STS_THROTTLED" }),
    podRow({ pod: "e", code: "STS_THROTTLED" }),
    podRow({ pod: "f", role: uiRoleArn("other") }),
  ];
  assert.deepEqual(
    foldRows(rows, UI_NOW).map((each) => each.rows.map(({ pod }) => pod)),
    [["b", "a"], ["c"], ["d"], ["e"], ["f"]],
  );
});
