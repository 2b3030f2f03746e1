// Policies in AWS for what pods use: each permission is there because a session needs it, and only for the roles that
// do.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { callerPolicies, requiredTrust, serverTrust } from "../../../src/operations/aws/policies.ts";
import { type PodsOfCluster, usedRoles } from "../../../src/operations/aws/used-roles.ts";
import { policySettings } from "../../../src/policy/settings-table.ts";
import { readSettings } from "../../../src/runtime/settings.ts";
import { SERVER_SETTINGS } from "../../../src/settings/server.ts";

const BASE = "arn:aws:iam::123456789012:role/";
const SERVER = `${BASE}podrole-server`;

/** The server's settings with these flags. */
function settings(flags: Readonly<Record<string, string>> = {}) {
  const read = readSettings(SERVER_SETTINGS, { roleBaseArn: BASE, ...flags }, {});
  assert.ok(read.ok);
  return { policy: policySettings(read.value), assumeRoleArn: read.value.assumeRoleArn };
}

/** Pods of namespace shop, which permits roles named shop-…; each has these annotations. */
function cluster(...pods: readonly Readonly<Record<string, string>>[]): PodsOfCluster {
  return {
    namespaces: [{ metadata: { name: "shop", annotations: { "iam.amazonaws.com/permitted": `${BASE}shop-.*` } } }],
    serviceAccounts: [],
    pods: pods.map((annotations, index) => ({
      metadata: { name: `pod-${index}`, namespace: "shop", annotations },
      spec: { containers: [{ name: "app", image: "app:1" }] },
    })),
  };
}

const ORDERS = { "iam.amazonaws.com/role": "shop-orders" };
const CART = { "iam.amazonaws.com/role": "shop-cart" };

suite("callerPolicies()", () => {
  test("allows the server exactly the roles that pods use", () => {
    const { roles, refusals } = usedRoles(cluster(ORDERS, CART, ORDERS), settings());
    assert.deepEqual(refusals, []);
    assert.deepEqual(callerPolicies(roles), [
      {
        caller: undefined,
        document: {
          Version: "2012-10-17",
          Statement: [
            { Effect: "Allow", Action: "sts:AssumeRole", Resource: [`${BASE}shop-cart`, `${BASE}shop-orders`] },
          ],
        },
      },
    ]);
  });

  test("writes the wildcards and the variables of a role's path as text, so that the policy allows only this role", () => {
    const permitted = { "iam.amazonaws.com/permitted": ".*" };
    const pods = cluster(
      ...["*/a", "?/b", `\${aws:PrincipalTag/t}/c`].map((role) => ({ "iam.amazonaws.com/role": role })),
    );
    const namespaces = [{ metadata: { name: "shop", annotations: permitted } }];
    const [policy] = callerPolicies(usedRoles({ ...pods, namespaces }, settings()).roles);
    assert.deepEqual(policy?.document.Statement, [
      {
        Effect: "Allow",
        Action: "sts:AssumeRole",
        Resource: [`${BASE}\${$}{aws:PrincipalTag/t}/c`, `${BASE}\${*}/a`, `${BASE}\${?}/b`],
      },
    ]);
  });

  test("leaves out a role that podrole refuses, and says why", () => {
    const payroll = { "iam.amazonaws.com/role": "payroll-admin" };
    const { roles, refusals } = usedRoles(cluster(ORDERS, payroll), settings());
    assert.deepEqual(
      roles.map(({ role }) => role.name),
      ["shop-orders"],
    );
    assert.equal(refusals.length, 1);
    assert.match(refusals[0] ?? "", /^Cannot give role .*:role\/payroll-admin to pod "shop\/pod-1"/);
  });

  test("leaves out pods that have finished", () => {
    const { pods, ...rest } = cluster(ORDERS);
    const finished = pods.map((pod) => Object.assign({}, pod, { status: { phase: "Succeeded" } }));
    assert.deepEqual(usedRoles({ ...rest, pods: finished }, settings()).roles, []);
  });

  test("allows session tags and the source identity only if sessions have them", () => {
    const { roles } = usedRoles(cluster(ORDERS), settings({ sessionTags: "true", sourceIdentity: "true" }));
    const [policy] = callerPolicies(roles);
    assert.deepEqual(policy?.document.Statement, [
      {
        Effect: "Allow",
        Action: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        Resource: `${BASE}shop-orders`,
      },
    ]);
  });

  test("gives the roles to the hop that assumes them, and only the hop to the server", () => {
    const hop = `${BASE}hop`;
    const { roles } = usedRoles(cluster(ORDERS), settings({ assumeRoleArn: hop, sessionTags: "true" }));
    assert.deepEqual(
      callerPolicies(roles).map(({ caller, document }) => [caller, document.Statement]),
      [
        [undefined, [{ Effect: "Allow", Action: "sts:AssumeRole", Resource: hop }]],
        [hop, [{ Effect: "Allow", Action: ["sts:AssumeRole", "sts:TagSession"], Resource: `${BASE}shop-orders` }]],
      ],
    );
  });
});

suite("serverTrust()", () => {
  const trustOf = (pods: PodsOfCluster, flags: Readonly<Record<string, string>> = {}) =>
    requiredTrust(usedRoles(pods, settings(flags)).roles, SERVER).map((required) => {
      const { roleName, document } = serverTrust(required);
      assert.equal(document.Statement.length, 1);
      return [roleName, document.Statement[0]] as const;
    });

  test("trusts the server's principal", () => {
    assert.deepEqual(trustOf(cluster(ORDERS)), [
      ["shop-orders", { Effect: "Allow", Principal: { AWS: SERVER }, Action: "sts:AssumeRole" }],
    ]);
  });

  test("requires the external ID if every pod of the role sends one, and not if one pod sends none", () => {
    const external = { ...ORDERS, "iam.amazonaws.com/external-id": "partner-1" };
    const [[, statement] = []] = trustOf(cluster(external));
    assert.deepEqual((statement as { Condition?: object }).Condition, {
      StringEquals: { "sts:ExternalId": "partner-1" },
    });
    const [[, other] = []] = trustOf(cluster(external, ORDERS));
    assert.equal((other as { Condition?: object }).Condition, undefined);
  });

  test("trusts the hop instead, which trusts the server", () => {
    assert.deepEqual(trustOf(cluster(ORDERS), { firstHops: `${BASE}shop-orders=${BASE}hop` }), [
      ["shop-orders", { Effect: "Allow", Principal: { AWS: `${BASE}hop` }, Action: "sts:AssumeRole" }],
      ["hop", { Effect: "Allow", Principal: { AWS: SERVER }, Action: "sts:AssumeRole" }],
    ]);
  });

  test("keeps the statements that the trust policy has", () => {
    const [required] = requiredTrust(usedRoles(cluster(ORDERS), settings()).roles, SERVER);
    assert.ok(required);
    const existing = { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" };
    assert.deepEqual(serverTrust(required, [existing]).document.Statement, [
      existing,
      { Effect: "Allow", Principal: { AWS: SERVER }, Action: "sts:AssumeRole" },
    ]);
  });
});
