// Generates the samples of `podrole explain` in docs/explain.md, and of an Event in docs/troubleshoot.md, with the
// programs' own functions.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { explainText } from "../src/cli/output/explain.ts";
import { type PlanInput, type PlanSettings, plan } from "../src/injection/plan.ts";
import type { Pod } from "../src/kubernetes/objects.ts";
import { explainPod } from "../src/operations/explain/explanation.ts";
import type { ExplainInput } from "../src/operations/explain/model.ts";
import { withRemedy } from "../src/protocol/errors.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { createLog } from "../src/runtime/log.ts";
import { readSettings } from "../src/runtime/settings.ts";
import { describeDenial } from "../src/server/aws/sts-denial.ts";
import { createRefusalRecorder } from "../src/server/issue/events.ts";
import { planSettings } from "../src/settings/plan-settings.ts";
import { WEBHOOK_SETTINGS } from "../src/settings/webhook.ts";
import { ROOT } from "./root.ts";

const ACCOUNT_ROLES = "arn:aws:iam::123456789012:role/";
const SAMPLE_NAMESPACE = {
  name: "shop",
  labels: { "podrole.io/inject": "enabled" },
  annotations: { "iam.amazonaws.com/permitted": `${ACCOUNT_ROLES}shop-.*` },
};
const SERVER_SESSION = "arn:aws:sts::123456789012:assumed-role/podrole-server/podrole";
const DENIED = `User: ${SERVER_SESSION} is not authorized to perform: sts:AssumeRole on resource: ${ACCOUNT_ROLES}shop-orders because no role trust policy allows the sts:AssumeRole action`;

/** Returns what the command prints about a pod whose role does not trust the server. */
export function explainDeniedSample(): string {
  const settings = sampleSettings();
  const pod = podWithRole("shop-orders", "orders-7d4b9c");
  const injected = plan(planInput(pod), settings);
  if (injected.decision !== "inject") throw new Error(`Cannot make the sample: ${injected.message}`);
  const reason = deniedReason();
  const lastState = {
    terminated: {
      exitCode: 1,
      finishedAt: "2026-01-15T12:00:31Z",
      message: withRemedy({ code: "STS_DENIED", message: reason }, 4096),
    },
  };
  const waiting = { reason: "CrashLoopBackOff" };
  const status = {
    phase: "Pending",
    initContainerStatuses: [{ name: "podrole-sidecar", ready: false, restartCount: 1, state: { waiting }, lastState }],
  };
  const metadata = { ...injected.pod.metadata, creationTimestamp: "2026-01-15T12:00:00Z" };
  return explainSample({ ...injected.pod, metadata, status }, true, settings, { held: heldAfter(reason) });
}

/** Returns the Event about this pod, as `kubectl describe` prints it. */
export function deniedEventSample(): string {
  const lines: string[] = [];
  const record = createRefusalRecorder({
    kubernetes: {
      recordEvent: async ({ type, reason, message }) => {
        lines.push(`${type}  ${reason}  31s  podrole-server  ${message}`);
      },
    },
    clock: systemClock,
    log: createLog("generate", "error", process.stderr),
    onRecorded: () => undefined,
  });
  record(
    { namespace: SAMPLE_NAMESPACE.name, name: "orders-7d4b9c", uid: "" },
    { code: "STS_DENIED", message: deniedReason() },
  );
  return `\`\`\`text\n${lines.join("\n")}\n\`\`\``;
}

function deniedReason(): string {
  const roleArn = `${ACCOUNT_ROLES}shop-orders`;
  return `Cannot assume role ${roleArn}: AccessDenied: ${describeDenial(DENIED, { roleArn })}`;
}

/** What the server says about the pod that was refused. */
function heldAfter(reason: string): NonNullable<ExplainInput["held"]> {
  const at = "2026-01-15T12:00:31Z";
  const place = { namespace: SAMPLE_NAMESPACE.name, uid: "" };
  const refused = { ...place, pod: "orders-7d4b9c", container: "app", code: "STS_DENIED", reason };
  const times = { since: at, observedAt: at, source: "issued" as const };
  return {
    value: {
      ...{ ...place, name: "orders-7d4b9c", serviceAccount: "default" },
      containers: [{ container: "app", role: `${ACCOUNT_ROLES}shop-orders`, code: "STS_DENIED", ...times }],
      refused: { ...refused, time: at, since: at, count: 2 },
    },
  };
}

/** Returns what the command prints about a pod whose role its namespace does not permit, before the pod exists. */
export function explainForbiddenSample(): string {
  return explainSample(podWithRole("payroll-admin", "intruder"), false, sampleSettings());
}

/** Returns what the command prints about a pod that was not injected, because its namespace has no label. */
export function explainNotLabelledSample(): string {
  const made = podWithRole("shop-orders", "orders-7d4b9c");
  const metadata = { ...made.metadata, creationTimestamp: "2026-01-15T12:00:00Z" };
  return explainSample({ ...made, metadata, status: { phase: "Running" } }, true, sampleSettings(), { labels: {} });
}

function sampleSettings(): PlanSettings {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly version: string };
  const flags = { roleBaseArn: ACCOUNT_ROLES, sidecarImage: `registry.example/podrole-sidecar:${version}` };
  const read = readSettings(WEBHOOK_SETTINGS, flags, {});
  if (!read.ok) throw new Error(read.problems.join("\n"));
  return planSettings(read.value, { trustBundle: "", nativeSidecar: true });
}

function podWithRole(role: string, name: string): Pod {
  return {
    metadata: { name, namespace: SAMPLE_NAMESPACE.name, annotations: { "iam.amazonaws.com/role": role } },
    spec: { containers: [{ name: "app", image: "registry.example/orders:1" }] },
  };
}

function planInput(pod: Pod): PlanInput {
  return { pod, namespace: SAMPLE_NAMESPACE, serviceAccountAnnotations: {} };
}

function explainSample(
  pod: Pod,
  exists: boolean,
  settings: PlanSettings,
  {
    labels = SAMPLE_NAMESPACE.labels,
    held,
  }: { readonly labels?: Readonly<Record<string, string>>; readonly held?: ExplainInput["held"] } = {},
): string {
  const { name, annotations } = SAMPLE_NAMESPACE;
  const input: ExplainInput = {
    kind: "Pod",
    name: pod.metadata.name ?? "",
    pod,
    exists,
    ...(!exists && { file: "pod.yaml" }),
    namespaceName: name,
    namespace: { metadata: { name, labels, annotations } },
    serviceAccount: { metadata: { name: "default", namespace: name } },
    ...(held && { held }),
  };
  const explanation = explainPod(input, {
    installation: { installer: { by: "manifests" }, hasSessionTags: false, baseArn: ACCOUNT_ROLES },
    policy: { value: { plan: settings, sessions: settings.policy } },
    webhooks: { value: [{ name: "pods.podrole.io", clientConfig: {} }] },
    server: { value: { namespace: "podrole", name: "podrole-server", ready: 2, wanted: 2 } },
    sources: ["Deployment podrole-webhook", "ConfigMap podrole-common"],
    assumptions: [],
  });
  return `\`\`\`text\n${explainText([explanation])}\`\`\``;
}
