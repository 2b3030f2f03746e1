// kiam (or kube2iam) and podrole in one cluster: which system serves which pod while namespaces move one by one, and
// back. The agents of both redirect only TCP to 169.254.169.254:80; plan() shows which pods still connect to it.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { plan } from "../../../src/injection/plan.ts";
import { uninject } from "../../../src/injection/uninject.ts";
import type { Container, Pod } from "../../../src/kubernetes/objects.ts";
import { createKiam, KIAM_DEFAULTS } from "../../../src/operations/migrate/from-kiam/authorization.ts";
import { podIn } from "../../injection/injected-pod.ts";
import { PLAN_SETTINGS } from "../../injection/plan-settings.ts";
import { EXPORT_BASE_ARN } from "./cluster-export.ts";

const annotations = { "iam.amazonaws.com/permitted": ".*" };
const left = { name: "shop", labels: {}, annotations };
const moved = { ...left, labels: { "podrole.io/inject": "enabled" } };
const pod: Pod = {
  metadata: { name: "web", namespace: "shop", annotations: { "iam.amazonaws.com/role": "web" } },
  spec: { containers: [{ name: "app", image: "app:1" }] },
};
const planIn = (namespace: typeof left, given: Pod = pod) =>
  plan({ pod: given, namespace, serviceAccountAnnotations: {} }, PLAN_SETTINGS);
const kiam = createKiam({ ...KIAM_DEFAULTS, baseArn: EXPORT_BASE_ARN });

const appOf = ({ spec }: Pod) => spec.containers.find(({ name }) => name === "app") as Container;
const variable = (name: string, { env }: Container) => env?.find((each) => each.name === name)?.value;

suite("both at once", () => {
  test("plan() changes nothing in a namespace without the label, which the old system serves", () => {
    const { decision, reason } = planIn(left);
    assert.deepEqual([decision, reason], ["skip", "NAMESPACE_NOT_LABELLED"]);
  });

  test("an injected pod calls 127.0.0.1, which no agent redirects, and its SDK calls no metadata service", () => {
    const app = appOf(podIn(planIn(moved)));
    const uri = new URL(variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", app) ?? "");
    assert.equal(uri.hostname, "127.0.0.1");
    assert.equal(variable("AWS_EC2_METADATA_DISABLED", app), "true");
    assert.doesNotMatch(JSON.stringify(podIn(planIn(moved))), /169\.254\.169\.254/);
  });

  test("with metadata paths, the SDK calls podrole's and not the agent's", () => {
    const asking = {
      ...pod,
      metadata: { annotations: { ...pod.metadata.annotations, "podrole.io/metadata": "enabled" } },
    };
    const app = appOf(podIn(planIn(moved, asking)));
    assert.equal(new URL(variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", app) ?? "").hostname, "127.0.0.1");
  });

  test("both grant the same role for the same annotation, which is kept", () => {
    const planned = planIn(moved);
    const { roles } = planned;
    const before = kiam.outcomeOf(pod, { ...left, isKnown: true });
    assert.ok(before.kind === "granted");
    assert.deepEqual(
      roles.map(({ role }) => role?.arn),
      [before.arn],
    );
    // The old system would serve the injected pod too if it still called 169.254.169.254.
    assert.deepEqual(kiam.outcomeOf(podIn(planned), { ...left, isKnown: true }), before);
  });

  test("without the label, a recreated pod is as before", () => {
    assert.deepEqual(uninject(podIn(planIn(moved)), { region: PLAN_SETTINGS.region }), pod);
    assert.equal(planIn(left).decision, "skip");
  });

  test("the old system's own pods are not injected, even in a labelled namespace", () => {
    const agent: Pod = {
      metadata: { name: "kiam-agent" },
      spec: { hostNetwork: true, containers: [{ name: "agent" }] },
    };
    const server: Pod = { metadata: { name: "kiam-server" }, spec: { containers: [{ name: "server" }] } };
    assert.deepEqual(
      [agent, server].map((each) => planIn(moved, each).decision),
      ["skip", "skip"],
    );
  });
});
