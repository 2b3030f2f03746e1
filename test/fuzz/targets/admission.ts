// AdmissionReviews: the whole use case of the webhook, from parsed JSON to the answer, its audit record and its log.
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { apply_patch as applyPatch } from "jsonpatch";
import { allContainers } from "../../../src/injection/shape.ts";
import { markedReason } from "../../../src/injection/skip-reasons.ts";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import { LABELS } from "../../../src/policy/annotations.ts";
import { isErrorCode } from "../../../src/protocol/errors.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { createAdmissionHandler } from "../../../src/webhook/admit.ts";
import { createPodContextReader } from "../../../src/webhook/lookups.ts";
import { formatReview, readAdmissionReview } from "../../../src/webhook/review.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { PLAN_SETTINGS } from "../../injection/plan-settings.ts";
import { annotatedPod, createFakeCluster, reviewOf } from "../../webhook/requests.ts";
import { mutatedJson } from "../generate.ts";
import { canaryOf, defineTarget } from "../target.ts";

/** What an ordinary pod carries and podrole must not repeat. */
function secretsIn(pod: Pod): Pod {
  const app = { ...pod.spec.containers[0], name: "app", image: "app" };
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      annotations: { ...pod.metadata.annotations, "example.com/token": canaryOf("an annotation of another program") },
    },
    spec: {
      ...pod.spec,
      containers: [
        {
          ...app,
          args: [`--password=${canaryOf("an argument of an app")}`],
          env: [
            { name: "PASSWORD", value: canaryOf("a variable of an app") },
            { name: "HTTP_PROXY", value: `http://u:${canaryOf("a proxy's password")}@proxy:3128` },
          ],
          command: ["run", canaryOf("a command of an app")],
        },
      ],
    },
  };
}

const sidecar: Pod = {
  ...annotatedPod({
    "iam.amazonaws.com/role": "shop-a",
    "podrole.io/metadata": "enabled",
    "podrole.io/mode": "classic",
  }),
  spec: {
    serviceAccountName: "orders",
    containers: [
      { name: "app", image: "app", ports: [{ containerPort: 9763 }], env: [{ name: "AWS_PROFILE", value: "x" }] },
      { name: "istio-proxy", image: "proxy", resources: { limits: { cpu: "1", memory: "1Gi" } } },
    ],
    initContainers: [{ name: "setup", image: "setup", restartPolicy: "Always" }],
    volumes: [{ name: "podrole-identity", emptyDir: {} }],
  },
};
const PODS: readonly Pod[] = [
  annotatedPod(),
  annotatedPod({
    "iam.amazonaws.com/role.app": "shop-b",
    "podrole.io/containers": "app",
    "iam.amazonaws.com/session-name": "x",
  }),
  annotatedPod({ "iam.amazonaws.com/role": "bank-admin" }),
  annotatedPod({ "podrole.io/inject": "disabled" }),
  sidecar,
].map(secretsIn);
const user = {
  username: "alice@example.com",
  groups: ["system:authenticated"],
  extra: { token: [canaryOf("an extra field of the user")] },
};
const REVIEWS = PODS.map((pod) =>
  reviewOf(pod, { userInfo: user, options: { note: canaryOf("an option of the request") } }),
);

const lines: string[] = [];
const log = {
  debug: (...given: unknown[]) => void lines.push(JSON.stringify(given)),
  info: (...given: unknown[]) => void lines.push(JSON.stringify(given)),
  warn: (...given: unknown[]) => void lines.push(JSON.stringify(given)),
  error: (...given: unknown[]) => void lines.push(JSON.stringify(given)),
  child: () => log,
} as never;
const cluster = createFakeCluster();
const admit = createAdmissionHandler({
  clock: createFakeClock(),
  log,
  audit: (record) => void lines.push(JSON.stringify(record)),
  lookups: createPodContextReader({ clock: systemClock, cluster }, { timeoutMs: 1_000 }),
  settings: () => PLAN_SETTINGS,
});

/** The fake namespace permits these; JavaScript's reading of its annotation. */
const PERMITTED = /^.*:role\/shop-.*$/;

const reviews = defineTarget({
  name: "AdmissionReview",
  isAsync: true,
  weight: 20,
  inputs: mutatedJson(REVIEWS),
  async run(body) {
    // The port refuses such a body before it is read (fastify's secure-json-parse).
    if (JSON.stringify(body).includes('"__proto__":')) return [];
    lines.length = 0;
    cluster.reads.length = 0;
    const read = readAdmissionReview(body);
    if (!read.ok) {
      assert.equal(read.problem.refusal.code, "REQUEST_INVALID");
      return [read.problem.refusal.message];
    }
    const { decision, reason, response } = await admit(read.value);
    assert.equal(response.uid, read.value.uid);
    assert.equal(response.allowed, decision !== "refuse");
    assert.notEqual(reason, "INTERNAL", lines.join("\n"));
    if (decision === "refuse") assert.ok(isErrorCode(reason), `refused with ${reason}`);
    if (decision === "inject") assertInjected(read.value.object as Pod, response.patch ?? "[]");
    else if (decision === "skip") assertOnlyMarked(read.value.object as Pod, response.patch, reason);
    else assert.equal(response.patch, undefined);
    const { patch: _patch, ...answer } = response;
    return [...lines, JSON.stringify(formatReview(answer))];
  },
});

/** A skipped pod may get the label that says why; nothing else of it changes. */
function assertOnlyMarked(pod: Pod, patch: string | undefined, reason: string): void {
  if (patch === undefined) return;
  const patched: Pod = applyPatch(structuredClone(pod), patch);
  assert.equal(patched.metadata.labels?.[LABELS.skipped], markedReason(reason));
  const withLabel = { ...pod.metadata.labels, [LABELS.skipped]: reason };
  assert.deepEqual(patched, { ...pod, metadata: { ...pod.metadata, labels: withLabel } });
}

/** Applies the patch as the API server would; only containers with a permitted role get credentials. */
function assertInjected(pod: Pod, patch: string): void {
  const patched: Pod = applyPatch(structuredClone(pod), patch);
  const before = new Map(allContainers(pod).map((container) => [container.name, container]));
  for (const container of allContainers(patched)) {
    const given = before.get(container.name);
    const isNew = given === undefined;
    const added = (container.env ?? []).some(
      (variable) =>
        variable.name === "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" &&
        !(given?.env ?? []).some((one) => isDeepStrictEqual(one, variable)),
    );
    if (isNew || !added) continue;
    const annotations = pod.metadata.annotations ?? {};
    const asked =
      annotations[`iam.amazonaws.com/role.${container.name}`] ?? annotations["iam.amazonaws.com/role"] ?? "";
    const arn = /^arn:/i.test(asked) ? asked : `arn:aws:iam::123456789012:role/${asked.replace(/^\//, "")}`;
    assert.match(arn, PERMITTED, `container ${container.name} gets a role that the namespace does not permit`);
  }
}

export const ADMISSION_TARGETS = [reviews];
