// The programs under attack: the bundles of the images, each in a cgroup with the memory limit that the manifests set,
// and the ordinary callers beside the attacker.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { getCredentials } from "../../src/protocol/client.ts";
import { WEBHOOK_SETTINGS } from "../../src/settings/webhook.ts";
import { type AdmittedPod, POD_NAMESPACE } from "../admitted-pod.ts";
import { type Cgroup, createCgroup } from "../cgroup.ts";
import { ROOT } from "../files.ts";
import { bytesOf, memoryLimitOf, writeGroupLauncher } from "../limited-programs.ts";
import { openPrograms, type Programs, type RunningSidecar } from "../programs.ts";
import { sendRequest } from "../sidecar/send-request.ts";
import type { Job } from "./attacker.ts";
import type { Ordinary } from "./measure.ts";

/** A program under attack, by its group. */
export type GroupName = "server" | "webhook" | "sidecar" | "sidecarWithout";

/** Memory limits in bytes, as the manifests and the webhook set them. */
export function memoryLimits(): Readonly<Record<GroupName, number>> {
  const sidecar = bytesOf(WEBHOOK_SETTINGS.sidecarMemory.default);
  return { server: memoryLimitOf("server"), webhook: memoryLimitOf("webhook"), sidecar, sidecarWithout: sidecar };
}

export type AttackWorld = Awaited<ReturnType<typeof openAttackWorld>>;

/** Seconds: the longest that the API server allows. */
const PATIENT_TIMEOUT = 30;

/**
 * Builds the bundles and starts everything. `isPatient`: callers wait for 30 s, as on a machine that is busy with other
 * work, instead of as long as the real ones would.
 */
export async function openAttackWorld({ isPatient }: { readonly isPatient: boolean }) {
  const build = spawnSync(process.execPath, [join(ROOT, "scripts/build.ts")], { encoding: "utf8" });
  if (build.status !== 0) throw new RangeError(`the bundles cannot be built: ${build.stderr}`);
  const limits = memoryLimits();
  const directory = mkdtempSync(join(tmpdir(), "podrole-attack-"));
  const groups = Object.fromEntries(
    Object.entries(limits).map(([name, bytes]) => [
      name,
      createCgroup(`podrole-attack-${process.pid}-${name}`, { bytes }),
    ]),
  ) as Readonly<Record<GroupName, Cgroup>>;
  const inGroup = writeGroupLauncher(directory, groups);
  const programs = await openPrograms({
    launch: {
      cli: { execPath: inGroup, entry: join(ROOT, "dist/server/podrole.js") },
      sidecar: { execPath: inGroup, args: ["--max-semi-space-size=1", join(ROOT, "dist/sidecar/main.cjs")] },
    },
    roles: ["shop-app", ...Array.from({ length: 35 }, (_, index) => `shop-honest-${index}`)],
    denied: Array.from({ length: 2_000 }, (_, index) => `shop-denied-${index}`),
    serverFlags: ["--allowed-roles-format", "regexp"],
  });
  if (isPatient) setWebhookTimeout(programs, PATIENT_TIMEOUT);
  const pod = await programs.createPod({ name: "app", roles: { app: "shop-app" } });
  const sidecar = await programs.startSidecar(pod, { env: { PROGRAM_GROUP: "sidecar" } });
  const unserved = await programs.createPod({ name: "without", roles: { without: "shop-app" } });
  // Nothing listens at port 1, so this sidecar never has credentials.
  const unreachable = { PROGRAM_GROUP: "sidecarWithout", PODROLE_IDENTITY_ADDRESS: "127.0.0.1:1" };
  const sidecarWithout = await programs.startSidecar(unserved, { waits: false, env: unreachable });

  return {
    programs,
    limits,
    groups,
    directory,
    pod,
    sidecar,
    sidecarWithout,
    ordinary: await ordinaryCallers(programs, pod, sidecar, sidecarWithout, isPatient),
    async close() {
      // A program that an attack keeps busy may not notice SIGTERM for minutes.
      const { server, webhook } = programs.cluster;
      for (const program of [sidecar.program, sidecarWithout.program, webhook, server]) await program.kill();
      await programs.close();
      for (const group of Object.values(groups)) group.remove();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function served(response: Promise<{ readonly status: number }>, ...statuses: readonly number[]): Promise<void> {
  const { status } = await response;
  if (!statuses.includes(status)) throw new RangeError(`answered with ${status}`);
}

function setWebhookTimeout({ cluster: { kubernetes } }: Programs, timeoutSeconds: number): void {
  const configuration = kubernetes.store.get("mutatingwebhookconfigurations", undefined, "podrole");
  const webhooks = (configuration["webhooks"] as readonly object[]).map((webhook) =>
    Object.assign({}, webhook, { timeoutSeconds }),
  );
  kubernetes.store.replace("mutatingwebhookconfigurations", { ...configuration, webhooks });
}

async function ordinaryCallers(
  programs: Programs,
  pod: AdmittedPod,
  sidecar: RunningSidecar,
  without: RunningSidecar,
  isPatient: boolean,
) {
  const { cluster } = programs;
  const identity = await pod.prove();
  const token = await sidecar.token("app");
  const tokenWithout = await without.token("without");
  const path = `/api/v1/namespaces/${POD_NAMESPACE}/pods?dryRun=All`;
  const annotations = { "iam.amazonaws.com/role": "shop-app" };
  const page = (name: "server" | "webhook", path: string) =>
    served(sendRequest(cluster[name].ports["pages"] ?? 0, { path }), 200);
  const callers = {
    review: {
      // The API server gives the webhook 5 s (timeoutSeconds).
      patienceMs: 5_500,
      async call() {
        const spec = { containers: [{ name: "app", image: "app" }] };
        const { code, body } = await cluster.kubernetes.create(path, { metadata: { name: "new", annotations }, spec });
        if (code !== 201) throw new RangeError(`the pod is not created: ${JSON.stringify(body).slice(0, 300)}`);
      },
    },
    certificate: { patienceMs: 10_000, call: async () => void (await pod.prove()) },
    credentials: {
      patienceMs: 10_000,
      async call() {
        const { grants } = await getCredentials(
          pod.credentialsPort,
          identity,
          { containers: ["app"], bundleHash: "" },
          10_000,
        );
        if (grants[0]?.result?.$case !== "credentials") throw new RangeError(JSON.stringify(grants[0]?.result));
      },
    },
    // The default of a probe's timeoutSeconds is 1.
    webhookLiveness: { patienceMs: 5_000, call: () => page("webhook", "/healthz") },
    webhookReadiness: { patienceMs: 5_000, call: () => page("webhook", "/readyz") },
    serverLiveness: { patienceMs: 5_000, call: () => page("server", "/healthz") },
    serverReadiness: { patienceMs: 5_000, call: () => page("server", "/readyz") },
    app: { patienceMs: 2_000, call: () => served(sendRequest(sidecar.port, { token }), 200) },
    sidecarLiveness: {
      patienceMs: 5_000,
      call: () => served(sendRequest(sidecar.healthPort, { path: "/healthz" }), 200),
    },
    // Without credentials the answer is 503 after 900 ms, which SDKs retry.
    appWithout: { patienceMs: 5_000, call: () => served(sendRequest(without.port, { token: tokenWithout }), 503) },
    livenessWithout: {
      patienceMs: 5_000,
      call: () => served(sendRequest(without.healthPort, { path: "/healthz" }), 200),
    },
  };
  return Object.fromEntries(
    Object.entries(callers).map(([name, caller]) => [
      name,
      { name, ...caller, ...(isPatient && { patienceMs: 1000 * PATIENT_TIMEOUT }) },
    ]),
  ) as Readonly<Record<keyof typeof callers, Ordinary>>;
}

/** Starts an attacker on the last core; resolves once it attacks. stop() ends it. */
export async function startAttacker(job: Job): Promise<{ stop(): Promise<void> }> {
  const core = String(cpus().length - 1);
  const script = join(import.meta.dirname, "attacker.ts");
  // Thousands of connections need as many file descriptors.
  const command = `ulimit -n 20000; exec taskset -c ${core} "$0" --no-warnings "$1" "$2"`;
  const child = spawn("/bin/sh", ["-c", command, process.execPath, script, JSON.stringify(job)], {
    // The attacker ends when its standard input does: with this process, however that ends.
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  await Promise.race([once(child.stdout, "data"), ended]);
  if (child.exitCode !== null) throw new RangeError(`the attacker ended with ${child.exitCode}`);
  return {
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
