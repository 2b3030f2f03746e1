import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parse } from "yaml";
import { migrateAction } from "../../../src/cli/commands/migrate.ts";
import { clusterExport, EXPORT_BASE_ARN, KIAM } from "../../operations/migrate/cluster-export.ts";
import { createTerminal } from "../terminal.ts";

const ISSUER = "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF";
const ACCOUNT = "123456789012";
const IRSA = { oidcProvider: `https://${ISSUER}/`, account: ACCOUNT };
const POD_IDENTITY = { clusterName: "prod", account: ACCOUNT, region: "eu-central-1" };

type Flags = Readonly<Record<string, string>>;

async function run(to: "irsa" | "pod-identity", stdin: string, flags: Flags) {
  const terminal = createTerminal({ stdin });
  const exitCode = await migrateAction(terminal, { filename: "-", ...flags }, [to]);
  return { exitCode, out: terminal.said.out(), err: terminal.said.err() };
}

interface Plan {
  readonly moves: readonly {
    serviceAccount: string;
    role: { arn: string };
    pods: number;
    notes: string[];
    command: string;
  }[];
  readonly stays: readonly { workload: string; pods: number; reasons: string[] }[];
  readonly withoutRole: number;
  readonly trustPolicies: readonly { roleName: string; document: { Statement: object[] } }[];
}

async function planOf(to: "irsa" | "pod-identity", stdin: string): Promise<Plan> {
  const { out, err } = await run(to, stdin, { ...(to === "irsa" ? IRSA : POD_IDENTITY), output: "json" });
  assert.equal(err, "");
  return JSON.parse(out) as Plan;
}

interface Pod {
  readonly name: string;
  readonly namespace?: string;
  readonly account?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: object;
}

const namespace = (name: string) => ({
  kind: "Namespace",
  metadata: { name, annotations: { "iam.amazonaws.com/permitted": ".*:role/shop-.*" } },
});

function cluster(...pods: readonly Pod[]): string {
  const items = pods.map(
    ({ name, namespace: home = "shop", account = name, annotations = {}, labels = {}, spec = {} }) => ({
      kind: "Pod",
      metadata: { name, namespace: home, annotations, labels },
      spec: { serviceAccountName: account, containers: [{ name: "app" }, { name: "helper" }], ...spec },
    }),
  );
  return JSON.stringify({ kind: "List", items: [namespace("shop"), namespace("market"), ...items] });
}

const role = (name: string) => ({ "iam.amazonaws.com/role": name });

suite("migrateAction() to irsa and pod-identity", () => {
  for (const to of ["irsa", "pod-identity"] as const) {
    for (const [what, pods, reason] of [
      [
        "with two roles in one pod",
        [{ name: "a", annotations: { ...role("shop-a"), "iam.amazonaws.com/role.helper": "shop-b" } }],
        /containers have different roles/,
      ],
      [
        "that share a ServiceAccount under two roles",
        [
          { name: "a", account: "x", annotations: role("shop-a") },
          { name: "b", account: "x", annotations: role("shop-b") },
        ],
        /shop\/x is shared by pods with 2 roles/,
      ],
      [
        "whose ServiceAccount is used by pods without a role",
        [
          { name: "a", account: "x", annotations: role("shop-a") },
          { name: "b", account: "x" },
        ],
        /is also used by 1 pod without this role \(Pod\/b\)/,
      ],
      [
        "that send an external ID",
        [{ name: "a", annotations: { ...role("shop-a"), "iam.amazonaws.com/external-id": "4711" } }],
        /external ID/,
      ],
      [
        "whose sessions are restricted",
        [{ name: "a", annotations: { ...role("shop-a"), "podrole.io/session-policy": "p" } }],
        /restricts its sessions/,
      ],
      [
        "whose role is not permitted today",
        [{ name: "a", annotations: role("payments") }],
        /^it has no role today: Cannot give role/,
      ],
    ] as const) {
      test(`${to} leaves pods ${what}`, async () => {
        const { moves, stays } = await planOf(to, cluster(...pods));
        assert.deepEqual(moves, []);
        assert.match(stays[0]?.reasons.join("\n") ?? "", reason);
      });
    }

    test(`${to} moves a pod with one role, and only counts one without a role`, async () => {
      const { moves, stays, withoutRole } = await planOf(
        to,
        cluster({ name: "a", annotations: role("shop-a") }, { name: "b" }),
      );
      assert.deepEqual(
        moves.map(({ serviceAccount, role: { arn } }) => [serviceAccount, arn]),
        [["a", `${EXPORT_BASE_ARN}shop-a`]],
      );
      assert.deepEqual([stays, withoutRole], [[], 1]);
    });

    for (const value of ["enabled", "enabled-v1"]) {
      test(`${to} notes that pods with podrole.io/metadata: ${value} lose these paths`, async () => {
        const annotations = { ...role("shop-a"), "podrole.io/metadata": value };
        const spec = { containers: [{ name: "app" }] };
        const { moves } = await planOf(to, cluster({ name: "a", annotations, spec }));
        assert.match(moves[0]?.notes.join() ?? "", /podrole's metadata paths/);
      });
    }

    test(`${to} notes how to skip the containers that have no role`, async () => {
      const annotations = { ...role("shop-a"), "podrole.io/containers": "app" };
      const { moves } = await planOf(to, cluster({ name: "a", annotations }));
      assert.match(moves[0]?.notes[0] ?? "", /eks\.amazonaws\.com\/skip-containers: "helper"/);
    });
  }

  for (const [what, pod, reason] of [
    [
      "on Fargate",
      { name: "a", labels: { "eks.amazonaws.com/fargate-profile": "p" }, annotations: role("shop-a") },
      /Fargate/,
    ],
    ["on Windows", { name: "a", spec: { os: { name: "windows" } }, annotations: role("shop-a") }, /Windows/],
    [
      "with a role of another account",
      { name: "a", annotations: role("arn:aws:iam::999999999999:role/shop-a") },
      /account 999999999999/,
    ],
    [
      "with an SDK that is too old",
      {
        name: "a",
        spec: { containers: [{ name: "app", image: "amazon/aws-cli:2.9.0" }] },
        annotations: role("shop-a"),
      },
      /2\.9\.0 is too old/,
    ],
  ] as const) {
    test(`pod-identity leaves pods ${what}, irsa moves them`, async () => {
      const [irsa, identity] = [await planOf("irsa", cluster(pod)), await planOf("pod-identity", cluster(pod))];
      assert.equal(irsa.moves.length, 1);
      assert.match(identity.stays[0]?.reasons[0] ?? "", reason);
    });
  }

  test("irsa notes that another account needs an OIDC provider, and its trust policy names that account's", async () => {
    const { moves, trustPolicies } = await planOf(
      "irsa",
      cluster({ name: "a", annotations: role("arn:aws:iam::999999999999:role/shop-a") }),
    );
    assert.match(moves[0]?.notes[0] ?? "", /account 999999999999: the OIDC provider must be created there/);
    assert.match(JSON.stringify(trustPolicies), /arn:aws:iam::999999999999:oidc-provider/);
  });

  const two = cluster(
    { name: "a", annotations: role("shop-a") },
    { name: "b", annotations: role("shop-a") },
    { name: "a", namespace: "market", annotations: role("shop-a") },
  );

  test("irsa trusts exactly the subjects that move", async () => {
    const { trustPolicies } = await planOf("irsa", two);
    assert.deepEqual(trustPolicies[0]?.document.Statement, [
      {
        Effect: "Allow",
        Principal: { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/${ISSUER}` },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition: {
          StringEquals: {
            [`${ISSUER}:aud`]: "sts.amazonaws.com",
            [`${ISSUER}:sub`]: [
              "system:serviceaccount:market:a",
              "system:serviceaccount:shop:a",
              "system:serviceaccount:shop:b",
            ],
          },
        },
      },
    ]);
  });

  test("pod-identity has one statement for each namespace, so that no other combination is trusted", async () => {
    const { trustPolicies, moves } = await planOf("pod-identity", two);
    const conditions = trustPolicies[0]?.document.Statement.map(
      (statement) => (statement as { Condition: object }).Condition,
    );
    const tags = (home: string, accounts: string | string[]) => ({
      StringEquals: {
        "aws:RequestTag/eks-cluster-name": "prod",
        "aws:RequestTag/kubernetes-namespace": home,
        "aws:RequestTag/kubernetes-service-account": accounts,
      },
    });
    assert.deepEqual(conditions, [tags("market", "a"), tags("shop", ["a", "b"])]);
    assert.equal(
      moves[0]?.command,
      `aws eks create-pod-identity-association --cluster-name prod --namespace market --service-account a --role-arn ${EXPORT_BASE_ARN}shop-a --region eu-central-1`,
    );
  });

  test("returns 0 if all pods can move and 1 if some cannot, and prints shell commands", async () => {
    const all = await run("irsa", two, IRSA);
    assert.equal(all.exitCode, 0);
    assert.match(
      all.out,
      /^podrole to IAM roles for service accounts: 3 pods of 3 ServiceAccounts can migrate, 0 cannot, 0 have no role$/m,
    );
    assert.match(all.out, /kubectl annotate serviceaccount -n shop b eks\.amazonaws\.com\/role-arn=arn:/);
    assert.equal((await run("irsa", cluster({ name: "a", annotations: role("payments") }), IRSA)).exitCode, 1);
  });

  test("counts one pod without a role as one", async () => {
    const { out } = await run("irsa", cluster({ name: "a", annotations: role("shop-a") }, { name: "b" }), IRSA);
    assert.match(out, /: 1 pod of 1 ServiceAccount can migrate, 0 cannot, 1 has no role$/m);
  });

  test("counts the pods of a kiam cluster, and uses its base ARN", async () => {
    const text = JSON.stringify(clusterExport(KIAM));
    const yaml = parse((await run("irsa", text, { oidcProvider: ISSUER, output: "yaml" })).out) as Plan;
    const sum = (list: readonly { pods: number }[]) => list.reduce((total, { pods }) => total + pods, 0);
    assert.deepEqual([sum(yaml.moves), sum(yaml.stays), yaml.withoutRole], [20, 90, 90]);
  });

  for (const [to, flags, problem] of [
    ["irsa", {}, /--oidc-provider is required/],
    ["irsa", { oidcProvider: "http://x" }, /--oidc-provider: "http:\/\/x" is not the issuer's host and path/],
    ["irsa", { ...IRSA, account: "1" }, /--account: "1" is not 12 digits/],
    ["pod-identity", { account: ACCOUNT }, /--cluster-name is required/],
    ["pod-identity", { ...POD_IDENTITY, clusterName: "a b" }, /--cluster-name: "a b" is not the EKS cluster's name/],
    ["pod-identity", { ...POD_IDENTITY, region: "x" }, /--region: "x" is not a region/],
    ["pod-identity", { ...POD_IDENTITY, output: "values" }, /--output: "values" is not one of "text", "json", "yaml"/],
    ["pod-identity", { ...POD_IDENTITY, roleBaseArn: "x" }, /--role-base-arn: "x" is not a base ARN/],
  ] as const) {
    test(`${to} returns 2 for ${problem.source}`, async () => {
      const { exitCode, out, err } = await run(to, two, flags);
      assert.deepEqual([exitCode, out], [2, ""]);
      assert.match(err, problem);
    });
  }
});
