// podrole's real programs for the suites of attacks and fuzzing: server and webhook with an emulated API server and STS, and
// sidecars of pods that the webhook admitted, each a process of its own. States: open → closed (close()). While a sidecar
// runs, its pod's token is replaced as a kubelet replaces it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmulatedCluster, startEmulatedCluster } from "../emulators/cluster.ts";
import { requestToken } from "../emulators/installation.ts";
import { type RunningProgram, startProgram, until } from "../emulators/start-program.ts";
import { freeOffset } from "../src/cli/demo/ports.ts";
import type { Pod } from "../src/kubernetes/objects.ts";
import { createCsr } from "../src/pki/csr.ts";
import { generateKeyPem } from "../src/pki/keys.ts";
import { type ClientIdentity, requestCertificate, type ServerEndpoint } from "../src/protocol/client.ts";
import { systemClock as clock } from "../src/runtime/clock.ts";
import { Secret } from "../src/runtime/secret.ts";
import { ROOT } from "./files.ts";
import { sendRequest } from "./sidecar/send-request.ts";

const ACCOUNT = "123456789012";
const REGION = "eu-central-1";
export const NAMESPACE = "shop";

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

/** A pod to create; roles by container. */
export interface PodOptions {
  readonly name: string;
  readonly roles: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Fields of every container. */
  readonly container?: object;
}

/** A pod that the webhook admitted, with what its sidecar has. */
export interface AdmittedPod {
  readonly name: string;
  readonly token: Secret;
  /** Requests another token of the pod, as a kubelet does before the last one expires (10 minutes). */
  newToken(): Promise<Secret>;
  /** Environment of its podrole-sidecar, as the webhook set it. */
  readonly env: Readonly<Record<string, string>>;
  readonly identityPort: ServerEndpoint;
  readonly credentialsPort: ServerEndpoint;
  /** Requests a certificate for a new key. */
  prove(deadlineMs?: number): Promise<ClientIdentity>;
}

/** A running sidecar. */
export interface RunningSidecar {
  readonly pod: AdmittedPod;
  readonly program: RunningProgram;
  readonly port: number;
  readonly healthPort: number;
  readonly directory: string;
  token(container: string): Promise<string>;
  /** Runs another mode of its program in its environment; resolves with the exit code. `flags`: of Node. */
  run(mode: string, flags?: (own: readonly string[]) => readonly string[]): Promise<number | null>;
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
export interface ProgramsOptions {
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
}: ProgramsOptions): Promise<Programs> {
  const path = process.env["PATH"] ?? "";
  const cluster = await startEmulatedCluster(
    { clock },
    {
      runtime: { ...launch.cli, path },
      region: REGION,
      accountId: ACCOUNT,
      roles: [...roles.map((name) => ({ name, trusted: true })), ...denied.map((name) => ({ name, trusted: false }))],
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
  const annotations = { "iam.amazonaws.com/permitted": `arn:aws:iam::${ACCOUNT}:role/${NAMESPACE}-.*` };
  const metadata = { name: NAMESPACE, labels: { "podrole.io/inject": "enabled" }, annotations };
  await cluster.kubernetes.create("/api/v1/namespaces", { metadata });

  return {
    cluster,
    createPod: (options) => createPod(cluster, options),
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

async function createPod({ kubernetes }: EmulatedCluster, options: PodOptions): Promise<AdmittedPod> {
  const { name, roles, annotations = {}, container = {} } = options;
  const { code, body } = await kubernetes.create(`/api/v1/namespaces/${NAMESPACE}/pods`, {
    metadata: {
      name,
      annotations: {
        ...Object.fromEntries(Object.entries(roles).map(([one, role]) => [`iam.amazonaws.com/role.${one}`, role])),
        ...annotations,
      },
    },
    spec: { containers: Object.keys(roles).map((one) => Object.assign({ name: one, image: "app:1" }, container)) },
  });
  if (code !== 201) throw new RangeError(`pod ${name} was not created: ${code} ${JSON.stringify(body)}`);
  const { metadata, spec } = body as Pod;
  const { uid = "" } = metadata;
  const variables = spec.initContainers?.find((one) => one.name === "podrole-sidecar")?.env ?? [];
  const env: Record<string, string> = {
    ...Object.fromEntries(variables.map((variable) => [variable.name, variable.value ?? ""])),
    PODROLE_POD_NAME: name,
    PODROLE_POD_NAMESPACE: NAMESPACE,
  };
  const bound = { namespace: NAMESPACE, serviceAccount: "default", pod: { name, uid } };
  const newToken = async () => new Secret(await requestToken(kubernetes, bound));
  const token = await newToken();
  const endpoint = (variable: string): ServerEndpoint => ({
    address: env[variable] ?? "",
    serverName: env["PODROLE_SERVER_NAME"] ?? "",
    bundlePem: env["PODROLE_TRUST_BUNDLE"] ?? "",
  });
  const identityPort = endpoint("PODROLE_IDENTITY_ADDRESS");
  return {
    name,
    token,
    newToken,
    env,
    identityPort,
    credentialsPort: endpoint("PODROLE_SERVER_ADDRESS"),
    async prove(deadlineMs = 10_000) {
      const privateKey = generateKeyPem();
      const input = { token: await newToken(), csr: createCsr(privateKey, name), bundleHash: "" };
      const { certificate } = await requestCertificate(identityPort, input, deadlineMs);
      return { privateKey, certificatePem: certificate };
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
  return {
    pod,
    program,
    port,
    healthPort: port + 1,
    directory,
    token: (container) => readFile(join(own.tokens, container, "token"), "utf8"),
    async run(mode, flags = (own) => own) {
      const child = spawn(execPath, [...flags(args.slice(0, -1)), ...args.slice(-1), mode], {
        env: { PATH: path, ...env },
        stdio: "ignore",
      });
      const [code] = (await once(child, "exit")) as [number | null];
      return code;
    },
    async close() {
      clearInterval(rotation);
      await program.stop();
    },
  };
}
