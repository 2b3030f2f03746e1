// A pod that cannot resolve podrole's server is warned, because it never starts.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type PlanSettings, plan } from "../../src/injection/plan.ts";
import type { PodSpec } from "../../src/kubernetes/objects.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { inShop } from "./pods.ts";

const HOST = "podrole-server.podrole.svc";
const at = (host: string): Partial<PlanSettings> => ({
  serverAddress: `${host}:8444`,
  identityAddress: `${host}:8443`,
});
const searching = (...searches: readonly string[]) => ({
  dnsPolicy: "None",
  dnsConfig: { nameservers: ["10.0.0.10"], searches },
});
const aliased = { hostAliases: [{ ip: "10.0.0.7", hostnames: ["other", HOST] }] };

const cases: readonly (readonly [string, Partial<PodSpec>, Partial<PlanSettings>, boolean])[] = [
  ["the cluster's DNS", { dnsPolicy: "ClusterFirst" }, {}, true],
  ["no policy, so the cluster's DNS", {}, {}, true],
  ["the node's DNS", { dnsPolicy: "Default" }, {}, false],
  ["the node's DNS and the name in hostAliases", { dnsPolicy: "Default", ...aliased }, {}, true],
  ["the node's DNS and an address of the server", { dnsPolicy: "Default" }, at("10.0.0.7"), true],
  ["the node's DNS and a name outside of the cluster", { dnsPolicy: "Default" }, at("iam.example.com"), true],
  ["its own DNS without search domains", { dnsPolicy: "None" }, {}, false],
  ["its own DNS and the cluster's domain", searching("shop.svc.cluster.local", "cluster.local"), {}, true],
  ["its own DNS and its namespace's domain alone", searching("shop.svc.cluster.local"), {}, false],
  ["its own DNS and the server's full name", { dnsPolicy: "None" }, at(`${HOST}.cluster.local`), true],
];

suite("dnsWarnings() for a pod with", () => {
  for (const [what, spec, changes, isResolved] of cases) {
    test(`${what}: ${isResolved ? "none" : "SERVER_UNRESOLVED"}`, () => {
      const pod = {
        metadata: { annotations: { "iam.amazonaws.com/role": "shop-a" } },
        spec: { containers: [{ name: "app" }], ...spec },
      };
      const { decision, warnings } = plan(inShop(pod), { ...PLAN_SETTINGS, ...changes });
      assert.equal(decision, "inject");
      const policy = String(spec["dnsPolicy"]);
      const text = `dnsPolicy ${policy}: podrole-sidecar cannot resolve ${HOST}, so the pod does not start; use ClusterFirst, or hostAliases`;
      assert.deepEqual(warnings, isResolved ? [] : [{ code: "SERVER_UNRESOLVED", text }]);
    });
  }
});
