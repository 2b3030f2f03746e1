// podrole beside a real API server: server and webhook run as processes on this host with the RBAC of the manifests and
// are registered by URL; STS is emulated. uninstall() stops every process and deletes every object that
// installOnCluster() created.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { SIDECAR_PROGRAM, startSts } from "../../emulators/cluster.ts";
import { createProcessNode, type ProcessNode } from "../../emulators/kubelet/node.ts";
import { type RunningProgram, startProgram } from "../../emulators/start-program.ts";
import type { StsEmulator } from "../../emulators/sts/emulator.ts";
import { until } from "../../emulators/until.ts";
import { systemClock as clock } from "../../src/runtime/clock.ts";
import { createLog } from "../../src/runtime/log.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { ROOT } from "../files.ts";
import type { Kubectl } from "./kubectl.ts";

export const CLUSTER_ACCOUNT = "123456789012";
export const CLUSTER_REGION = "eu-central-1";
const SIDECAR_IMAGE = "podrole-sidecar:0.1.0";

export interface Installation {
  readonly sts: StsEmulator;
  readonly server: RunningProgram;
  readonly webhook: RunningProgram;
  readonly node: ProcessNode;
  uninstall(): Promise<void>;
}

export interface InstallOptions {
  readonly kubeconfig: string;
  /** Address of this host as the API server reaches it. */
  readonly host: string;
  /** File with the CA of the client certificate that the API server shows to webhooks; undefined: it shows none. */
  readonly apiServerCa?: string | undefined;
  readonly roles: readonly { readonly name: string; readonly isTrusted: boolean }[];
  /** Maps an image name to the command on this host that replaces it. */
  readonly images: Readonly<Record<string, readonly string[]>>;
  /** Additional flags of server and webhook. */
  readonly flags?: readonly string[];
  /** The command line that runs them; default: the sources. */
  readonly entry?: string;
}

const root = (path: string) => join(ROOT, path);
const runtime = { execPath: process.execPath, path: process.env["PATH"] ?? "" };

export async function installOnCluster(kubectl: Kubectl, options: InstallOptions): Promise<Installation> {
  const directory = await mkdtemp(join(tmpdir(), "podrole-cluster-"));
  const { sts, serverEnv } = await startSts(
    { clock },
    { region: CLUSTER_REGION, accountId: CLUSTER_ACCOUNT, roles: options.roles },
  );
  for (const file of ["namespace", "rbac"]) await kubectl.ok(["apply", "-f", root(`manifests/base/${file}.yaml`)]);
  await kubectl.ok(["apply", "-f", "-"], WEBHOOK_POD);
  // Registered before any program runs, so that the server's first check finds it; the URL is a placeholder.
  await register(kubectl, options.host, 1);

  const start = async (
    name: "server" | "webhook",
    flags: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ) => {
    const kubeconfig = join(directory, `${name}.kubeconfig`);
    const token = (await kubectl.ok(["-n", "podrole", "create", "token", `podrole-${name}`, "--duration=2h"])).trim();
    await writeFile(kubeconfig, await kubeconfigFor(options.kubeconfig, token), { mode: 0o600 });
    const { entry = root("src/cli/main.ts") } = options;
    return startProgram(runtime, name, [entry, name, "--kubeconfig", kubeconfig, ...flags], env);
  };
  const server = await start(
    "server",
    [
      ...["--bind", "127.0.0.1:0", "--identity-bind", "127.0.0.1:0"],
      ...["--pages-bind", "127.0.0.1:0", "--state-bind", "127.0.0.1:0"],
      ...[
        "--server-names",
        "podrole-server.podrole.svc,127.0.0.1",
        "--webhook-names",
        `podrole-webhook.podrole.svc,${options.host}`,
      ],
      ...[
        "--role-base-arn-autodetect",
        "--region",
        CLUSTER_REGION,
        "--sts-endpoint",
        sts.url,
        "--allow-insecure-sts-endpoint",
      ],
      ...(options.flags ?? []),
    ],
    serverEnv,
  );
  const proof = join(directory, "webhook-token");
  await writeFile(proof, await boundToken(kubectl, "podrole", "podrole-webhook", "podrole-webhook-0"), { mode: 0o600 });
  const webhook = await start("webhook", [
    ...["--bind", `${options.host}:0`, "--pages-bind", "127.0.0.1:0", "--proof-file", proof],
    ...[
      "--identity-address",
      `127.0.0.1:${server.ports["identity"]}`,
      "--server-address",
      `127.0.0.1:${server.ports["credentials"]}`,
    ],
    ...[
      "--region",
      CLUSTER_REGION,
      "--role-base-arn",
      `arn:aws:iam::${CLUSTER_ACCOUNT}:role/`,
      "--sidecar-command",
      SIDECAR_PROGRAM,
    ],
    ...(options.apiServerCa === undefined
      ? []
      : ["--api-server-ca", options.apiServerCa, "--api-server-name", "kube-apiserver"]),
    ...(options.flags ?? []),
  ]).catch(async (error: unknown) => {
    // The server says why a webhook does not start. Both would keep the test's process running.
    await server.stop();
    await sts.close();
    throw new Error(`the server's last lines: ${JSON.stringify(server.lines.slice(-5))}`, { cause: error });
  });
  await register(kubectl, options.host, webhook.ports["webhook"] ?? 0);
  await until(
    async () => (await caBundle(kubectl)) !== "",
    "the server has written its CA to the webhook configuration",
  );
  const sidecar = [process.execPath, root("src/sidecar/main.ts")];
  const node = createProcessNode(
    { clock, log: createLog("kubelet", "error", { write: () => {} }) },
    {
      directory: join(directory, "node"),
      searchPath: runtime.path,
      startupPeriodMs: 50,
      images: {
        [SIDECAR_IMAGE]: { command: sidecar, programs: { [SIDECAR_PROGRAM]: sidecar } },
        ...Object.fromEntries(Object.entries(options.images).map(([name, command]) => [name, { command }])),
      },
      tokens: async ({ namespace, serviceAccount, pod }) => {
        const token = await boundToken(kubectl, namespace, serviceAccount, pod.name);
        return { token: new Secret(token), expiresAt: clock.now() + 600_000 };
      },
    },
  );
  return {
    sts,
    server,
    webhook,
    node,
    async uninstall() {
      await node.stop(1_000);
      await webhook.stop();
      await server.stop();
      await sts.close();
      await kubectl.run(["delete", "mutatingwebhookconfiguration", "podrole", "--ignore-not-found"]);
      await kubectl.run(["delete", "-f", root("manifests/base/rbac.yaml"), "--ignore-not-found", "--wait=false"]);
      await kubectl.run(["delete", "namespace", "podrole", "--ignore-not-found", "--wait=false"]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The pod object that the webhook's token is bound to. No node runs it. */
const WEBHOOK_POD = `apiVersion: v1
kind: Pod
metadata: { name: podrole-webhook-0, namespace: podrole }
spec:
  serviceAccountName: podrole-webhook
  nodeSelector: { podrole.io/suite: none }
  securityContext: { runAsNonRoot: true, seccompProfile: { type: RuntimeDefault } }
  containers:
    - name: webhook
      image: podrole-server:0.1.0
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
`;

async function boundToken(kubectl: Kubectl, namespace: string, serviceAccount: string, pod: string): Promise<string> {
  const bound = ["--bound-object-kind", "Pod", "--bound-object-name", pod];
  const request = ["-n", namespace, "create", "token", serviceAccount, "--audience", "podrole.io", "--duration=10m"];
  return (await kubectl.ok([...request, ...bound])).trim();
}

interface Kubeconfig {
  users: { name: string; user: unknown }[];
}

/** The admin's kubeconfig with a ServiceAccount's token as the user. */
async function kubeconfigFor(admin: string, token: string): Promise<string> {
  const config = parse(await readFile(admin, "utf8")) as Kubeconfig;
  return stringify({ ...config, users: config.users.map(({ name }) => ({ name, user: { token } })) });
}

interface Configuration {
  metadata: Record<string, unknown>;
  webhooks: { clientConfig: Record<string, unknown> }[];
}

async function register(kubectl: Kubectl, host: string, port: number): Promise<void> {
  const configuration = parse(
    await readFile(root("manifests/base/webhook-configuration.yaml"), "utf8"),
  ) as Configuration;
  const existing = await caBundle(kubectl);
  for (const webhook of configuration.webhooks) {
    webhook.clientConfig = { url: `https://${host}:${port}/mutate`, ...(existing !== "" && { caBundle: existing }) };
  }
  await kubectl.ok(["apply", "-f", "-"], stringify(configuration));
}

async function caBundle(kubectl: Kubectl): Promise<string> {
  const path = "jsonpath={.webhooks[0].clientConfig.caBundle}";
  return (await kubectl.run(["get", "mutatingwebhookconfiguration", "podrole", "-o", path])).out;
}
