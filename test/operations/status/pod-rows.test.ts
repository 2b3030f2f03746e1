// Rows of pods and roles: what the cluster says, joined with what the server says.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import { isRowWell, podRows } from "../../../src/operations/status/pod-rows.ts";
import { roleRows } from "../../../src/operations/status/role-rows.ts";
import { seenPodOf } from "../../../src/operations/status/seen-pod.ts";
import { ERRORS } from "../../../src/protocol/errors.ts";
import { barePod, healthyPod, knownFact } from "../check/healthy.ts";
import { ARN, DENIED, heldWith, podWith, READ_AT, READY, seenWith } from "./pods.ts";

const UNKNOWN = { unknown: "needs create on serviceaccounts/token in namespace podrole", needs: [] };
const NOW = Date.parse(READ_AT);

suite("podRows()", () => {
  test("podRows() returns the role that the server says, with its times, before the one of the admission", () => {
    const role = `${ARN}shop-old`;
    const [row] = podRows({
      now: Date.parse(READ_AT),
      seen: knownFact([seenWith()]),
      held: knownFact([heldWith({ role })]),
    });
    assert.deepEqual(
      [row?.role, row?.roleFrom, row?.phase, row?.expires, row?.renewed, row?.unknown],
      [role, "server", "ready", "2026-06-01T12:50:00.000Z", "2026-06-01T11:50:00.000Z", undefined],
    );
  });

  test("podRows() returns the role at admission, and why the held one is unknown, without the server", () => {
    const [row] = podRows({ now: Date.parse(READ_AT), seen: knownFact([seenWith()]), held: UNKNOWN });
    assert.deepEqual(
      [row?.role, row?.roleFrom, row?.expires, row?.unknown],
      [`${ARN}shop-orders`, "admission", undefined, UNKNOWN.unknown],
    );
  });

  test("podRows() names the pod's annotation that gives the container a role: its own, else that of the whole pod", () => {
    const whole = "iam.amazonaws.com/role";
    const own = `${whole}.app`;
    const annotationOf = (named: Readonly<Record<string, string>>) =>
      podRows({ now: Date.parse(READ_AT), seen: knownFact([{ ...seenWith(), named }]), held: UNKNOWN })[0]
        ?.roleAnnotation;
    assert.equal(annotationOf({ [own]: "a", [whole]: "b" }), own);
    assert.equal(annotationOf({ [whole]: "b", [`${whole}.other`]: "a" }), whole);
    assert.equal(annotationOf({}), undefined);
  });

  test("podRows() says that a pod has not called since the server's restart", () => {
    const held = { ...heldWith(), containers: [], unknownSince: READ_AT };
    const [row] = podRows({ now: Date.parse(READ_AT), seen: knownFact([seenWith()]), held: knownFact([held]) });
    assert.match(row?.unknown ?? "", /^it has not called since the server's restart at 2026/);
  });

  test("podRows() leaves out a pod of the server's answer that is gone from the cluster, or was recreated", () => {
    const held = [heldWith(), heldWith({}, { name: "gone" }), { ...heldWith(), uid: "earlier" }];
    const rows = podRows({ now: Date.parse(READ_AT), seen: knownFact([seenWith()]), held: knownFact(held) });
    assert.deepEqual(
      rows.map(({ pod }) => pod),
      ["orders"],
    );
  });

  test("podRows() shows the pods of the server's answer if pods may not be listed", () => {
    const held = [heldWith({}, { name: "b" }), heldWith({ code: "STS_DENIED" }, { name: "a" })];
    const rows = podRows({ now: Date.parse(READ_AT), seen: UNKNOWN, held: knownFact(held) });
    assert.deepEqual(
      rows.map(({ pod, phase, code, roleFrom }) => [pod, phase, code, roleFrom]),
      [
        ["a", "unknown", "STS_DENIED", "server"],
        ["b", "unknown", undefined, "server"],
      ],
    );
    assert.deepEqual(podRows({ now: Date.parse(READ_AT), seen: UNKNOWN, held: UNKNOWN }), []);
  });

  test("podRows() returns code, reason and remedy of a sidecar that does not run", () => {
    const [row] = podRows({
      now: Date.parse(READ_AT),
      seen: knownFact([seenWith({ sidecar: DENIED })]),
      held: UNKNOWN,
    });
    assert.deepEqual(
      [row?.phase, row?.reason, row?.code, row?.restarts, row?.message],
      ["waiting", "CrashLoopBackOff", "STS_DENIED", 3, `Cannot assume role shop-orders -- ${ERRORS.STS_DENIED.remedy}`],
    );
  });

  test("podRows() shows no code of an earlier end once the sidecar is ready", () => {
    const [row] = podRows({
      now: Date.parse(READ_AT),
      seen: knownFact([seenWith({ sidecar: { ...DENIED, ...READY } })]),
      held: UNKNOWN,
    });
    assert.deepEqual([row?.code, row?.message], [undefined, undefined]);
  });

  test("podRows() orders by namespace, then by pod", () => {
    const places = [
      ["b", "x"],
      ["a", "y"],
      ["a", "x"],
    ] as const;
    const seen = places.map(([namespace, name]) => seenWith({ namespace, name }));
    assert.deepEqual(
      podRows({ now: Date.parse(READ_AT), seen: knownFact(seen), held: UNKNOWN }).map(
        ({ namespace, pod }) => `${namespace}/${pod}`,
      ),
      ["a/x", "a/y", "b/x"],
    );
  });
});

suite("seenPodOf()", () => {
  test("seenPodOf() keeps a pod that names a role and is not injected, and no other pod without podrole", () => {
    assert.equal(seenPodOf(barePod())?.sidecar, undefined);
    assert.notEqual(seenPodOf(barePod()), undefined);
    const other = { metadata: { name: "x", labels: { app: "x" } }, spec: { containers: [{ name: "app" }] } };
    assert.equal(seenPodOf(other), undefined);
  });

  test("seenPodOf() keeps a pod without labels and owner, which may be a copy by kubectl debug", () => {
    const bare = { metadata: { name: "x", namespace: "shop" }, spec: { containers: [{ name: "app" }] } };
    assert.equal(seenPodOf(bare)?.mayBeCopy, true);
    const ownerReferences = [{ kind: "Job", name: "x", controller: true }];
    assert.equal(seenPodOf({ ...bare, metadata: { ...bare.metadata, ownerReferences } }), undefined);
  });

  test("seenPodOf() leaves out a pod that has finished", () => {
    assert.equal(seenPodOf({ ...podWith(), status: { phase: "Succeeded" } }), undefined);
  });

  test("seenPodOf() keeps only containers that the pod has, whatever its author wrote", () => {
    const pod = podWith();
    const sidecar = pod.spec.initContainers?.find(({ name }) => name === "podrole-sidecar");
    for (const variable of sidecar?.env ?? [])
      if (variable.name === "PODROLE_CONTAINERS") variable.value = "app,a,b,,app";
    pod.metadata.annotations = { "podrole.io/resolved": `{"app":"${ARN}x","zz":"y"}` };
    const seen = seenPodOf(pod);
    assert.deepEqual([seen?.served, seen?.roles], [["app"], { app: `${ARN}x` }]);
  });

  test("seenPodOf() takes the pin before podrole.io/resolved", () => {
    const pod = podWith();
    const sidecar = pod.spec.initContainers?.find(({ name }) => name === "podrole-sidecar");
    sidecar?.env?.push({ name: "PODROLE_PINNED_ROLES", value: `{"roles":{"app":"${ARN}pinned"},"session":{}}` });
    assert.deepEqual([seenPodOf(pod)?.roles, seenPodOf(pod)?.rolesFrom], [{ app: `${ARN}pinned` }, "pin"]);
  });
});

suite("isRowWell()", () => {
  const [ready] = podRows({ now: Date.parse(READ_AT), seen: knownFact([seenWith()]), held: knownFact([heldWith()]) });
  const expired = { expires: "2026-06-01T11:59:59Z" };
  const { expires: _, ...unheld } = ready ?? assert.fail();
  for (const [what, row, expected] of [
    ["a ready sidecar", ready, true],
    ["a ready sidecar without the server's answer", unheld, true],
    ["expired credentials", { ...ready, ...expired }, false],
    ["a sidecar that waits", { ...ready, phase: "waiting" }, false],
    ["a sidecar that starts", { ...ready, phase: "starting" }, false],
    ["a pod that is not injected", { ...ready, phase: "not injected" }, false],
    ["a pod that is being deleted", { ...ready, phase: "terminating", ...expired }, true],
    ["valid credentials after a refusal", { ...ready, phase: "unknown", code: "STS_DENIED" }, true],
    ["a refusal without credentials, as the server says", { ...unheld, phase: "unknown", code: "STS_DENIED" }, false],
  ] as const) {
    test(`isRowWell() returns ${expected} for ${what}`, () =>
      assert.equal(isRowWell({ ...unheld, ...row }, NOW), expected));
  }
});

test("roleRows() counts pods, containers and codes of each role, and names the soonest expiry", () => {
  const soon = "2026-06-01T12:10:00.000Z";
  const pods = ["a", "b"].map((name) => seenWith({ name, ...(name === "b" && { sidecar: DENIED }) }));
  const held = [heldWith({}, { name: "a" }), heldWith({ expiresAt: soon, code: "STS_DENIED" }, { name: "b" })];
  const payroll = seenWith({ name: "p", namespace: "hr", pod: healthyPod("payroll") });
  const rows = roleRows(
    podRows({ now: Date.parse(READ_AT), seen: knownFact([...pods, payroll]), held: knownFact(held) }),
  );
  assert.deepEqual(rows, [
    { role: `${ARN}payroll`, pods: 1, containers: 1, ready: 1, namespaces: ["hr"], codes: {} },
    {
      ...{ role: `${ARN}shop-orders`, pods: 2, containers: 2, ready: 1, namespaces: ["shop"] },
      ...{ nearestExpiry: soon, codes: { STS_DENIED: 1 } },
    },
  ]);
});

suite("podRows() of a pod that may be a copy", () => {
  const copyOf = (image: string) => ({
    metadata: { name: "orders-debug", namespace: "shop", uid: "uid-copy" },
    spec: {
      containers: [
        { name: "app", image },
        { name: "debugger-x7k2p", image: "alpine:3" },
      ],
    },
  });
  const rowsOf = (...pods: readonly Pod[]) =>
    podRows({ seen: { value: pods.flatMap((pod) => seenPodOf(pod) ?? []) }, held: { value: [] }, now: 0 }).map(
      ({ pod, cause = "" }) => [pod, cause] as const,
    );

  test("names the pod that was copied", () => {
    const original = podWith({ name: "orders" });
    const image = original.spec.containers[0]?.image ?? "";
    const [, [name, cause] = []] = rowsOf(original, copyOf(image));
    assert.equal(name, "orders-debug");
    assert.match(cause ?? "", /^NO_ROLE: the pod is a copy of pod orders, as kubectl debug makes it/);
  });

  test("leaves out a pod that no injected pod of the namespace is like", () => {
    assert.deepEqual(rowsOf(copyOf("other:1")), []);
    const elsewhere = podWith({ name: "orders" });
    elsewhere.metadata.namespace = "team";
    assert.deepEqual(
      rowsOf(elsewhere, copyOf("other:1")).map(([name]) => name),
      ["orders"],
    );
  });
});
