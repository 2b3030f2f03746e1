// A cluster for the demo and the story tests: emulated API server and STS, with podrole's real server and webhook as
// child processes, all on loopback. States: starting → running → stopped (stop() ends every process that was started
// here, by its own handle, and removes the directory).
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Clock } from "../src/runtime/clock.ts";
import { Secret } from "../src/runtime/secret.ts";
import { createKubernetesEmulator, type KubernetesEmulator } from "./kubernetes/emulator.ts";
import type { WebhookClient } from "./kubernetes/webhook-call.ts";
import { createStsEmulator, type StsEmulator } from "./sts/emulator.ts";

/** How to run podrole: the node binary and the entry of the command line. */
export interface Runtime {
  readonly execPath: string;
  /** Arguments of Node itself; none by default. */
  readonly nodeFlags?: readonly string[];
  readonly entry: string;
  readonly path: string;
}

/** The AWS account, its roles and the programs of a stage. */
export interface StageOptions {
  readonly runtime: Runtime;
  readonly region: string;
  readonly accountId: string;
  /** Existing roles by name; the server can assume those that trust it. */
  readonly roles: readonly { readonly name: string; readonly trusted: boolean }[];
  /** Additional flags of the server. */
  readonly serverFlags?: readonly string[];
  /** Further flags of the webhook. */
  readonly webhookFlags?: readonly string[];
  /** The client certificate that the API server shows to webhooks. */
  readonly webhookClient?: WebhookClient;
  /**
   * Starts a front for the servers and returns the addresses that pods and webhook use; default: the first server's
   * own.
   */
  readonly front?: (server: RunningProgram) => Promise<ServerAddresses>;
}

/** Each "host:port". */
interface ServerAddresses {
  readonly identity: string;
  readonly credentials: string;
}

/** The program that the sidecar's hook runs; the node's image of the sidecar must have a program of this name. */
export const SIDECAR_PROGRAM = "podrole-sidecar";

/** A running program of podrole. */
export interface RunningProgram {
  readonly pid: number;
  /** Every line of its log and audit log, parsed. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  readonly ports: Readonly<Record<string, number>>;
  stop(): Promise<number>;
  /** Sends SIGKILL; resolves when the process has ended. */
  kill(): Promise<void>;
}

/** A running cluster of the demo or of a story. */
export interface Stage {
  readonly directory: string;
  readonly kubernetes: KubernetesEmulator;
  readonly sts: StsEmulator;
  readonly server: RunningProgram;
  readonly webhook: RunningProgram;
  /** Starts another server. */
  startServer(): Promise<RunningProgram>;
  stop(): Promise<void>;
}

const SERVER_KEY = { accessKeyId: "AKIAPODROLESERVER001", secretAccessKey: "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00" };

/**
 * Starts an STS with these roles. Returns it with the environment in which podrole's server can assume the trusted
 * ones.
 */
export async function startSts(
  { clock }: { readonly clock: Clock },
  { region, accountId, roles }: Pick<StageOptions, "region" | "accountId" | "roles">,
): Promise<{ readonly sts: StsEmulator; readonly serverEnv: Readonly<Record<string, string>> }> {
  const { accessKeyId, secretAccessKey } = SERVER_KEY;
  const serverArn = `arn:aws:iam::${accountId}:user/podrole-server`;
  const sts = createStsEmulator(
    { clock },
    {
      region,
      keys: [{ accessKeyId, secretAccessKey: new Secret(secretAccessKey), arn: serverArn }],
      roles: roles.map(({ name, trusted }) => ({
        arn: `arn:aws:iam::${accountId}:role/${name}`,
        trust: { principals: trusted ? [serverArn] : [] },
      })),
    },
  );
  await sts.listen();
  return { sts, serverEnv: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } };
}

/**
 * Starts everything and waits until the webhook is registered. Throws after a timeout, and then stops what was started.
 */
export async function startStage({ clock }: { readonly clock: Clock }, options: StageOptions): Promise<Stage> {
  const { runtime, region, accountId } = options;
  const directory = await mkdtemp(join(tmpdir(), "podrole-stage-"));
  const running: RunningProgram[] = [];
  const kubernetes = createKubernetesEmulator({ clock }, { webhookClient: options.webhookClient });
  await kubernetes.listen();
  const { sts, serverEnv } = await startSts({ clock }, options);

  async function stop(): Promise<void> {
    for (const program of running.toReversed()) await program.stop();
    await Promise.all([sts.close(), kubernetes.close()]);
    await rm(directory, { recursive: true, force: true });
  }

  async function start(
    name: string,
    flags: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<RunningProgram> {
    const kubeconfig = join(directory, `${name}.kubeconfig`);
    await writeFile(kubeconfig, kubernetes.kubeconfig(`system:serviceaccount:podrole:podrole-${name}`), {
      mode: 0o600,
    });
    const args = [runtime.entry, name, "--kubeconfig", kubeconfig, ...flags];
    const program = await startProgram(runtime, name, args, env);
    running.push(program);
    return program;
  }

  const startServer = () =>
    start(
      "server",
      [
        ...["--bind", "127.0.0.1:0", "--identity-bind", "127.0.0.1:0", "--pages-bind", "127.0.0.1:0"],
        ...[
          "--server-names",
          "podrole-server.podrole.svc,127.0.0.1",
          "--webhook-names",
          "podrole-webhook.podrole.svc,127.0.0.1",
        ],
        ...["--role-base-arn-autodetect", "--region", region, "--sts-endpoint", sts.url],
        ...(options.serverFlags ?? []),
      ],
      serverEnv,
    );

  try {
    await createInstallation(kubernetes, directory);
    const server = await startServer();
    const { identity, credentials } = await (options.front ?? ownAddresses)(server);
    const webhook = await start("webhook", [
      ...["--bind", "127.0.0.1:0", "--pages-bind", "127.0.0.1:0"],
      ...["--identity-address", identity, "--server-address", credentials],
      ...["--proof-file", join(directory, "webhook-token"), "--region", region],
      ...["--role-base-arn", `arn:aws:iam::${accountId}:role/`, "--sidecar-command", SIDECAR_PROGRAM],
      ...(options.webhookFlags ?? []),
    ]);
    pointTo(kubernetes, webhook.ports["webhook"] ?? 0);
    await until(() => hasCaBundle(kubernetes), "the server has put its CA into the webhook configuration");
    return { directory, kubernetes, sts, server, webhook, startServer, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Creates podrole's namespace and the webhook's pod with its token, as manifests and kubelet would. */
async function createInstallation(kubernetes: KubernetesEmulator, directory: string): Promise<void> {
  const namespace = "podrole";
  await kubernetes.create("/api/v1/namespaces", { metadata: { name: namespace } });
  await kubernetes.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: "podrole-webhook" } });
  const pod = {
    metadata: { name: "podrole-webhook-0" },
    spec: { serviceAccountName: "podrole-webhook", containers: [{ name: "webhook", image: "podrole" }] },
  };
  const { body } = await kubernetes.create(`/api/v1/namespaces/${namespace}/pods`, pod);
  const { name = "", uid = "" } = (body as { metadata: { name?: string; uid?: string } }).metadata;
  register(kubernetes);
  const token = await requestToken(kubernetes, { namespace, serviceAccount: "podrole-webhook", pod: { name, uid } });
  await writeFile(join(directory, "webhook-token"), token, { mode: 0o600 });
}

/** Requests a pod-bound token for podrole's audience, as a kubelet does. */
export async function requestToken(
  kubernetes: KubernetesEmulator,
  { namespace, serviceAccount, pod }: { namespace: string; serviceAccount: string; pod: { name: string; uid: string } },
): Promise<string> {
  const spec = {
    audiences: ["podrole.io"],
    expirationSeconds: 600,
    boundObjectRef: { kind: "Pod", apiVersion: "v1", ...pod },
  };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
  const { body } = await kubernetes.create(path, { metadata: {}, spec }, "system:node:node-1");
  return (body as { status: { token: string } }).status.token;
}

/** The configuration exists before the webhook runs, as after `kubectl apply` of the manifests. */
function register(kubernetes: KubernetesEmulator): void {
  kubernetes.store.create("mutatingwebhookconfigurations", {
    metadata: { name: "podrole" },
    webhooks: [
      {
        name: "pods.podrole.io",
        clientConfig: { url: "https://127.0.0.1:1/mutate" },
        rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }],
        namespaceSelector: { matchLabels: { "podrole.io/inject": "enabled" } },
        failurePolicy: "Fail",
        reinvocationPolicy: "IfNeeded",
        sideEffects: "None",
        timeoutSeconds: 5,
        admissionReviewVersions: ["v1"],
      },
    ],
  });
}

function pointTo(kubernetes: KubernetesEmulator, port: number): void {
  const configuration = kubernetes.store.get("mutatingwebhookconfigurations", undefined, "podrole");
  const [webhook] = configuration["webhooks"] as { clientConfig: { url: string } }[];
  if (webhook) webhook.clientConfig.url = `https://127.0.0.1:${port}/mutate`;
  kubernetes.store.replace("mutatingwebhookconfigurations", configuration);
}

function hasCaBundle(kubernetes: KubernetesEmulator): boolean {
  const configuration = kubernetes.store.find("mutatingwebhookconfigurations", undefined, "podrole");
  const [webhook] = (configuration?.["webhooks"] ?? []) as { clientConfig: { caBundle?: string } }[];
  return webhook?.clientConfig.caBundle !== undefined;
}

/** Starts a program of podrole and waits until it logs that it is up. */
export async function startProgram(
  { execPath, nodeFlags = [], path }: Omit<Runtime, "entry">,
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<RunningProgram> {
  const child = spawn(execPath, [...nodeFlags, ...args], {
    env: { PATH: path, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: Record<string, unknown>[] = [];
  const errors: string[] = [];
  const up = Promise.withResolvers<Readonly<Record<string, number>>>();
  createInterface(child.stdout).on("line", (line) => {
    const parsed = JSON.parse(line) as Record<string, unknown>;
    lines.push(parsed);
    if (parsed["message"] === `${name} is up`) up.resolve(parsed["ports"] as Record<string, number>);
  });
  createInterface(child.stderr).on("line", (line) => errors.push(line));
  child.on("exit", (code) =>
    up.reject(
      new RangeError(`podrole ${name} ended with ${code}: ${errors.join("\n")} ${JSON.stringify(lines.at(-1))}`),
    ),
  );
  const late = setTimeout(() => {
    up.reject(
      new RangeError(`podrole ${name} did not start within ${PATIENCE_MS / 1000} s: ${JSON.stringify(lines.at(-1))}`),
    );
    child.kill("SIGKILL");
  }, PATIENCE_MS);
  const ports = await up.promise.finally(() => clearTimeout(late));
  return {
    pid: child.pid ?? 0,
    lines,
    ports,
    stop: () => stopChild(child),
    async kill() {
      const ended = once(child, "exit");
      if (child.kill("SIGKILL")) await ended;
    },
  };
}

async function ownAddresses({ ports }: RunningProgram): Promise<ServerAddresses> {
  return { identity: `127.0.0.1:${ports["identity"]}`, credentials: `127.0.0.1:${ports["credentials"]}` };
}

async function stopChild(child: ChildProcess): Promise<number> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }
  return child.exitCode ?? 1;
}

const PATIENCE_MS = 15_000;

/** Waits for a condition of another process; throws an error that names it after a timeout. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new RangeError(`not reached within ${PATIENCE_MS / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
