// What is wrong in the situations of situations.ts: pods and Deployments as the kubelet and the API server describe
// them, with the messages that podrole's programs write.
import assert from "node:assert/strict";
import { plan } from "../../../src/injection/plan.ts";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import { type ErrorInfo, type PodroleError, withRemedy } from "../../../src/protocol/errors.ts";
import { fromServiceError } from "../../../src/protocol/status.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/runtime/clock.ts";
import { fromAwsError } from "../../../src/server/aws/aws-errors.ts";
import { PLAN_SETTINGS } from "../../injection/plan-settings.ts";
import { barePod } from "../../operations/check/healthy.ts";
import { ARN, podWith } from "../../operations/status/pods.ts";
import { type SituationCluster, timeAgo } from "./situation-cluster.ts";

const SERVER_ADDRESS = "podrole-server.podrole.svc:8443";

/** A sidecar that ended with an error a minute ago, as the kubelet describes it between two starts. */
export function endedWith(error: ErrorInfo, waiting = "CrashLoopBackOff"): object {
  const terminated = { exitCode: 1, finishedAt: timeAgo(MINUTE_MS), message: withRemedy(error, 4096) };
  return { restartCount: 3, state: { waiting: { reason: waiting } }, lastState: { terminated } };
}

/** A sidecar that has had credentials for an hour. */
export const readySidecar = () => ({ ready: true, state: { running: { startedAt: timeAgo(HOUR_MS) } } });

function deploymentWith(role: string, message: string): object {
  const spec = { containers: [{ name: "app", image: "app:1" }] };
  const metadata = { annotations: { "iam.amazonaws.com/role": role } };
  return {
    metadata: { name: "orders", namespace: "shop" },
    spec: { replicas: 3, template: { metadata, spec } },
    status: { conditions: [{ type: "ReplicaFailure", status: "True", message }] },
  };
}

/** What the ReplicaSet's controller reports about a pod that it cannot create. */
function failedCreation(message: string): object {
  return {
    metadata: { name: "orders.1", namespace: "shop" },
    involvedObject: { kind: "ReplicaSet", namespace: "shop", name: "orders-5d9f8c7b64" },
    ...{ reason: "FailedCreate", message: `Error creating: ${message}`, lastTimestamp: timeAgo(MINUTE_MS) },
  };
}

/** A Deployment whose pods the API server does not create, for this reason. */
export function failToCreate({ store, ago }: SituationCluster, role: string, message: string): void {
  ago(HOUR_MS, () => store.create("deployments", deploymentWith(role, message) as never));
  store.create("events", failedCreation(message) as never);
}

/** Creates a pod an hour ago. */
export function createAgedPod({ store, ago }: SituationCluster, pod: Pod, ageMs = HOUR_MS): void {
  ago(ageMs, () => void store.create("pods", pod));
}

/** The same pod with other annotations, as its author may change it. */
export function reannotatedPod(pod: Pod, annotations: Readonly<Record<string, string>>): Pod {
  return { ...pod, metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...annotations } } };
}

/** The server answers that the pod holds shop-orders, or how it was refused. */
export function holds({ state }: SituationCluster, code?: string): void {
  const times = { since: timeAgo(HOUR_MS), observedAt: timeAgo(MINUTE_MS), source: "issued" as const };
  const credentials = { expiresAt: timeAgo(-40 * MINUTE_MS), renewedAt: timeAgo(20 * MINUTE_MS) };
  const container = { container: "app", role: `${ARN}shop-orders`, ...times, ...(code ? { code } : credentials) };
  const pod = { namespace: "shop", name: "orders", uid: "uid-shop-orders", serviceAccount: "default" };
  state.pods = [{ ...pod, containers: [container] }];
}

/** The server answers besides that it issued credentials to a pod as long ago as `ageMs` says. */
export function holdsSince(
  { state }: SituationCluster,
  pod: { readonly namespace: string; readonly name: string; readonly uid: string },
  ageMs: number,
): void {
  const times = { since: timeAgo(HOUR_MS), observedAt: timeAgo(ageMs), source: "issued" as const };
  const credentials = { expiresAt: timeAgo(ageMs - HOUR_MS), renewedAt: timeAgo(ageMs) };
  const container = { container: "app", role: `${ARN}shop-orders`, ...times, ...credentials };
  state.pods = [...state.pods, { ...pod, serviceAccount: "default", containers: [container] }];
}

/** The server's own record of a refusal. */
export function recordRefusal({ state }: SituationCluster, { code, message: reason }: ErrorInfo): void {
  const times = { time: timeAgo(MINUTE_MS), since: timeAgo(HOUR_MS), count: 12 };
  const pod = { namespace: "shop", pod: "orders", uid: "uid-shop-orders", container: "app" };
  const rows = [{ ...times, ...pod, role: `${ARN}shop-orders`, code, reason }];
  state.refusals = { recordedSince: timeAgo(DAY_MS), rows };
}

/** A namespace that permits shop-orders alone. */
export const PERMITTED = {
  name: "shop",
  labels: {},
  annotations: { "iam.amazonaws.com/permitted": `${ARN}shop-orders` },
};

/** What the webhook answers the API server about a role that the namespace does not permit. */
export function refusalAtAdmission(): string {
  const namespace = { ...PERMITTED, labels: { "podrole.io/inject": "enabled" } };
  const pod = {
    ...barePod("shop-oders"),
    metadata: { ...barePod("shop-oders").metadata, name: "orders-5d9f8c7b64-x7x2p" },
  };
  const planned = plan({ pod, namespace, serviceAccountAnnotations: {} }, PLAN_SETTINGS);
  assert.equal(planned.reason, "ROLE_FORBIDDEN");
  const text = withRemedy({ code: "ROLE_FORBIDDEN", message: planned.message }, 4096);
  return `admission webhook "pods.podrole.io" denied the request: ${text}`;
}

const UNTRUSTING = " because no role trust policy allows the sts:AssumeRole action";

/** What STS answers if the role's trust policy does not name the server, and what podrole makes of it. */
export function denialOfSts(reason = UNTRUSTING): PodroleError {
  const server = "arn:aws:sts::123456789012:assumed-role/podrole-server/i-0abc";
  const message = `User: ${server} is not authorized to perform: sts:AssumeRole on resource: ${ARN}shop-orders${reason}`;
  const exception = Object.assign(new Error(message), { name: "AccessDenied", $fault: "client", $metadata: {} });
  const request = { roleArn: `${ARN}shop-orders` };
  return fromAwsError(exception, `assume role ${ARN}shop-orders`, request);
}

/** What the sidecar says if nothing answers at the server's address. */
export function unreachable(): PodroleError {
  const details =
    "No connection established. Last error: Error: connect ECONNREFUSED 10.96.0.17:8443. Resolution note: ";
  return fromServiceError(Object.assign(new Error(details), { code: 14, details }) as never, SERVER_ADDRESS);
}

/** What the sidecar says if the server's certificate is of a CA that the sidecar does not know. */
export function untrusted(): PodroleError {
  const error = Object.assign(new Error("unavailable"), { code: 14, details: "unavailable" });
  return fromServiceError(error as never, SERVER_ADDRESS, { certificateProblem: "SELF_SIGNED_CERT_IN_CHAIN" });
}

/** The injected pod as it was created with the first CA. */
export function podTrusting(pem: string, sidecar: object): Pod {
  const pod = structuredClone(podWith({ sidecar }));
  const variables = pod.spec.initContainers?.find(({ name }) => name === "podrole-sidecar")?.env ?? [];
  const bundle = variables.find(({ name }) => name === "PODROLE_TRUST_BUNDLE") ?? assert.fail();
  bundle.value = pem;
  return pod;
}

const IMAGE = "registry.example/podrole-server:0.1.0";
/** Status of a pod whose image cannot be pulled. */
export const UNPULLED = {
  phase: "Pending",
  conditions: [{ type: "Ready", status: "False" }],
  containerStatuses: [
    {
      ready: false,
      restartCount: 0,
      image: IMAGE,
      state: { waiting: { reason: "ImagePullBackOff", message: `Back-off pulling image "${IMAGE}"` } },
    },
  ],
};

/** How the API server refuses a pod of a labelled namespace that the webhook has not seen. */
export const POLICY_REFUSAL =
  "pods \"orders-5d9f8c7b64-x7x2p\" is forbidden: ValidatingAdmissionPolicy 'podrole-sidecar' with binding 'podrole-sidecar' denied request: the pod names a role in its annotations and has no podrole-sidecar: podrole's webhook did not see it or its patch was undone; `podrole check` finds out why, the annotation podrole.io/inject: disabled lets the pod start without the role";

/** The ReplicaSet of the server's first revision. */
export function createFormerRevision({ store }: SituationCluster): void {
  const containers = [{ name: "server", image: "registry.example/podrole-server:0.0.9" }];
  const metadata = {
    name: "podrole-server-6c8d5b7f9",
    namespace: "podrole",
    labels: { "app.kubernetes.io/name": "podrole-server" },
    annotations: { "deployment.kubernetes.io/revision": "1" },
    ownerReferences: [{ kind: "Deployment", name: "podrole-server", controller: true }],
  };
  store.create("replicasets", { metadata, spec: { template: { metadata: {}, spec: { containers } } } });
}

/** How the API server refuses a pod for which a quota has no room. */
export const QUOTA_MESSAGE =
  'pods "orders-5d9f8c7b64-x7x2p" is forbidden: exceeded quota: team, requested: limits.memory=160Mi, used: limits.memory=936Mi, limited: limits.memory=1Gi';

/** The quota of QUOTA_MESSAGE. */
export function createUsedUpQuota({ store }: SituationCluster): void {
  const [hard, used] = [{ "limits.memory": "1Gi" }, { "limits.memory": "936Mi" }];
  const metadata = { name: "team", namespace: "shop" };
  store.create("resourcequotas", { metadata, spec: { hard }, status: { hard, used } });
}
