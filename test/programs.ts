// podrole's real programs for the suites of attacks and fuzzing: server and webhook with an emulated API server and
// STS, and sidecars of pods that the webhook admitted, each a process of its own. States: open → closed (close()).
// While a sidecar runs, its pod's token is replaced as a kubelet replaces it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmulatedCluster, type EmulatedClusterOptions, startEmulatedCluster } from "../emulators/cluster.ts";
import { type RunningProgram, startProgram } from "../emulators/start-program.ts";
import { until } from "../emulators/until.ts";
import { freeOffset } from "../src/cli/demo/ports.ts";
import { systemClock as clock } from "../src/runtime/clock.ts";
import {
  type AdmittedPod,
  createAdmittedPod,
  createLabelledNamespace,
  POD_NAMESPACE,
  type PodOptions,
} from "./admitted-pod.ts";
import { ROOT } from "./files.ts";
import { sendRequest } from "./sidecar/send-request.ts";

const ACCOUNT = "123456789012";
const REGION = "eu-central-1";

/** How to start the programs: each as the command and the first arguments, without the name of the mode. */
export interface Launch {
  /** Runs the command line; its arguments are the entry, the program's name and its flags. */
  readonly cli: { readonly execPath: string; readonly entry: string };
  readonly sidecar: { readonly execPath: string; readonly args: readonly string[] };
}

/** From the sources, without a limit. */
export const FROM_SOURCES: Launch = {
  cli: { execPath: process.execPath, entry: join(ROOT, "src/cli/main.ts") },
  sidecar: { execPath: process.execPath, args: ["--no-warnings", join(ROOT, "src/sidecar/main.ts")] },
};

/** A running sidecar. */
export interface RunningSidecar {
  readonly pod: AdmittedPod;
  readonly program: RunningProgram;
  readonly port: number;
  readonly healthPort: number;
  readonly directory: string;
  token(container: string): Promise<string>;
  /**
   * Runs another mode of its program in its environment; resolves with the exit code. `flags`: of Node. `env`: what
   * differs.
   */
  run(
    mode: string,
    flags?: (own: readonly string[]) => readonly string[],
    env?: NodeJS.ProcessEnv,
  ): Promise<number | null>;
  /** Stops it, and kills what run() started. */
  close(): Promise<void>;
}

/** How a sidecar starts. */
export interface SidecarOptions {
  /** False: does not wait until it has credentials. */
  readonly waits?: boolean;
  /** Variables besides those of the pod. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Everything that runs. */
export interface Programs {
  readonly cluster: EmulatedCluster;
  /** Creates the pod through the webhook, and requests its token as a kubelet does. */
  createPod(options: PodOptions): Promise<AdmittedPod>;
  /** Starts the pod's sidecar and waits until it has credentials. */
  startSidecar(pod: AdmittedPod, options?: SidecarOptions): Promise<RunningSidecar>;
  close(): Promise<void>;
}

/** `roles` exist and trust the server; `denied` exist and do not. */
export interface ProgramsOptions extends Pick<EmulatedClusterOptions, "front" | "identityProviders"> {
  readonly launch?: Launch;
  readonly roles: readonly string[];
  readonly denied?: readonly string[];
  readonly serverFlags?: readonly string[];
}

/** Starts server and webhook, and a labelled namespace that permits its own roles. */
export async function openPrograms({
  launch = FROM_SOURCES,
  roles,
  denied = [],
  serverFlags = [],
  front,
  identityProviders = [],
}: ProgramsOptions): Promise<Programs> {
  const path = process.env["PATH"] ?? "";
  const cluster = await startEmulatedCluster(
    { clock },
    {
      runtime: { ...launch.cli, path },
      ...(front && { front }),
      identityProviders,
      region: REGION,
      accountId: ACCOUNT,
      roles: [
        ...roles.map((name) => ({ name, isTrusted: true })),
        ...denied.map((name) => ({ name, isTrusted: false })),
      ],
      serverFlags: [
        "--role-base-arn-autodetect=false",
        "--role-base-arn",
        `arn:aws:iam::${ACCOUNT}:role/`,
        ...serverFlags,
      ],
    },
  );
  const directory = await mkdtemp(join(tmpdir(), "podrole-programs-"));
  const sidecars: RunningSidecar[] = [];
  await createLabelledNamespace(cluster.kubernetes, `arn:aws:iam::${ACCOUNT}:role/${POD_NAMESPACE}-.*`);

  return {
    cluster,
    createPod: (options) => createAdmittedPod(cluster.kubernetes, options),
    async startSidecar(pod, { waits = true, env = {} } = {}) {
      const sidecar = await startSidecar(pod, launch, join(directory, pod.name), env);
      sidecars.push(sidecar);
      if (waits) {
        await until(
          async () => (await sendRequest(sidecar.healthPort, { path: "/readyz" })).status === 200,
          `the sidecar of ${pod.name} has credentials: ${JSON.stringify(sidecar.program.lines.at(-1))}`,
        );
      }
      return sidecar;
    },
    async close() {
      for (const sidecar of sidecars) await sidecar.close();
      await cluster.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A kubelet replaces a token after 80 % of its lifetime; these last 10 minutes. */
const PROOF_ROTATION_MS = 8 * 60_000;

async function rotateProof(pod: AdmittedPod, file: string): Promise<void> {
  await writeFile(`${file}.new`, (await pod.newToken()).reveal(), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

async function startSidecar(
  pod: AdmittedPod,
  launch: Launch,
  directory: string,
  extra: object,
): Promise<RunningSidecar> {
  const own = {
    proof: join(directory, "proof"),
    identity: join(directory, "identity"),
    tokens: join(directory, "tokens"),
  };
  for (const path of [own.identity, own.tokens]) await mkdir(path, { recursive: true });
  await writeFile(own.proof, pod.token.reveal(), { mode: 0o600 });
  const rotation = setInterval(() => void rotateProof(pod, own.proof), PROOF_ROTATION_MS);
  const port = (await freeOffset(0)) || 0;
  const env = {
    ...pod.env,
    PODROLE_PORT: String(port),
    PODROLE_HEALTH_PORT: String(port + 1),
    PODROLE_PROOF_FILE: own.proof,
    PODROLE_IDENTITY_DIRECTORY: own.identity,
    PODROLE_TOKENS_DIRECTORY: own.tokens,
    PODROLE_TERMINATION_MESSAGE_FILE: join(directory, "message"),
    ...extra,
  };
  const { execPath, args } = launch.sidecar;
  const path = process.env["PATH"] ?? "";
  const program = await startProgram({ execPath, path }, "podrole-sidecar", [...args, "serve"], env);
  /** Other modes of its program that run, such as the hook. */
  const others = new Set<ChildProcess>();
  return {
    pod,
    program,
    port,
    healthPort: port + 1,
    directory,
    token: (container) => readFile(join(own.tokens, container, "token"), "utf8"),
    async run(mode, flags = (own) => own, extra = {}) {
      const child = spawn(execPath, [...flags(args.slice(0, -1)), ...args.slice(-1), mode], {
        env: { PATH: path, ...env, ...extra },
        stdio: "ignore",
      });
      others.add(child);
      child.once("exit", () => others.delete(child));
      const [code] = (await once(child, "exit")) as [number | null];
      return code;
    },
    async close() {
      clearInterval(rotation);
      for (const child of others) child.kill();
      await program.stop();
    },
  };
}
