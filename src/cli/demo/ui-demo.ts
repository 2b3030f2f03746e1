// podrole demo --ui: a small emulated cluster, what a scene does in it, and the page of podrole ui on it. It stays
// until it is interrupted, and always removes its processes and files.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type EmulatedCluster, startEmulatedCluster } from "../../../emulators/cluster.ts";
import { createServerQuestion } from "../../operations/state/ask-server.ts";
import { systemClock as clock } from "../../runtime/clock.ts";
import { openConnection } from "../cluster.ts";
import { servePage } from "../page/serve-page.ts";
import { type Terminal, writeProblems } from "../terminal.ts";
import { createDemoNode, DEMO_ACCOUNT, DEMO_REGION, SIDECAR_IMAGE } from "./demo-node.ts";
import { DEMO_PROGRAMS } from "./demo-programs.ts";
import type { Narrator } from "./narrator.ts";
import { showInstallation } from "./shown-installation.ts";
import { createShownPods, IDLE_IMAGE } from "./shown-pods.ts";
import { LIVELY_SCENE, type UiScene } from "./ui-scene.ts";

const BASE_ARN = `arn:aws:iam::${DEMO_ACCOUNT}:role/`;

/** Runs until `terminal.interrupted`; the exit code is that of podrole demo. */
export async function runUiDemo(
  terminal: Terminal,
  narrator: Narrator,
  { opensBrowser, scene = LIVELY_SCENE }: { readonly opensBrowser: boolean; readonly scene?: UiScene },
): Promise<number> {
  const { execPath, interrupted } = terminal;
  const runtime = { execPath, entry: DEMO_PROGRAMS.commandLine, path: terminal.env["PATH"] ?? "" };
  const cluster = await startEmulatedCluster(
    { clock },
    {
      runtime,
      region: DEMO_REGION,
      accountId: DEMO_ACCOUNT,
      roles: scene.roles,
      sessionCapSeconds: scene.sessionSeconds,
    },
  );
  const node = createDemoNode(cluster, runtime, { [IDLE_IMAGE]: { command: ["sleep", "86400"] } });
  try {
    await showInstallation(cluster, { roleBaseArn: BASE_ARN, region: DEMO_REGION, sidecarImage: SIDECAR_IMAGE });
    await createNamespaces(cluster, scene.namespaces);
    const kubernetes = await openDemoConnection(terminal, cluster);
    const pods = createShownPods({ cluster, node, now: () => clock.now() });
    narrator.step("podrole's server and webhook run beside an embedded Kubernetes API and STS; pods come and go");
    const playing = scene.play({ pods, kubernetes, interrupted });
    const served = await servePage(
      {
        kubernetes,
        clock,
        askServer: createServerQuestion({ kubernetes }, { podroleNamespace: "podrole" }),
        findLogs: () => writeLogs(cluster),
        interrupted,
        onReady: (address) => narrator.step("The identity map is open until Ctrl-C", [address]),
      },
      { namespace: undefined, podroleNamespace: "podrole", port: 0, opensBrowser },
    );
    await playing;
    await kubernetes.close();
    if (!served.ok) return writeProblems(terminal, "demo", [served.problem]);
    narrator.step("Interrupted: its processes and files are removed");
    return 0;
  } finally {
    await node.stop(2_000);
    await cluster.stop();
  }
}

/** The programs' lines as a file: the emulated API server has no logs of pods. */
async function writeLogs({ directory, server, webhook }: EmulatedCluster) {
  const file = join(directory, "podrole.log");
  const lines = [...server.lines, ...webhook.lines].map((line) => `${JSON.stringify(line)}\n`);
  await writeFile(file, lines.join(""), { mode: 0o600 });
  return { from: "files", files: [file] } as const;
}

async function createNamespaces({ kubernetes }: EmulatedCluster, namespaces: UiScene["namespaces"]): Promise<void> {
  for (const [name, { isLabelled, permitted }] of Object.entries(namespaces)) {
    const annotations = { "iam.amazonaws.com/permitted": `${BASE_ARN}${permitted}` };
    const labels = isLabelled ? { "podrole.io/inject": "enabled" } : {};
    await kubernetes.create("/api/v1/namespaces", { metadata: { name, labels, annotations } });
  }
}

async function openDemoConnection(terminal: Terminal, { directory, kubernetes }: EmulatedCluster) {
  const kubeconfig = join(directory, "operator.kubeconfig");
  await writeFile(kubeconfig, kubernetes.kubeconfig(), { mode: 0o600 });
  return openConnection(terminal, { kubeconfig });
}
