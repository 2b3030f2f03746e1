// podrole aws as a command, against the API server emulator.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { suite, type TestContext, test } from "node:test";
import { awsAction } from "../../../src/cli/commands/aws.ts";
import type { Flags } from "../../../src/cli/terminal.ts";
import { COMMON, HEALTHY_NAMESPACE, ownConfiguration, programDeployment } from "../../operations/check/healthy.ts";
import { startOperatorCluster } from "./operator-cluster.ts";

const SERVER = "arn:aws:iam::123456789012:role/podrole-server";

async function cluster(context: TestContext, isInstalled = true) {
  const { store, runAction } = await startOperatorCluster(context);
  store.create("namespaces", { metadata: { name: "podrole" } });
  store.create("namespaces", structuredClone(HEALTHY_NAMESPACE));
  store.create("serviceaccounts", { metadata: { name: "default", namespace: "shop" } });
  if (isInstalled) store.create("deployments", { ...programDeployment("server") });
  store.create("configmaps", { ...COMMON, metadata: { ...COMMON.metadata, namespace: "podrole" } });
  const addPod = (name: string, role: string) =>
    store.create("pods", {
      metadata: { name, namespace: "shop", annotations: { "iam.amazonaws.com/role": role } },
      spec: { containers: [{ name: "app", image: "app:1" }] },
    });
  const run = (flags: Flags = {}, stdin = "") =>
    runAction(awsAction, ["principal" in flags ? "trust" : "policy"], flags, { stdin });
  return { store, addPod, run };
}

suite("awsAction()", () => {
  test("prints the policy of the server's principal", async (context) => {
    const { addPod, run } = await cluster(context);
    addPod("orders", "shop-orders");
    const { exitCode, out, err } = await run();
    assert.deepEqual([exitCode, err], [0, ""]);
    const [title, ...lines] = out.split("\n");
    assert.equal(title, "# Policy of podrole's server");
    const { Statement } = JSON.parse(lines.join("\n")) as { Statement: readonly { Resource: string }[] };
    assert.equal(Statement[0]?.Resource, "arn:aws:iam::123456789012:role/shop-orders");
  });

  test("decides by no settings of a tenant's Deployment, and notes it if podrole is not installed", async (context) => {
    for (const isInstalled of [true, false]) {
      const { store, addPod, run } = await cluster(context, isInstalled);
      if (isInstalled) store.create("mutatingwebhookconfigurations", { ...ownConfiguration() });
      store.create("namespaces", { metadata: { name: "tenant" } });
      const server = programDeployment("server");
      server.spec.template.spec.containers[0]?.args?.push("--role-base-arn=arn:aws:iam::666666666666:role/");
      const labels = { "app.kubernetes.io/part-of": "podrole" };
      store.create("deployments", { ...server, metadata: { ...server.metadata, namespace: "tenant", labels } });
      addPod("orders", "shop-orders");
      const { exitCode, out, err } = await run();
      if (isInstalled) {
        assert.deepEqual([exitCode, err], [0, ""]);
        assert.match(out, /arn:aws:iam::123456789012:role\/shop-orders/);
      } else assert.match(err, /^podrole aws policy: podrole's namespace is assumed to be "tenant"/);
    }
  });

  test("prints a command for each role that must trust the principal, or the documents as JSON", async (context) => {
    const { addPod, run } = await cluster(context);
    addPod("orders", "shop-orders");
    const { exitCode, out } = await run({ principal: SERVER });
    assert.equal(exitCode, 0);
    assert.match(out, /^aws iam update-assume-role-policy --role-name shop-orders --policy-document '.*'$/m);
    assert.ok(out.includes(`"Principal":{"AWS":"${SERVER}"}`));
    const json = JSON.parse((await run({ principal: SERVER, output: "json" })).out) as {
      readonly trustPolicies: readonly { readonly roleName: string }[];
    };
    assert.deepEqual(
      json.trustPolicies.map(({ roleName }) => roleName),
      ["shop-orders"],
    );
  });

  test("ends with 1 and the reason if podrole refuses a role that a pod names", async (context) => {
    const { addPod, run } = await cluster(context);
    addPod("intruder", "payroll-admin");
    const { exitCode, out, err } = await run({ output: "json" });
    assert.equal(exitCode, 1);
    assert.deepEqual((JSON.parse(out) as { policies: unknown[] }).policies, []);
    assert.match(err, /^podrole aws policy: Cannot give role .*payroll-admin/);
  });

  for (const name of ["role/*", "role/pod?", "role/pod role-server", 'role/"x"', "role/x'$(id)'", "role/", "group/x"]) {
    test(`refuses the principal ${name}, and says what is accepted`, async (context) => {
      const { run } = await cluster(context);
      const principal = `arn:aws:iam::123456789012:${name}`;
      const { exitCode, out, err } = await run({ principal });
      assert.deepEqual([exitCode, out], [2, ""]);
      const said = `--principal: ${JSON.stringify(principal)} is not the ARN of one role or user, without wildcards, such as`;
      assert.ok(err.includes(said), err);
    });
  }

  for (const name of ["role/team/podrole+server=x", "user/team/podrole@server", "role/it's/podrole"]) {
    test(`prints commands for the principal ${name} that a shell reads as they are`, async (context) => {
      const { addPod, run } = await cluster(context);
      addPod("orders", "shop-orders");
      const principal = `arn:aws:iam::123456789012:${name}`;
      const { out } = await run({ principal });
      const quotedDocument = /--policy-document ('.*')$/m.exec(out)?.[1] ?? "";
      const printed = spawnSync("sh", ["-c", `printf %s ${quotedDocument}`], { encoding: "utf8" }).stdout;
      const {
        Statement: [statement],
      } = JSON.parse(printed) as { readonly Statement: readonly { readonly Principal: object }[] };
      assert.deepEqual(statement?.Principal, { AWS: principal });
    });
  }

  test("ends with 2 without an installed server, and with a principal that is not a role or user", async (context) => {
    const { run } = await cluster(context, false);
    const missing = await run();
    assert.equal(missing.exitCode, 2);
    assert.match(missing.err, /no Deployment in namespace "podrole" runs podrole's server/);
    const session = await run({ principal: "arn:aws:sts::123456789012:assumed-role/podrole-server/x" });
    assert.equal(session.exitCode, 2);
    assert.match(session.err, /--principal: .* is not the ARN of one role or user/);
  });

  test("prints the documents for Terraform", async (context) => {
    const { addPod, run } = await cluster(context);
    addPod("orders", "shop-orders");
    const policy = await run({ output: "terraform" });
    assert.equal(policy.exitCode, 0);
    assert.match(policy.out, /^ {4}"server" = jsonencode\(\{$/m);
    const trust = await run({ principal: SERVER, output: "terraform" });
    assert.match(trust.out, /^ {4}"arn:aws:iam::123456789012:role\/shop-orders" = jsonencode\(\{$/m);
  });

  suite("with the output of aws iam get-account-authorization-details", () => {
    const trusts = (name: string, principal: object) => ({
      Arn: `arn:aws:iam::123456789012:role/${name}`,
      AssumeRolePolicyDocument: { Statement: [{ Effect: "Allow", Principal: principal, Action: "sts:AssumeRole" }] },
    });
    const details = JSON.stringify({
      RoleDetailList: [trusts("shop-orders", { Service: "ec2.amazonaws.com" }), trusts("shop-cart", { AWS: SERVER })],
    });

    test("prints the state of each role, and a command only for a role that lacks the trust", async (context) => {
      const { addPod, run } = await cluster(context);
      for (const name of ["orders", "cart", "new"]) addPod(name, `shop-${name}`);
      const { exitCode, out } = await run({ principal: SERVER, filename: "-" }, details);
      assert.equal(exitCode, 1);
      assert.match(out, /^# \S+role\/shop-cart: its trust policy allows the principal$/m);
      assert.match(out, /^# \S+role\/shop-new: the account has no such role$/m);
      assert.match(out, /^# \S+role\/shop-orders: its trust policy does not allow sts:AssumeRole$/m);
      const commands = out.split("\n").filter((line) => line.startsWith("aws "));
      assert.equal(commands.length, 1);
      assert.match(commands[0] ?? "", /--role-name shop-orders .*"ec2\.amazonaws\.com".*podrole-server/);
    });

    test("prints the states as JSON too, and for Terraform only the new statement", async (context) => {
      const { addPod, run } = await cluster(context);
      addPod("orders", "shop-orders");
      const { out } = await run({ principal: SERVER, filename: "-", output: "json" }, details);
      const { states, trustPolicies } = JSON.parse(out) as { states: unknown; trustPolicies: readonly unknown[] };
      const roleArn = "arn:aws:iam::123456789012:role/shop-orders";
      assert.deepEqual(states, [{ roleArn, state: "missing", actions: ["sts:AssumeRole"] }]);
      assert.equal(trustPolicies.length, 1);
      const terraform = await run({ principal: SERVER, filename: "-", output: "terraform" }, details);
      assert.match(terraform.out, /^# \S+role\/shop-orders: its trust policy does not allow/m);
      assert.doesNotMatch(terraform.out, /ec2\.amazonaws\.com/);
    });

    test("ends with 0 and without a command if every role trusts the principal", async (context) => {
      const { addPod, run } = await cluster(context);
      addPod("cart", "shop-cart");
      const { exitCode, out } = await run({ principal: SERVER, filename: "-" }, details);
      assert.equal(exitCode, 0);
      assert.equal(out, "# arn:aws:iam::123456789012:role/shop-cart: its trust policy allows the principal\n");
    });

    test("ends with 2 if it cannot be read", async (context) => {
      const { run } = await cluster(context);
      const { exitCode, err } = await run({ principal: SERVER, filename: "-" }, "{}");
      assert.equal(exitCode, 2);
      assert.match(err, /^podrole aws trust: --filename: standard input has no RoleDetailList; expected the output of/);
    });
  });
});
