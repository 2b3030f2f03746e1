import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type ExplainInput, type ExplainSettings, explain } from "../../../src/operations/explain/explanation.ts";
import { explanationText } from "../../../src/operations/explain/report.ts";
import { readSubject } from "../../../src/operations/explain/subject.ts";
import { PLAN_SETTINGS } from "../../injection/plan-settings.ts";
import { barePod, configuration, injectedPod, NAMESPACE } from "../check/healthy.ts";

const SETTINGS: ExplainSettings = {
  plan: PLAN_SETTINGS,
  sessions: {
    ...PLAN_SETTINGS.policy,
    sessionName: { kind: "template", template: "{cluster}-{pod}" },
    clusterName: "eu",
  },
  webhooks: configuration().webhooks ?? [],
  sources: ["Deployment podrole-webhook"],
  assumptions: [],
};
const ARN = "arn:aws:iam::123456789012:role/";

function explained(change: Partial<ExplainInput> = {}, settings: Partial<ExplainSettings> = {}) {
  const input: ExplainInput = {
    kind: "Pod",
    name: "orders",
    pod: barePod(),
    exists: false,
    namespaceName: "shop",
    namespace: NAMESPACE,
    serviceAccount: { metadata: { name: "default", namespace: "shop" } },
    ...change,
  };
  return explain(input, { ...SETTINGS, ...settings });
}

const running = (pod = injectedPod()) => ({
  ...pod,
  metadata: { ...pod.metadata, creationTimestamp: "2026-06-01T00:00:00Z" },
});

suite("explain()", () => {
  test("tells the role of each container, who named it, and the session by the server's template", () => {
    const { injected, now, containers, notes } = explained();
    assert.equal(injected, true);
    assert.deepEqual([now.decision, now.reason], ["inject", "INJECTED"]);
    assert.deepEqual(containers, [
      { container: "app", namedBy: "pod", role: `${ARN}shop-orders`, allowed: true, sessionName: "eu-orders" },
    ]);
    assert.deepEqual(notes, []);
  });

  test("ROLE_FORBIDDEN: tells which container is refused, and why", () => {
    const pod = barePod("shop-orders", {}, { "iam.amazonaws.com/role.app": "payroll-admin" });
    const { injected, now, containers } = explained({ pod });
    assert.deepEqual([injected, now.reason], [false, "ROLE_FORBIDDEN"]);
    assert.deepEqual(
      containers.map(({ container, role, allowed, namedBy, code }) => [container, role, allowed, namedBy, code]),
      [["app", `${ARN}payroll-admin`, false, "container", "ROLE_FORBIDDEN"]],
    );
  });

  test("tells a container that is left out from one that has no role", () => {
    const containers = ["app", "helper"].map((name) => ({ name, image: "app:1" }));
    const left = explained({ pod: barePod("shop-orders", { containers }, { "podrole.io/containers": "app" }) });
    assert.match(left.containers[1]?.message ?? "", /podrole\.io\/containers leaves it out/);
    const pod = barePod("x", { containers }, { "iam.amazonaws.com/role.app": "shop-orders" });
    delete pod.metadata.annotations?.["iam.amazonaws.com/role"];
    assert.match(explained({ pod }).containers[1]?.message ?? "", /no role is named for it/);
  });

  for (const [what, change, reason] of [
    ["an unlabelled namespace", { namespace: { metadata: { name: "shop" } } }, "NAMESPACE_NOT_LABELLED"],
    ["a pod on the node's network", { pod: barePod("shop-orders", { hostNetwork: true }) }, "HOST_NETWORK"],
    [
      "a pod that opts out",
      { pod: barePod("shop-orders", {}, { "podrole.io/inject": "disabled" }) },
      "INJECTION_DISABLED",
    ],
  ] as const) {
    test(`skips ${what}, with the reason`, () => {
      const { injected, now, containers } = explained(change);
      assert.deepEqual([injected, now.decision, now.reason, containers], [false, "skip", reason, []]);
    });
  }

  test("of a pod that exists: since when, by which sidecar, and whether it would be the same now", () => {
    const pod = running();
    const now = explained({ pod, exists: true });
    assert.equal(now.injected, true);
    assert.deepEqual(now.existing, {
      injected: true,
      since: "2026-06-01T00:00:00Z",
      sidecar: PLAN_SETTINGS.image,
    });
    const later = explained({ pod, exists: true }, { plan: { ...PLAN_SETTINGS, image: "sidecar:2" } });
    assert.equal(later.existing?.sidecarNow, "sidecar:2");
    const forbidden = explained({ pod: running(injectedPod("payroll-admin")), exists: true });
    assert.deepEqual([forbidden.injected, forbidden.now.reason], [false, "ROLE_FORBIDDEN"]);
  });

  test("a pod that exists without podrole is not injected, even where it would be now", () => {
    const { injected, now, existing } = explained({ pod: running(barePod()), exists: true });
    assert.deepEqual([injected, now.decision, existing?.injected], [false, "inject", false]);
  });

  for (const [what, webhooks, note] of [
    ["nobody registered the webhook", [], /no webhook of podrole's is registered/],
    [
      "the selectors do not take it",
      configuration({ namespaceSelector: { matchLabels: { a: "b" } } }).webhooks,
      /do not take/,
    ],
  ] as const) {
    test(`is not injected when ${what}, whatever the plan says`, () => {
      const { injected, now, notes } = explained({}, { webhooks: webhooks ?? [] });
      assert.deepEqual([injected, now.decision], [false, "inject"]);
      assert.match(notes.join(), note);
    });
  }

  test("says what is not there yet", () => {
    const { injected, notes } = explained({ namespace: undefined, serviceAccount: undefined });
    assert.equal(injected, false);
    assert.match(notes.join("\n"), /no namespace "shop" yet.*\n.*no ServiceAccount "default" yet/);
  });
});

test("explanationText() puts it into a few lines", () => {
  assert.equal(
    explanationText(explained({ pod: running(), exists: true })),
    `pod/orders in namespace shop
  is injected, since 2026-06-01T00:00:00Z, by ${PLAN_SETTINGS.image}
  created now: inject (ALREADY_INJECTED): podrole is injected; app: ${ARN}shop-orders
  container app: ${ARN}shop-orders, named by the pod's annotation, session eu-orders
  settings from Deployment podrole-webhook
`,
  );
});

test("explanationText() shows what would steer a terminal, and does not obey it", () => {
  const text = explanationText({
    ...explained({ pod: running() }),
    object: "pod/\u001b[2Jorders\u202e\r in namespace shop",
  });
  assert.match(text, /^pod\/\\u\{1b\}\[2Jorders\\u\{202e\}\\u\{d\} in namespace shop$/m);
});

test("readSubject() reads what kubectl would, and refuses the rest in words", () => {
  assert.deepEqual(readSubject("deploy/web"), { kind: "Deployment", resource: "deployments", name: "web" });
  assert.deepEqual(readSubject("Pod/orders"), { kind: "Pod", resource: "pods", name: "orders" });
  for (const text of ["orders", "pod/", "service/web", "pod/a/b", ""]) {
    assert.match(readSubject(text) as string, /is not KIND\/NAME with one of the kinds pod, deployment/);
  }
});
