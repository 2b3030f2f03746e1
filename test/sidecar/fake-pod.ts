// The directories and settings of one pod, in a temporary directory, as the kubelet and the webhook would create them.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Address, envName } from "../../src/runtime/settings.ts";
import type { SidecarSettings } from "../../src/sidecar/settings.ts";
import type { FakeServer } from "./fake-server.ts";

/** Settings of a pod that proves itself with a token, unless a test changes them. */
type TokenPodSettings = SidecarSettings & { readonly proofFile: string; readonly trustBundle: string };

export interface FakePod {
  readonly directory: string;
  readonly settings: TokenPodSettings;
  /** The same settings as environment variables, as the webhook would write them. */
  readonly env: Record<string, string>;
  token(container: string): Promise<string>;
  remove(): Promise<void>;
}

export type PodServer = Pick<FakeServer, "identityPort" | "credentialsPort" | "bundlePem">;

/** Creates a pod; the caller removes it. */
export async function createFakePod(server: PodServer, changes: Partial<SidecarSettings> = {}): Promise<FakePod> {
  const directory = await mkdtemp(join(tmpdir(), "podrole-sidecar-"));
  const proofFile = join(directory, "proof");
  const settings = {
    certificateFile: undefined,
    trustBundleFile: undefined,
    serverAddress: { host: "127.0.0.1", port: server.credentialsPort },
    identityAddress: { host: "127.0.0.1", port: server.identityPort },
    serverName: "podrole-server",
    trustBundle: server.bundlePem,
    proofFile,
    identityDirectory: join(directory, "identity"),
    tokensDirectory: join(directory, "tokens"),
    containers: ["app"],
    podName: "web",
    podNamespace: "team",
    port: 0,
    healthPort: 0,
    initTimeout: 60_000,
    startHook: false,
    appGrace: 0,
    terminationMessageFile: join(directory, "termination-log"),
    metadata: false,
    metadataV1: false,
    region: "",
    zone: "",
    level: "debug",
    ...changes,
  } as TokenPodSettings;
  await mkdir(settings.identityDirectory);
  await mkdir(join(directory, "tokens"));
  await writeFile(proofFile, "proof-1\n");
  return {
    directory,
    settings,
    env: environment(settings),
    token: (container) => readFile(join(settings.tokensDirectory, container, "token"), "utf8"),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Creates a pod that is removed when the test has ended. */
export async function createTestPod(
  t: TestContext,
  server: PodServer,
  changes: Partial<SidecarSettings> = {},
): Promise<FakePod> {
  const pod = await createFakePod(server, changes);
  t.after(() => pod.remove());
  return pod;
}

function environment(settings: SidecarSettings): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [envName(key), toText(key, value)]),
  );
}

function toText(key: string, value: unknown): string {
  if (key === "initTimeout" || key === "appGrace") return `${String(value)}ms`;
  if (key.endsWith("Address")) return formatAddress(value as Address);
  return Array.isArray(value) ? value.join(",") : String(value);
}

function formatAddress({ host, port }: Address): string {
  return `${host}:${port}`;
}

/** Runs `work` while a timer keeps the process alive, as main.ts does: the program's own timers do not. */
export async function keepAlive<Result>(work: Promise<Result>): Promise<Result> {
  const alive = setInterval(() => {}, 1_000);
  return work.finally(() => clearInterval(alive));
}
