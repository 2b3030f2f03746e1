// The story's scenery: podrole's real server and webhook, an emulated API server and STS, a node that runs patched pods
// as processes, and words for what a person does with them.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { freeOffset } from "../../src/cli/demo/ports.ts";
import { createProcessNode, type RunningPod } from "../../emulators/kubelet/node.ts";
import { lastTermination } from "../../emulators/kubelet/status.ts";
import {
  type RunningProgram,
  type StageOptions,
  requestToken,
  SIDECAR_PROGRAM,
  setStage,
  until,
} from "../../emulators/stage.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { systemClock as clock } from "../../src/runtime/clock.ts";
import { createLog } from "../../src/runtime/log.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { startShortSessions } from "./short-sessions.ts";

export const ACCOUNT = "123456789012";
export const arnOf = (role: string) => `arn:aws:iam::${ACCOUNT}:role/${role}`;
/** Sessions renewed after half of these milliseconds, and not handed out in their last 5 s. */
const SHORT = { "shop-fading": 11_000, "shop-steady": 26_000, "shop-moving": 11_000, "shop-pair": 56_000 };
const SIDECAR_PORT = 9763;
const REGION = "eu-central-1";
const WAIT_MS = 20_000;

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const node = (...words: string[]) => ({ command: [process.execPath, ...words] });

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, string>>;
}

interface PodWish {
  readonly annotations: Readonly<Record<string, string>>;
  /** Names of the app containers; "app" alone by default. */
  readonly containers?: readonly string[];
  readonly image?: string;
  /** Further variables of every app container. */
  readonly env?: Readonly<Record<string, string>>;
}

interface ShopWish extends Pick<StageOptions, "front"> {
  /** Further roles that the server may assume. */
  readonly roles?: readonly string[];
  readonly serverFlags?: readonly string[];
}

export type Shop = Awaited<ReturnType<typeof openShop>>;

export async function openShop({ front, roles = [], serverFlags = [] }: ShopWish = {}) {
  const sessions = await startShortSessions();
  const runtime = {
    execPath: process.execPath,
    entry: file("../../src/cli/main.ts"),
    path: process.env["PATH"] ?? "",
  };
  for (const [role, lifeMs] of Object.entries(SHORT)) sessions.lives.set(arnOf(role), lifeMs);
  const stage = await setStage(
    { clock },
    {
      runtime,
      region: REGION,
      accountId: ACCOUNT,
      ...(front && { front }),
      roles: [
        { name: "shop-orders", trusted: true },
        { name: "shop-web", trusted: true },
        { name: "shop-fading", trusted: true },
        { name: "shop-steady", trusted: true },
        { name: "shop-moving", trusted: true },
        { name: "shop-pair", trusted: true },
        { name: "shop-broken", trusted: false },
        { name: "payroll-admin", trusted: true },
        ...roles.map((name) => ({ name, trusted: true })),
      ],
      // The last of two flags of a name wins.
      serverFlags: [
        ...["--sts-endpoint", sessions.url, "--role-base-arn-autodetect=false"],
        ...["--role-base-arn", `arn:aws:iam::${ACCOUNT}:role/`, "--sts-timeout", "2s"],
        ...serverFlags,
      ],
    },
  );
  sessions.target = stage.sts.url;
  const sidecar = [process.execPath, file("../../src/sidecar/main.ts")];
  const kubelet = createProcessNode(
    { clock, log: createLog("kubelet", "error", { write: () => {} }) },
    {
      directory: `${stage.directory}/node`,
      searchPath: runtime.path,
      startupPeriodMs: 50,
      images: {
        "podrole-sidecar:0.1.0": { command: sidecar, programs: { [SIDECAR_PROGRAM]: sidecar } },
        "story/sdk:1": node(file("../../src/cli/demo/app.ts")),
        "story/idle:1": node("-e", "setInterval(() => {}, 1e9)"),
      },
      tokens: async ({ namespace, serviceAccount, pod }) => {
        const token = await requestToken(stage.kubernetes, { namespace, serviceAccount, pod });
        return { token: new Secret(token), expiresAt: clock.now() + 600_000 };
      },
    },
  );
  const forwarders: ReturnType<typeof createServer>[] = [];

  async function apply(namespace: string, name: string, wish: PodWish) {
    const { annotations, containers = ["app"], image, env: more = {} } = wish;
    const env = [
      { name: "AWS_REGION", value: REGION },
      { name: "AWS_ENDPOINT_URL_STS", value: stage.sts.url },
      ...Object.entries(more).map(([variable, value]) => ({ name: variable, value })),
    ];
    const spec = {
      restartPolicy: "Never",
      containers: containers.map((container) => ({ name: container, image: image ?? "story/idle:1", env })),
    };
    const path = `/api/v1/namespaces/${namespace}/pods`;
    return stage.kubernetes.create(path, { metadata: { name, namespace, annotations }, spec }, "alice@example.com");
  }

  return {
    stage,
    /** Life of a role's sessions by its ARN, in milliseconds, from its next one on. */
    lives: sessions.lives,
    /** What AssumeRole waits for, by the role's ARN. */
    gates: sessions.gates,
    /** A labelled namespace that permits the roles of the shop. */
    async namespace(name: string, permitted = arnOf("shop-.*")) {
      const annotations = { "iam.amazonaws.com/permitted": permitted };
      const metadata = { name, labels: { "podrole.io/inject": "enabled" }, annotations };
      assert.equal((await stage.kubernetes.create("/api/v1/namespaces", { metadata })).code, 201);
    },
    /** As `kubectl annotate --overwrite`. */
    permit(name: string, permitted: string) {
      const { metadata, ...rest } = stage.kubernetes.store.get("namespaces", undefined, name);
      const annotations = { ...metadata.annotations, "iam.amazonaws.com/permitted": permitted };
      stage.kubernetes.store.replace("namespaces", { ...rest, metadata: { ...metadata, annotations } });
    },
    apply,
    /** Applies a pod and lets a node run it, with ports of its own. */
    async run(namespace: string, name: string, wish: PodWish): Promise<RunningPod> {
      const { code, body } = await apply(namespace, name, wish);
      assert.equal(code, 201, JSON.stringify(body));
      // Stories run beside each other, and so do people's own programs.
      return kubelet.run(body as Pod, { portOffset: await freeOffset(SIDECAR_PORT) });
    },
    async phase(pod: RunningPod, ...phases: readonly string[]) {
      const signal = AbortSignal.timeout(WAIT_MS);
      const reached = pod.until(({ phase }) => phases.includes(phase), signal).catch(() => undefined);
      const { phase } = (await reached) ?? {};
      const said = `${pod.describe()}\n${pod.logs("podrole-sidecar")}`;
      assert.ok(phase !== undefined, `not ${phases.join(" or ")}:\n${said}`);
      return phase;
    },
    /** The sidecar's last termination message, as soon as there is one. */
    async lastWords(pod: RunningPod): Promise<string> {
      const message = () => {
        const status = pod.status().initContainerStatuses.find(({ name }) => name === "podrole-sidecar");
        return status && lastTermination(status)?.message;
      };
      await until(() => message() !== undefined, "a termination message of podrole-sidecar");
      return message() ?? "";
    },
    /** What the container gets with its own environment; status 0 when that names no endpoint. */
    async ask(pod: RunningPod, container = "app"): Promise<Answer> {
      const { output } = await pod.exec(container, [process.execPath, file("./ask.ts")], AbortSignal.timeout(5_000));
      return JSON.parse(output) as Answer;
    },
    endpointOf(pod: RunningPod): string {
      const env = pod.pod.spec.containers[0]?.env ?? [];
      return env.find(({ name }) => name === "AWS_CONTAINER_CREDENTIALS_FULL_URI")?.value ?? "";
    },
    async metrics({ ports }: RunningProgram): Promise<string> {
      return (await fetch(`http://127.0.0.1:${ports["pages"]}/metrics`)).text();
    },
    /** Resolves with the program's first line that has these fields. */
    async line(program: RunningProgram, fields: Readonly<Record<string, unknown>>) {
      const find = () =>
        program.lines.find((line) => Object.entries(fields).every(([name, value]) => line[name] === value));
      await until(() => find() !== undefined, `a line with ${JSON.stringify(fields)}`);
      return find() as Readonly<Record<string, unknown>>;
    },
    async event(namespace: string, reason: string) {
      const find = () => stage.kubernetes.store.list("events", namespace).find((event) => event["reason"] === reason);
      await until(() => find() !== undefined, `an Event ${reason} in ${namespace}`);
      return find() as unknown as { readonly involvedObject: { readonly name: string }; readonly message: string };
    },
    /** What a Service does when its one replica was replaced. */
    async forward(from: number, to: number): Promise<void> {
      const forwarder = createServer((socket) => {
        const onward = connect(to, "127.0.0.1");
        socket.pipe(onward).pipe(socket);
        for (const [one, other] of [
          [socket, onward],
          [onward, socket],
        ] as const) {
          one.on("error", () => other.destroy()).on("close", () => other.destroy());
        }
      });
      forwarders.push(forwarder);
      forwarder.listen(from, "127.0.0.1");
      await once(forwarder, "listening");
    },
    async close() {
      await kubelet.stop(500);
      await stage.strike();
      for (const forwarder of forwarders) forwarder.close();
      await sessions.close();
    },
  };
}
