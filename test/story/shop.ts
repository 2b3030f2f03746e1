// The set-up of the story tests: podrole's real server and webhook, an emulated API server and STS, a node that runs
// patched pods as processes, and functions for what users and operators do with them.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { type EmulatedClusterOptions, SIDECAR_PROGRAM, startEmulatedCluster } from "../../emulators/cluster.ts";
import { requestToken } from "../../emulators/installation.ts";
import { createProcessNode, type RunningPod } from "../../emulators/kubelet/node.ts";
import { createCertificateProjections } from "../../emulators/kubelet/pod-certificates.ts";
import { lastTermination } from "../../emulators/kubelet/status.ts";
import { type RunningProgram } from "../../emulators/start-program.ts";
import { until } from "../../emulators/until.ts";
import { freeOffset } from "../../src/cli/demo/ports.ts";
import { hasPodCertificate } from "../../src/injection/pod-certificates.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { systemClock as clock } from "../../src/runtime/clock.ts";
import { createLog } from "../../src/runtime/log.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { bindLoopback, relayTo } from "../loopback.ts";
import { startShortSessions } from "./short-sessions.ts";

export const SHOP_ACCOUNT = "123456789012";
export const arnOf = (role: string) => `arn:aws:iam::${SHOP_ACCOUNT}:role/${role}`;
/** Session lifetimes in milliseconds: renewed after half of it, and not returned in their last 5 s. */
const LIFETIMES_MS = { "shop-fading": 11_000, "shop-steady": 26_000, "shop-moving": 11_000, "shop-pair": 56_000 };
const SIDECAR_PORT = 9763;
const REGION = "eu-central-1";
const NODE_NAME = "node-1";
const WAIT_MS = 20_000;

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const node = (...args: string[]) => ({ command: [process.execPath, ...args] });

/** The endpoint's reply to a container. */
export interface EndpointReply {
  readonly status: number;
  readonly body: Readonly<Record<string, string>>;
}

interface PodRequest {
  readonly annotations: Readonly<Record<string, string>>;
  /** Names of the app containers; by default only "app". */
  readonly containers?: readonly string[];
  readonly image?: string;
  /** Additional variables of every app container. */
  readonly env?: Readonly<Record<string, string>>;
}

interface ShopOptions extends Pick<EmulatedClusterOptions, "front"> {
  /** Additional roles that the server may assume. */
  readonly roles?: readonly string[];
  readonly serverFlags?: readonly string[];
}

export type Shop = Awaited<ReturnType<typeof openShop>>;

/** Starts everything; close() ends it. */
export async function openShop({ front, roles = [], serverFlags = [] }: ShopOptions = {}) {
  const sessions = await startShortSessions();
  const runtime = {
    execPath: process.execPath,
    entry: file("../../src/cli/main.ts"),
    path: process.env["PATH"] ?? "",
  };
  for (const [role, lifetimeMs] of Object.entries(LIFETIMES_MS)) sessions.lifetimes.set(arnOf(role), lifetimeMs);
  const cluster = await startEmulatedCluster(
    { clock },
    {
      runtime,
      region: REGION,
      accountId: SHOP_ACCOUNT,
      ...(front && { front }),
      roles: [
        { name: "shop-orders", isTrusted: true },
        { name: "shop-web", isTrusted: true },
        { name: "shop-fading", isTrusted: true },
        { name: "shop-steady", isTrusted: true },
        { name: "shop-moving", isTrusted: true },
        { name: "shop-pair", isTrusted: true },
        { name: "shop-broken", isTrusted: false },
        { name: "payroll-admin", isTrusted: true },
        ...roles.map((name) => ({ name, isTrusted: true })),
      ],
      // Of two flags with the same name the last one wins.
      serverFlags: [
        ...["--sts-endpoint", sessions.url, "--allow-insecure-sts-endpoint", "--role-base-arn-autodetect=false"],
        ...["--role-base-arn", `arn:aws:iam::${SHOP_ACCOUNT}:role/`, "--sts-timeout", "2s"],
        ...serverFlags,
      ],
    },
  );
  sessions.target = cluster.sts.url;
  const sidecar = [process.execPath, file("../../src/sidecar/main.ts")];
  const kubelet = createProcessNode(
    { clock, log: createLog("kubelet", "error", { write: () => {} }) },
    {
      directory: `${cluster.directory}/node`,
      nodeName: NODE_NAME,
      searchPath: runtime.path,
      startupPeriodMs: 50,
      images: {
        "podrole-sidecar:0.1.0": { command: sidecar, programs: { [SIDECAR_PROGRAM]: sidecar } },
        "story/sdk:1": node(file("../../src/cli/demo/app.ts")),
        "story/idle:1": node("-e", "setInterval(() => {}, 1e9)"),
      },
      certificates: createCertificateProjections(cluster.kubernetes),
      tokens: async ({ namespace, serviceAccount, pod }) => {
        const token = await requestToken(cluster.kubernetes, { namespace, serviceAccount, pod });
        return { token: new Secret(token), expiresAt: clock.now() + 600_000 };
      },
    },
  );
  const forwarders: ReturnType<typeof createServer>[] = [];

  async function apply(namespace: string, name: string, request: PodRequest) {
    const { annotations, containers = ["app"], image, env: extra = {} } = request;
    const env = [
      { name: "AWS_REGION", value: REGION },
      { name: "AWS_ENDPOINT_URL_STS", value: cluster.sts.url },
      ...Object.entries(extra).map(([variable, value]) => ({ name: variable, value })),
    ];
    const spec = {
      restartPolicy: "Never",
      containers: containers.map((container) => ({ name: container, image: image ?? "story/idle:1", env })),
    };
    const path = `/api/v1/namespaces/${namespace}/pods`;
    return cluster.kubernetes.create(path, { metadata: { name, namespace, annotations }, spec }, "alice@example.com");
  }

  return {
    cluster,
    /** Lifetimes of future sessions by role ARN, in milliseconds. */
    lifetimes: sessions.lifetimes,
    /** Promises that AssumeRole waits for, by role ARN. */
    gates: sessions.gates,
    /** Creates a labelled namespace that permits the shop's roles. */
    async namespace(name: string, permitted = arnOf("shop-.*")) {
      const annotations = { "iam.amazonaws.com/permitted": permitted };
      const metadata = { name, labels: { "podrole.io/inject": "enabled" }, annotations };
      assert.equal((await cluster.kubernetes.create("/api/v1/namespaces", { metadata })).code, 201);
    },
    /** Changes the permitted roles, as `kubectl annotate --overwrite` does. */
    permit(name: string, permitted: string) {
      const { metadata, ...rest } = cluster.kubernetes.store.get("namespaces", undefined, name);
      const annotations = { ...metadata.annotations, "iam.amazonaws.com/permitted": permitted };
      cluster.kubernetes.store.replace("namespaces", { ...rest, metadata: { ...metadata, annotations } });
    },
    apply,
    /** Applies a pod and runs it on the node, with its own ports. */
    async run(namespace: string, name: string, request: PodRequest): Promise<RunningPod> {
      const { code, body } = await apply(namespace, name, request);
      assert.equal(code, 201, JSON.stringify(body));
      // The scheduler's part: a node may request certificates for pods that are bound to it.
      if ((body as Pod).spec.volumes?.some(hasPodCertificate)) {
        const path = `/api/v1/namespaces/${namespace}/pods/${name}/binding`;
        const target = { kind: "Node", name: NODE_NAME };
        await cluster.kubernetes.create(path, { metadata: { name }, target });
      }
      // Other stories and other programs use ports at the same time.
      return kubelet.run(body as Pod, { portOffset: await freeOffset(SIDECAR_PORT) });
    },
    /** Waits until the pod is in one of the phases; fails with its state and its sidecar's log. */
    async phase(pod: RunningPod, ...phases: readonly string[]) {
      const signal = AbortSignal.timeout(WAIT_MS);
      const reached = pod.until(({ phase }) => phases.includes(phase), signal).catch(() => undefined);
      const { phase } = (await reached) ?? {};
      const state = `${pod.describe()}\n${pod.logs("podrole-sidecar")}`;
      assert.ok(phase !== undefined, `not ${phases.join(" or ")}:\n${state}`);
      return phase;
    },
    /** Waits for a termination message of the sidecar and returns the last one. */
    async terminationMessage(pod: RunningPod): Promise<string> {
      const message = () => {
        const status = pod.status().initContainerStatuses.find(({ name }) => name === "podrole-sidecar");
        return status && lastTermination(status)?.message;
      };
      await until(() => message() !== undefined, "a termination message of podrole-sidecar");
      return message() ?? "";
    },
    /** Requests credentials with the container's environment; status 0 if that names no endpoint. */
    async requestCredentials(pod: RunningPod, container = "app"): Promise<EndpointReply> {
      const { output } = await pod.exec(
        container,
        [process.execPath, file("./request-credentials.ts")],
        AbortSignal.timeout(5_000),
      );
      return JSON.parse(output) as EndpointReply;
    },
    /** URL of the credentials endpoint in the environment of the first container. */
    endpointOf(pod: RunningPod): string {
      const env = pod.pod.spec.containers[0]?.env ?? [];
      return env.find(({ name }) => name === "AWS_CONTAINER_CREDENTIALS_FULL_URI")?.value ?? "";
    },
    /** Text of a program's /metrics. */
    async metrics({ ports }: RunningProgram): Promise<string> {
      return (await fetch(`http://127.0.0.1:${ports["pages"]}/metrics`)).text();
    },
    /** Waits for a log line of the program with these fields and returns the first one. */
    async line(program: RunningProgram, fields: Readonly<Record<string, unknown>>) {
      const find = () =>
        program.lines.find((line) => Object.entries(fields).every(([name, value]) => line[name] === value));
      await until(() => find() !== undefined, `a line with ${JSON.stringify(fields)}`);
      return find() as Readonly<Record<string, unknown>>;
    },
    /** Waits for an Event with this reason. */
    async event(namespace: string, reason: string) {
      const find = () => cluster.kubernetes.store.list("events", namespace).find((event) => event["reason"] === reason);
      await until(() => find() !== undefined, `an Event ${reason} in ${namespace}`);
      return find() as unknown as { readonly involvedObject: { readonly name: string }; readonly message: string };
    },
    /** Forwards a port to another one, as a Service does after its only replica was replaced. */
    async forward(from: number, to: number): Promise<void> {
      const forwarder = createServer((socket) => void relayTo(to, socket));
      forwarders.push(forwarder);
      await bindLoopback(forwarder, from);
    },
    async close() {
      await kubelet.stop(500);
      await cluster.stop();
      for (const forwarder of forwarders) forwarder.close();
      await sessions.close();
    },
  };
}
