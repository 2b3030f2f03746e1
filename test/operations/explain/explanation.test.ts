import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { isWell } from "../../../src/operations/explain/explanation.ts";
import { PLAN_SETTINGS } from "../../injection/plan-settings.ts";
import { barePod, HEALTHY_NAMESPACE, healthyPod, ownConfiguration } from "../check/healthy.ts";
import { explained, POLICY } from "./explained.ts";

const ARN = "arn:aws:iam::123456789012:role/";

const running = (pod = healthyPod()) => ({
  ...pod,
  metadata: { ...pod.metadata, creationTimestamp: "2026-06-01T00:00:00Z" },
});

suite("explainPod()", () => {
  test("returns each container's role, what named it, and the session name by the server's template", () => {
    const { injected, now, containers, notes } = explained();
    assert.equal(injected, true);
    assert.deepEqual([now.decision, now.reason], ["inject", "INJECTED"]);
    assert.deepEqual(containers, [
      { container: "app", namedBy: "pod", role: `${ARN}shop-orders`, allowed: true, sessionName: "eu-orders" },
    ]);
    assert.deepEqual(notes, []);
  });

  for (const [publishedSupport, note] of [
    [
      { value: "on" },
      'a new pod gets a pod certificate: --pod-certificates is auto, and the server has published "on"',
    ],
    [{ value: "off" }, 'a new pod gets a token: --pod-certificates is auto, and the server has published "off"'],
    [
      { value: undefined },
      "a new pod gets a token: --pod-certificates is auto, and the server has published nothing yet",
    ],
    [
      { unknown: "403", needs: ["get on configmaps podrole-trust"] },
      "whether a new pod gets a pod certificate: cannot tell: needs get on configmaps podrole-trust",
    ],
  ] as const) {
    test(`says which proof a new pod gets where the server decides it: ${JSON.stringify(publishedSupport)}`, () => {
      const policy = { value: { ...POLICY, publishedSupport } };
      assert.deepEqual(explained({}, { policy }).notes, [note]);
      const { metadata } = HEALTHY_NAMESPACE;
      const annotations = { ...metadata.annotations, "podrole.io/pod-certificates": "disabled" };
      const namespace = { metadata: { ...metadata, annotations } };
      assert.deepEqual(explained({ namespace }, { policy }).notes, [], "the namespace decides");
    });
  }

  test("ROLE_FORBIDDEN: returns which container is refused, and why", () => {
    const pod = barePod("shop-orders", {}, { "iam.amazonaws.com/role.app": "payroll-admin" });
    const { injected, now, containers } = explained({ pod });
    assert.deepEqual([injected, now.reason], [false, "ROLE_FORBIDDEN"]);
    assert.deepEqual(
      containers.map(({ container, role, allowed, namedBy, code }) => [container, role, allowed, namedBy, code]),
      [["app", `${ARN}payroll-admin`, false, "container", "ROLE_FORBIDDEN"]],
    );
  });

  test("with --pin-roles shows the pinned role of a pod, whatever its annotations say now, and ROLE_UNPINNED without one", () => {
    const policy = { ...PLAN_SETTINGS.policy, pinRoles: true as const };
    const settings = {
      plan: { ...PLAN_SETTINGS, policy },
      sessions: { ...POLICY.sessions, pinRoles: true as const },
    };
    const unpinned = running();
    const [without] = explained({ pod: unpinned, exists: true }, settings).containers;
    assert.deepEqual([without?.allowed, without?.code], [false, "ROLE_UNPINNED"]);

    const pinned = structuredClone(unpinned);
    const sidecar = pinned.spec.initContainers?.find(({ name }) => name === "podrole-sidecar");
    const pin = `{"roles":{"app":"${ARN}shop-orders"},"session":{}}`;
    sidecar?.env?.push({ name: "PODROLE_PINNED_ROLES", value: pin });
    const annotations = { ...pinned.metadata.annotations, "iam.amazonaws.com/role": "shop-other" };
    const pod = { ...pinned, metadata: { ...pinned.metadata, annotations } };
    assert.deepEqual(explained({ pod, exists: true }, settings).containers, [
      { container: "app", namedBy: "pin", role: `${ARN}shop-orders`, allowed: true, sessionName: "eu-orders" },
    ]);
    assert.equal(explained({ pod, exists: true }).containers[0]?.role, `${ARN}shop-other`);
  });

  test("leaves a short role name to a server that detects its base ARN, and does not call it refused", () => {
    const policy = { ...PLAN_SETTINGS.policy, baseArn: undefined, serverDetectsBaseArn: true as const };
    const plan = { ...PLAN_SETTINGS, policy };
    const explanation = explained({}, { plan });
    assert.deepEqual([explanation.injected, explanation.now.reason], [true, "INJECTED"]);
    const [container] = explanation.containers;
    assert.deepEqual([container?.allowed, container?.undecided, container?.code], [false, true, undefined]);
    assert.match(container?.message ?? "", /Cannot resolve .*"shop-orders": only the server has the base ARN/);
    assert.match(explanation.now.warnings.join(), /role "shop-orders" is checked only by the server/);
  });

  test("distinguishes a container that is left out from one without a role", () => {
    const containers = ["app", "helper"].map((name) => ({ name, image: "app:1" }));
    const left = explained({ pod: barePod("shop-orders", { containers }, { "podrole.io/containers": "app" }) });
    assert.match(left.containers[1]?.message ?? "", /podrole\.io\/containers does not list it/);
    const pod = barePod("x", { containers }, { "iam.amazonaws.com/role.app": "shop-orders" });
    delete pod.metadata.annotations?.["iam.amazonaws.com/role"];
    assert.match(explained({ pod }).containers[1]?.message ?? "", /names a role for it/);
  });

  test("distinguishes a mesh's proxy from a container without a role, and from one that an annotation names", () => {
    const containers = ["app", "istio-proxy"].map((name) => ({ name, image: "app:1" }));
    const [, proxy] = explained({ pod: barePod("shop-orders", { containers }) }).containers;
    assert.deepEqual(
      [proxy?.allowed, proxy?.message],
      [false, "it belongs to a service mesh, and no annotation of the pod names it"],
    );
    const own = { "iam.amazonaws.com/role.istio-proxy": "shop-orders" };
    const [, named] = explained({ pod: barePod("shop-orders", { containers }, own) }).containers;
    assert.equal(named?.allowed, true);
    const listed = { "podrole.io/containers": "app" };
    const [, unlisted] = explained({ pod: barePod("shop-orders", { containers }, listed) }).containers;
    assert.equal(unlisted?.message, "podrole.io/containers does not list it");
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

  test("returns an existing pod's creation time and sidecar image, and what differs now", () => {
    const pod = running();
    const now = explained({ pod, exists: true });
    assert.equal(now.injected, true);
    assert.deepEqual(now.existing, {
      injected: true,
      since: "2026-06-01T00:00:00Z",
      sidecar: PLAN_SETTINGS.image,
      state: { phase: "absent", reason: "Running", restarts: 0 },
      containers: [{ container: "app", admitted: `${ARN}shop-orders`, admittedBy: "podrole.io/resolved" }],
    });
    const later = explained({ pod, exists: true }, { plan: { ...PLAN_SETTINGS, image: "sidecar:2" } });
    assert.equal(later.existing?.sidecarNow, "sidecar:2");
    const forbidden = explained({ pod: running(healthyPod("payroll-admin")), exists: true });
    assert.deepEqual([forbidden.injected, forbidden.now.reason], [false, "ROLE_FORBIDDEN"]);
  });

  test("reports an existing pod without podrole as not injected, even if it would be now", () => {
    const { injected, now, existing } = explained({ pod: running(barePod()), exists: true });
    assert.deepEqual([injected, now.decision, existing?.injected], [false, "inject", false]);
  });

  for (const [what, webhooks, note] of [
    ["no webhook is registered", [], /podrole's webhook is not registered/],
    [
      "the selectors do not match it",
      ownConfiguration({ namespaceSelector: { matchLabels: { a: "b" } } }).webhooks,
      /do not match/,
    ],
  ] as const) {
    test(`reports a pod as not injected when ${what}, even if the plan injects it`, () => {
      const { injected, now, obstacle } = explained({}, { webhooks: { value: webhooks ?? [] } });
      assert.deepEqual([injected, now.decision], [false, "inject"]);
      assert.match(obstacle ?? "", note);
    });
  }

  test("notes which namespace and ServiceAccount do not exist", () => {
    const { injected, notes } = explained({ namespace: undefined, serviceAccount: undefined });
    assert.equal(injected, false);
    assert.match(notes.join("\n"), /namespace "shop" does not exist.*\n.*ServiceAccount "default" does not exist/);
  });
});

/** The same pod with another podrole.io/resolved; undefined removes it. */
function resolvedAs(text: string | undefined, pod = running()) {
  const { "podrole.io/resolved": _, ...annotations } = pod.metadata.annotations ?? {};
  const resolved = text === undefined ? {} : { "podrole.io/resolved": text };
  return { ...pod, metadata: { ...pod.metadata, annotations: { ...annotations, ...resolved } } };
}

const CHANGED = /podrole\.io\/resolved was changed after admission/;

suite("explainPod(): podrole.io/resolved", () => {
  const unknown = { policy: { unknown: "403", needs: ["list on deployments in namespace podrole"] } };

  for (const [what, text] of [
    ["is no JSON", "shop-admin"],
    ["has another order", `{"b":"x","app":"${ARN}shop-orders"}`],
    ["names a container that the pod does not have", `{"app":"${ARN}shop-orders","gone":"${ARN}shop-orders"}`],
  ] as const) {
    test(`explainPod() reports one that ${what} as changed, whatever may be read`, () => {
      for (const settings of [{}, unknown]) {
        const { notes, existing } = explained({ pod: resolvedAs(text), exists: true }, settings);
        assert.match(notes.join(), CHANGED);
        assert.deepEqual(existing?.injected, true);
      }
    });
  }

  test("explainPod() reports one that differs from the pod's pin as changed, and goes by the pin", () => {
    const pinned = structuredClone(running());
    const sidecar = pinned.spec.initContainers?.find(({ name }) => name === "podrole-sidecar");
    const pin = `{"roles":{"app":"${ARN}shop-orders"},"session":{}}`;
    sidecar?.env?.push({ name: "PODROLE_PINNED_ROLES", value: pin });
    const forged = resolvedAs(`{"app":"${ARN}shop-admin"}`, pinned);
    const { notes, existing } = explained({ pod: forged, exists: true }, unknown);
    assert.match(notes.join(), CHANGED);
    assert.deepEqual(existing?.containers, [{ container: "app", admitted: `${ARN}shop-orders`, admittedBy: "pin" }]);
    assert.doesNotMatch(explained({ pod: pinned, exists: true }, unknown).notes.join(), CHANGED);
  });

  test("explainPod() leaves open whether it or the role was changed when the decision of now differs", () => {
    const pod = resolvedAs(`{"app":"${ARN}shop-admin"}`);
    const { existing, containers } = explained({ pod, exists: true });
    assert.deepEqual(existing?.differences, [
      `podrole.io/resolved says that container app got ${ARN}shop-admin, and the decision now is ${ARN}shop-orders: the role was changed after admission, or that annotation was; if that is intended, there is nothing to do: it gets that role with its next renewal`,
    ]);
    assert.equal(containers[0]?.role, `${ARN}shop-orders`);
  });

  test("explainPod() says nothing about a pod that an earlier version injected", () => {
    const { notes, existing } = explained({ pod: resolvedAs(undefined), exists: true });
    assert.deepEqual([notes, existing?.containers, existing?.differences], [[], [{ container: "app" }], undefined]);
  });

  test("explainPod() takes the name of a role for the ARN that it stands for", () => {
    const { existing } = explained({ pod: resolvedAs('{"app":"shop-orders"}'), exists: true });
    assert.equal(existing?.differences, undefined);
  });
});

suite("explainPod(): what containers hold", () => {
  const holding = { container: "app", since: "", observedAt: "", source: "issued" } as const;
  const podState = { namespace: "shop", name: "orders", uid: "u", serviceAccount: "default", containers: [] };
  const heldAs = (change: object) => ({ value: { ...podState, ...change } });

  test("explainPod() returns the role, its expiry and the last code, and goes by the role that it holds", () => {
    const role = `${ARN}shop-old`;
    const times = { expiresAt: "2026-06-01T13:00:00Z", renewedAt: "2026-06-01T12:00:00Z" };
    const held = heldAs({ containers: [{ ...holding, role, ...times, code: "STS_DENIED" }] });
    const { existing } = explained({ pod: running(), exists: true, held });
    const [app] = existing?.containers ?? [];
    assert.deepEqual(
      [app?.holds, app?.expires, app?.renewed, app?.code],
      [role, times.expiresAt, times.renewedAt, "STS_DENIED"],
    );
    assert.deepEqual(existing?.differences, [
      `container app holds ${role}, and the decision now is ${ARN}shop-orders: if that is intended, there is nothing to do: it gets that role with its next renewal`,
    ]);
  });

  for (const [source, isProposed] of [
    ["issued", true],
    ["reported", false],
  ] as const) {
    test(`explainPod() proposes ${isProposed ? "the" : "no"} role of holdings that are ${source}`, () => {
      const held = heldAs({ containers: [{ ...holding, source, role: `${ARN}shop-old` }] });
      const pod = running();
      const annotations = { ...pod.metadata.annotations, "iam.amazonaws.com/role": "shop-orders" };
      const { existing, ...answer } = explained({
        pod: { ...pod, metadata: { ...pod.metadata, annotations } },
        exists: true,
        held,
      });
      assert.equal(existing?.containers?.[0]?.source, isProposed ? undefined : "reported");
      assert.equal(JSON.stringify(answer.next).includes("shop-old"), isProposed);
    });
  }

  for (const [what, held, unknown] of [
    ["the server cannot be asked", { unknown: "needs create on x", needs: [] }, "needs create on x"],
    [
      "the pod has not called yet",
      heldAs({ unknownSince: "2026-06-01T12:00:00Z" }),
      "the pod has not called since the server's restart (2026-06-01T12:00:00Z)",
    ],
  ] as const) {
    test(`explainPod() says that it is unknown what containers hold when ${what}`, () => {
      const [app] = explained({ pod: running(), exists: true, held }).existing?.containers ?? [];
      assert.deepEqual([app?.unknown, app?.holds], [unknown, undefined]);
    });
  }

  test("explainPod() says that the next renewal is refused when no role is permitted any more", () => {
    const held = heldAs({ containers: [{ ...holding, role: `${ARN}payroll-admin` }] });
    const { existing } = explained({ pod: running(healthyPod("payroll-admin")), exists: true, held });
    assert.match(existing?.differences?.[0] ?? "", /and the decision now is none: its next renewal is refused$/);
  });
});

suite("explainPod(): why a sidecar is not ready", () => {
  const sidecar = (state: object) => ({
    ...running(),
    status: { initContainerStatuses: [{ name: "podrole-sidecar", ...state }] },
  });
  const hook = sidecar({ restartCount: 2, state: { waiting: { reason: "PostStartHookError" } } });
  const away = { server: { value: { namespace: "podrole", name: "podrole-server", ready: 0, wanted: 2 } } };

  for (const [what, pod, settings, expected] of [
    ["PostStartHookError", hook, {}, [/^PostStartHookError: podrole-sidecar had no credentials within 30 s/]],
    ["a server without replicas", hook, away, [/^PostStartHookError/, /no ready replica .*podrole-server: 0 of 2/]],
    ["no server", hook, { server: { value: undefined } }, [/^PostStartHookError/, /^no Deployment runs/]],
    ["a first start", sidecar({ state: { running: {} } }), {}, [/kubectl logs shows nothing of this pod$/]],
    ["a server that may not be read", hook, { server: { unknown: "403" } }, [/^PostStartHookError/]],
    ["a ready sidecar", sidecar({ ready: true, state: { running: {} } }), away, []],
  ] as const) {
    test(`explainPod() names the causes of ${what}`, () => {
      const { causes = [] } = explained({ pod, exists: true }, settings).existing ?? {};
      assert.equal(causes.length, expected.length, causes.join("\n"));
      for (const [index, pattern] of expected.entries()) assert.match(causes[index] ?? "", pattern);
    });
  }
});

suite("isWell()", () => {
  const readable = {};
  const unreadable = { policy: { unknown: "403", needs: ["list on deployments in namespace podrole"] } };
  const sidecar = (state: object) => ({
    ...running(),
    status: { initContainerStatuses: [{ name: "podrole-sidecar", ...state }] },
  });
  const ready = sidecar({ ready: true, state: { running: {} } });
  const waiting = sidecar({ state: { waiting: { reason: "CrashLoopBackOff" } } });

  for (const [what, change, settings, expected] of [
    ["a pod whose sidecar is ready", { pod: ready, exists: true }, readable, true],
    ["a pod whose sidecar is ready, whatever may be read", { pod: ready, exists: true }, unreadable, true],
    ["a pod whose sidecar does not run", { pod: waiting, exists: true }, readable, false],
    ["a pod whose sidecar does not run, whatever may be read", { pod: waiting, exists: true }, unreadable, false],
    ["a pod without a sidecar", { pod: running(barePod()), exists: true }, readable, false],
    ["a pod that has finished", { pod: { ...ready, status: { phase: "Succeeded" } }, exists: true }, readable, true],
    ["a pod that would be injected", {}, readable, true],
    ["a pod that would be refused", { pod: barePod("payroll-admin") }, readable, false],
    ["a new pod whose settings may not be read", {}, unreadable, undefined],
  ] as const) {
    test(`returns ${expected} for ${what}`, () => assert.equal(isWell(explained(change, settings)), expected));
  }
});
