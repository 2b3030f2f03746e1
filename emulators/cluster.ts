// A cluster for the demo and the story tests: emulated API server and STS, with podrole's real server and webhook as
// child processes, all on loopback. States: starting → running → stopped (stop() ends every process that was started
// here, by its own handle, and removes the directory).
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../src/runtime/clock.ts";
import { Secret } from "../src/runtime/secret.ts";
import { createInstallation, hasCaBundle, setWebhookPort } from "./installation.ts";
import { createKubernetesEmulator, type KubernetesEmulator } from "./kubernetes/emulator.ts";
import type { WebhookClient } from "./kubernetes/webhook-call.ts";
import { type RunningProgram, type Runtime, startProgram } from "./start-program.ts";
import { createStsEmulator, type StsEmulator } from "./sts/emulator.ts";
import type { IdentityProvider } from "./sts/web-identity.ts";
import { until } from "./until.ts";

/** The AWS account, its roles and the programs of a cluster. */
export interface EmulatedClusterOptions {
  readonly runtime: Runtime;
  readonly region: string;
  readonly accountId: string;
  /** Existing roles by name; the server can assume those that trust it. */
  readonly roles: readonly { readonly name: string; readonly isTrusted: boolean }[];
  /** Issuers of web identity tokens that the account trusts. */
  readonly identityProviders?: readonly IdentityProvider[];
  /** Ends sessions of AssumeRole after this time, in seconds; default: as requested. */
  readonly sessionCapSeconds?: number;
  /** Additional flags of the server. */
  readonly serverFlags?: readonly string[];
  /** Additional flags of the webhook. */
  readonly webhookFlags?: readonly string[];
  /** The client certificate that the API server shows to webhooks. */
  readonly webhookClient?: WebhookClient;
  /**
   * Starts a front for the servers and returns the addresses that pods and webhook use; default: the first server's
   * own.
   */
  readonly front?: (server: RunningProgram) => Promise<ServerAddresses>;
  /** Receives what is being started next. */
  readonly progress?: (text: string) => void;
}

/** Each "host:port". */
interface ServerAddresses {
  readonly identity: string;
  readonly credentials: string;
}

/** The program that the sidecar's hook runs; the node's image of the sidecar must have a program of this name. */
export const SIDECAR_PROGRAM = "podrole-sidecar";

/** A running cluster of the demo or of a story. */
export interface EmulatedCluster {
  readonly directory: string;
  readonly kubernetes: KubernetesEmulator;
  readonly sts: StsEmulator;
  readonly server: RunningProgram;
  readonly webhook: RunningProgram;
  /** Starts another server; by default with the AWS credentials of the first one. */
  startServer(own?: OwnCredentials): Promise<RunningProgram>;
  stop(): Promise<void>;
}

/** Where a server finds AWS credentials of its own. */
export interface OwnCredentials {
  /** The variables that the AWS SDK reads; by default those with an access key. */
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

const SERVER_KEY = { accessKeyId: "AKIAPODROLESERVER001", secretAccessKey: "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00" };

/**
 * Starts an STS with these roles. Returns it with the environment in which podrole's server can assume the trusted
 * ones.
 */
export async function startSts(
  { clock }: { readonly clock: Clock },
  {
    region,
    accountId,
    roles,
    identityProviders = [],
    sessionCapSeconds,
  }: Pick<EmulatedClusterOptions, "region" | "accountId" | "roles" | "identityProviders" | "sessionCapSeconds">,
): Promise<{ readonly sts: StsEmulator; readonly serverEnv: Readonly<Record<string, string>> }> {
  const { accessKeyId, secretAccessKey } = SERVER_KEY;
  const serverArn = `arn:aws:iam::${accountId}:user/podrole-server`;
  const sts = createStsEmulator(
    { clock },
    {
      region,
      identityProviders,
      sessionCapSeconds,
      keys: [{ accessKeyId, secretAccessKey: new Secret(secretAccessKey), arn: serverArn }],
      roles: roles.map(({ name, isTrusted: trusted }) => ({
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
export async function startEmulatedCluster(
  { clock }: { readonly clock: Clock },
  options: EmulatedClusterOptions,
): Promise<EmulatedCluster> {
  const { runtime, region, accountId, progress = () => {} } = options;
  const directory = await mkdtemp(join(tmpdir(), "podrole-cluster-"));
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

  const startServer = ({ env = serverEnv, flags = [] }: OwnCredentials = {}) =>
    start(
      "server",
      [
        ...["--bind", "127.0.0.1:0", "--identity-bind", "127.0.0.1:0"],
        ...["--pages-bind", "127.0.0.1:0", "--state-bind", "127.0.0.1:0"],
        ...[
          "--server-names",
          "podrole-server.podrole.svc,127.0.0.1",
          "--webhook-names",
          "podrole-webhook.podrole.svc,127.0.0.1",
        ],
        ...[
          "--role-base-arn-autodetect",
          "--region",
          region,
          "--sts-endpoint",
          sts.url,
          "--allow-insecure-sts-endpoint",
        ],
        ...(options.serverFlags ?? []),
        ...flags,
      ],
      env,
    );

  try {
    progress("starting podrole's server");
    await createInstallation(kubernetes, directory);
    const server = await startServer();
    const { identity, credentials } = await (options.front ?? ownAddresses)(server);
    progress("starting podrole's webhook");
    const webhook = await start("webhook", [
      ...["--bind", "127.0.0.1:0", "--pages-bind", "127.0.0.1:0"],
      ...["--identity-address", identity, "--server-address", credentials],
      ...["--proof-file", join(directory, "webhook-token"), "--region", region],
      ...["--role-base-arn", `arn:aws:iam::${accountId}:role/`, "--sidecar-command", SIDECAR_PROGRAM],
      ...(options.webhookFlags ?? []),
    ]);
    progress("waiting until the server has put its CA into the webhook configuration");
    setWebhookPort(kubernetes, webhook.ports["webhook"] ?? 0);
    await until(() => hasCaBundle(kubernetes), "the server has put its CA into the webhook configuration");
    return { directory, kubernetes, sts, server, webhook, startServer, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ownAddresses({ ports }: RunningProgram): Promise<ServerAddresses> {
  return { identity: `127.0.0.1:${ports["identity"]}`, credentials: `127.0.0.1:${ports["credentials"]}` };
}
