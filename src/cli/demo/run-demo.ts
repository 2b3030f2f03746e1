// What podrole demo shows: the path of a credential on one machine. podrole's server, webhook and sidecar run as
// processes; the Kubernetes API, STS and the kubelet are emulators. The demo ends by itself and always removes its
// processes and files.
import { parseAllDocuments } from "yaml";
import { type EmulatedCluster, startEmulatedCluster } from "../../../emulators/cluster.ts";
import type { KubeObject } from "../../../emulators/kubernetes/store.ts";
import type { Runtime } from "../../../emulators/start-program.ts";
import { hasPodCertificate } from "../../injection/pod-certificates.ts";
import { hasFinished, type Pod } from "../../kubernetes/objects.ts";
import { systemClock as clock } from "../../runtime/clock.ts";
import { createDemoNode, DEMO_ACCOUNT, DEMO_NODE, DEMO_REGION, SIDECAR_PORT } from "./demo-node.ts";
import { DEMO_PROGRAMS } from "./demo-programs.ts";
import { demoManifest } from "./manifest.ts";
import type { Narrator } from "./narrator.ts";
import { freeOffset } from "./ports.ts";

const POD_TIMEOUT_MS = 15_000;

/** What the demo runs with. */
export interface DemoOptions {
  /** How to start Node; the demo knows its own programs. */
  readonly runtime: Omit<Runtime, "entry">;
  /** Ends the demo early. */
  readonly interrupted: AbortSignal;
  /** The kubelet proves the pod, in place of a token. */
  readonly podCertificates: boolean;
}

/** Runs every step. Resolves with true if both pods got what they should; throws if a program does not start. */
export async function runDemo(narrator: Narrator, options: DemoOptions): Promise<boolean> {
  const { interrupted } = options;
  const runtime = { ...options.runtime, entry: DEMO_PROGRAMS.commandLine };
  const flags = options.podCertificates ? ["--pod-certificates", "on"] : [];
  const cluster = await startEmulatedCluster(
    { clock },
    {
      runtime,
      region: DEMO_REGION,
      accountId: DEMO_ACCOUNT,
      roles: [
        { name: "shop-orders", isTrusted: true },
        { name: "payroll-admin", isTrusted: true },
      ],
      serverFlags: flags,
      webhookFlags: flags,
      progress: (text) => narrator.progress(text),
    },
  );
  try {
    narrator.step("podrole's server and webhook run beside an embedded Kubernetes API and STS", [
      `server: identity port ${cluster.server.ports["identity"]}, credentials port ${cluster.server.ports["credentials"]}`,
      `webhook: https://127.0.0.1:${cluster.webhook.ports["webhook"]}/mutate, certificate from the server's own CA`,
    ]);
    const [, orders, intruder] = await applyManifest(narrator, cluster);
    const assumed = await runOrders(narrator, cluster, runtime, orders as ApiReply, interrupted);
    const refused = reportRefusal(narrator, cluster, intruder as ApiReply);
    return assumed && refused;
  } finally {
    await cluster.stop();
  }
}

type ApiReply = Awaited<ReturnType<EmulatedCluster["kubernetes"]["create"]>>;

/** Does what kubectl apply -f does, and reports it as kubectl does. */
async function applyManifest(narrator: Narrator, cluster: EmulatedCluster): Promise<ApiReply[]> {
  const text = demoManifest({ accountId: DEMO_ACCOUNT, region: DEMO_REGION, stsUrl: cluster.sts.url });
  const objects = parseAllDocuments(text).map((document) => document.toJS() as KubeObject);
  const replies: ApiReply[] = [];
  const outcomes: string[] = [];
  for (const object of objects) {
    const { name, namespace, annotations } = object.metadata;
    const path = namespace === undefined ? "/api/v1/namespaces" : `/api/v1/namespaces/${namespace}/pods`;
    const reply = await cluster.kubernetes.create(path, object, "alice@example.com");
    const outcome = reply.code === 201 ? "created" : `refused with HTTP ${reply.code}`;
    outcomes.push(`${object.kind?.toLowerCase()}/${name} ${outcome}  ${JSON.stringify(annotations)}`);
    replies.push(reply);
  }
  narrator.step("alice applies a namespace and two pods: kubectl apply -f demo.yaml", outcomes);
  return replies;
}

async function runOrders(
  narrator: Narrator,
  cluster: EmulatedCluster,
  runtime: Runtime,
  { body }: ApiReply,
  interrupted: AbortSignal,
): Promise<boolean> {
  const pod = body as Pod;
  narrator.step("The webhook patched pod orders", describeInjection(pod));
  const app = [runtime.execPath, DEMO_PROGRAMS.app];
  const node = createDemoNode(cluster, runtime, { "demo/app:1": { command: app } });
  const isCertified = (pod.spec.volumes ?? []).some(hasPodCertificate);
  if (isCertified) await bindToNode(cluster, pod);
  narrator.progress("starting podrole-sidecar, then the app");
  try {
    const running = node.run(pod, { portOffset: await freeOffset(SIDECAR_PORT) });
    const signal = AbortSignal.any([AbortSignal.timeout(POD_TIMEOUT_MS), interrupted]);
    await running.until(
      (status) => status.initContainerStatuses.some(({ name, ready }) => name === "podrole-sidecar" && ready),
      signal,
    );
    const proved = isCertified
      ? "The kubelet requested the pod's certificate and podrole's server signed it; podrole-sidecar uses it and is ready: the app starts"
      : "podrole-sidecar proved the pod's identity, got its certificate and is ready: the app starts";
    narrator.step(proved, [...auditLines(cluster, "certificate").slice(-1)]);
    await running.until((status) => hasFinished({ status }), signal);
    const { arn, accessKeyId } = JSON.parse(running.logs("app").split("\n")[0] ?? "{}") as {
      arn: string;
      accessKeyId: string;
    };
    narrator.step("The app's AWS SDK called GetCallerIdentity, configured by the injected environment alone", [
      `Arn: ${arn}`,
      `AccessKeyId: ${accessKeyId}`,
      ...auditLines(cluster, "credentials").slice(-1),
      `phase of the pod: ${running.status().phase} (the native sidecar ended after the app)`,
    ]);
    return arn === `arn:aws:sts::${DEMO_ACCOUNT}:assumed-role/shop-orders/shop.orders`;
  } finally {
    await node.stop(2_000);
  }
}

/** The scheduler's part: a node may request certificates for pods that are bound to it. */
async function bindToNode({ kubernetes }: EmulatedCluster, { metadata }: Pod): Promise<void> {
  const { namespace = "", name = "" } = metadata;
  const target = { kind: "Node", name: DEMO_NODE };
  await kubernetes.create(`/api/v1/namespaces/${namespace}/pods/${name}/binding`, { metadata: { name }, target });
}

function describeInjection({ metadata, spec }: Pod): string[] {
  const app = spec.containers.find(({ name }) => name === "app");
  return [
    `label ${JSON.stringify(metadata.labels)}`,
    `init containers: ${(spec.initContainers ?? []).map(({ name, restartPolicy }) => name + (restartPolicy ? ` (restartPolicy: ${restartPolicy})` : "")).join(", ")}`,
    `volumes: ${(spec.volumes ?? []).map(({ name }) => name).join(", ")}`,
    ...(app?.env ?? []).map(({ name, value }) => `env ${name}=${value}`),
  ];
}

/** The audit lines of one kind that the server wrote. */
function auditLines(cluster: EmulatedCluster, kind: string): string[] {
  return cluster.server.lines
    .filter((line) => line["audit"] === kind)
    .map((line) => `audit ${JSON.stringify(withoutLogFields(line))}`);
}

function withoutLogFields({ level: _level, program: _program, ...line }: Readonly<Record<string, unknown>>) {
  return line;
}

function reportRefusal(narrator: Narrator, cluster: EmulatedCluster, { code, body }: ApiReply): boolean {
  const { message = "", reason = "" } = body as { message?: string; reason?: string };
  const audit = cluster.webhook.lines.find((line) => line["audit"] === "admission" && line["pod"] === "intruder");
  const event = cluster.kubernetes.audit.find(({ objectRef }) => objectRef?.name === "intruder");
  const ours = Object.entries(event?.annotations ?? {}).filter(([key]) => key.startsWith("pods.podrole.io/"));
  narrator.step("kubectl apply reports why pod intruder is refused", [
    `Error from server (${reason}): error when creating "demo.yaml": ${message}`,
    `audit ${JSON.stringify(withoutLogFields(audit ?? {}))}`,
    `the API server's own audit log: ${JSON.stringify(Object.fromEntries(ours))}`,
  ]);
  return code === 403 && message.includes("ROLE_FORBIDDEN");
}
