// Tests the NetworkPolicies as objects; no network enforces them here. network-policies.ts has the expected
// connections, network-policy.ts evaluates the policies.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readManifest } from "../files.ts";
import {
  ALWAYS,
  API_SERVER_UNKNOWN,
  BLOCKED,
  DENIED_BUT_PODROLE,
  findDisagreements,
  INSTANCE_METADATA,
  PARTIES,
} from "./network-policies.ts";
import { isAllowed, type NetworkPolicy } from "./network-policy.ts";

const BASE = readManifest<NetworkPolicy>("base/network-policies.yaml");
const EXAMPLE = readManifest<NetworkPolicy>("examples/block-node-role.yaml");
const ALLOW = readManifest<NetworkPolicy>("examples/allow-podrole.yaml");
const DENY_EGRESS: NetworkPolicy = {
  ...{ kind: "NetworkPolicy", metadata: { name: "deny-egress", namespace: "shop" } },
  spec: { podSelector: {}, policyTypes: ["Egress"] },
};

suite("isAllowed()", () => {
  const connection = { from: PARTIES.plain, to: PARTIES.server, port: 8443 };
  const policy = (spec: NetworkPolicy["spec"]): NetworkPolicy => ({
    ...{ kind: "NetworkPolicy", metadata: { name: "one", namespace: "podrole" }, spec },
  });
  const closed = policy({ podSelector: {}, policyTypes: ["Ingress"] });
  const open = policy({ podSelector: {}, policyTypes: ["Ingress"], ingress: [{}] });

  for (const [what, policies, expected] of [
    ["allows everything without a policy", [], true],
    ["allows nothing if the only policy has no rule", [closed], false],
    ["combines policies: one that allows is enough", [closed, open], true],
    ["allows every peer if a rule names none", [open], true],
    [
      "does not apply policies of another namespace",
      [{ ...closed, metadata: { name: "one", namespace: "elsewhere" } }],
      true,
    ],
    ["does not apply a policy of the other direction", [policy({ podSelector: {}, policyTypes: ["Egress"] })], true],
    [
      "applies a pod selector without a namespace selector to the policy's namespace",
      [policy({ podSelector: {}, policyTypes: ["Ingress"], ingress: [{ from: [{ podSelector: {} }] }] })],
      false,
    ],
    [
      "does not allow addresses that an ipBlock excepts",
      [
        policy({
          podSelector: {},
          policyTypes: ["Ingress"],
          ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.1.0/24"] } }] }],
        }),
      ],
      false,
    ],
  ] as const) {
    test(what, () => assert.equal(isAllowed(policies, connection), expected));
  }

  test("throws for selectors that it cannot evaluate", () => {
    const unknown = { matchExpressions: [] } as unknown as NetworkPolicy["spec"]["podSelector"];
    assert.throws(
      () => isAllowed([policy({ podSelector: unknown, policyTypes: ["Ingress"] })], connection),
      RangeError,
    );
  });
});

test("manifests/base admits sidecars, the webhook, Prometheus and the API server; only the server reaches AWS", () => {
  const rows = [...ALWAYS, ...INSTANCE_METADATA(true), ...API_SERVER_UNKNOWN];
  assert.deepEqual(
    findDisagreements(rows, (connection) => isAllowed(BASE, connection)),
    [],
  );
});

test("examples/block-node-role.yaml blocks the node's role and nothing else", () => {
  assert.deepEqual(
    findDisagreements(BLOCKED, (connection) => isAllowed([...BASE, ...EXAMPLE], connection)),
    [],
  );
});

test("examples/allow-podrole.yaml opens a namespace that denies egress for podrole-server and DNS alone", () => {
  const policies = [...BASE, DENY_EGRESS];
  const toServer = { from: PARTIES.injected, to: PARTIES.server, port: 8443 };
  assert.equal(isAllowed(policies, toServer), false);
  assert.deepEqual(
    findDisagreements(DENIED_BUT_PODROLE, (connection) => isAllowed([...policies, ...ALLOW], connection)),
    [],
  );
});

test("examples/block-node-role.yaml opens a namespace that denies egress, as its comment warns", () => {
  const toInternet = { from: PARTIES.plain, to: PARTIES.stranger, port: 443 };
  assert.equal(isAllowed([DENY_EGRESS], toInternet), false);
  assert.equal(isAllowed([DENY_EGRESS, ...EXAMPLE], toInternet), true);
});

test("findDisagreements() lists each connection whose result differs", () => {
  const rows = [{ from: "plain", to: "server", ports: [8443, 8444], allowed: false }] as const;
  const without = (connection: Parameters<typeof isAllowed>[1]) => isAllowed([], connection);
  assert.deepEqual(findDisagreements(rows, without), [
    "plain → server:8443 is allowed",
    "plain → server:8444 is allowed",
  ]);
});
