// npm run bench: measures the cost of podrole, as one table: admission, certificates, credentials, the start of a
// sidecar, and then the sidecar's own benchmark (test/bench/sidecar). Server and webhook are the real programs in their
// own processes; the Kubernetes API and STS are emulators in this process, which is also the client, so all share the
// machine.
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { type EmulatedCluster, startEmulatedCluster } from "../../emulators/cluster.ts";
import { buildSidecar } from "../../scripts/build-sidecar.ts";
import { startScript } from "../../scripts/command-line/start-script.ts";
import { plan } from "../../src/injection/plan.ts";
import { getCredentials } from "../../src/protocol/client.ts";
import { systemClock as clock } from "../../src/runtime/clock.ts";
import { type AdmittedPod, createAdmittedPod, createLabelledNamespace, POD_NAMESPACE } from "../admitted-pod.ts";
import { ROOT } from "../files.ts";
import { PLAN_SETTINGS } from "../injection/plan-settings.ts";
import { publishedResults } from "../published-results.ts";
import { annotatedPod, reviewOf, SHOP } from "../webhook/requests.ts";
import { compareFigures, figuresNow, type MeasuredFigures } from "./figures.ts";
import { createReviewSender, registeredCa } from "./reviews.ts";
import { type LatencyRow, latencyFigures, measureRounds } from "./rounds.ts";

/** The published figures. */
const benchFigures = publishedResults<MeasuredFigures>(join(import.meta.dirname, "results.json"));

const ROLE = "shop-orders";

async function planRow(): Promise<LatencyRow> {
  const { labels = {}, annotations = {} } = SHOP;
  const namespace = { name: POD_NAMESPACE, labels, annotations };
  const input = { pod: annotatedPod(), namespace, serviceAccountAnnotations: {} };
  return measureRounds({ what: "plan(), in process", calls: 5_000, callers: 1 }, () => {
    if (plan(input, PLAN_SETTINGS).decision !== "inject") throw new RangeError("plan() did not inject the pod");
    return undefined;
  });
}

async function admissionRows({ kubernetes, webhook }: EmulatedCluster): Promise<LatencyRow[]> {
  const sender = createReviewSender(webhook.ports["webhook"] ?? 0, registeredCa(kubernetes));
  const pod = annotatedPod({ "iam.amazonaws.com/role": ROLE });
  const body = JSON.stringify(reviewOf({ ...pod, spec: { ...pod.spec, serviceAccountName: "default" } }));
  const post = () => sender.post(body);
  const rows = [
    await measureRounds({ what: "POST /mutate, HTTPS kept alive", calls: 300, callers: 1 }, post),
    await measureRounds({ what: "POST /mutate, 8 callers", calls: 800, callers: 8 }, post),
  ];
  sender.close();
  return rows;
}

async function serverRows(pod: AdmittedPod): Promise<LatencyRow[]> {
  const identity = await pod.prove();
  const request = { containers: ["app"], bundleHash: "" };
  const fetch = async () => {
    const { grants } = await getCredentials(pod.credentialsPort, identity, request, 10_000);
    if (grants[0]?.result?.$case !== "credentials") throw new RangeError("the server returned no credentials");
  };
  const prove = () => pod.prove({ proof: pod.token });
  return [
    await measureRounds({ what: "certificate: key, CSR, proof, gRPC", calls: 60, callers: 1 }, prove),
    await measureRounds({ what: "certificate, 8 callers", calls: 120, callers: 8 }, prove),
    await measureRounds({ what: "credentials, cached, new mTLS connection", calls: 80, callers: 1 }, fetch),
    await measureRounds({ what: "credentials, 8 callers", calls: 160, callers: 8 }, fetch),
  ];
}

/** From the start of podrole-sidecar's process until it has credentials, in a pod without stored credentials. */
async function startRow(pod: AdmittedPod, directory: string): Promise<LatencyRow> {
  await buildSidecar(join(directory, "sidecar"));
  const proof = join(directory, "proof");
  await writeFile(proof, pod.token.reveal(), { mode: 0o600 });
  let count = 0;
  return measureRounds({ what: "podrole-sidecar, from start to ready", calls: 5, callers: 1, rounds: 2 }, async () => {
    const own = join(directory, `pod-${count++}`);
    const env = {
      ...pod.env,
      // There is no kubelet to run the hook: the sidecar's own child does the first renewal.
      PODROLE_START_HOOK: "false",
      PODROLE_PROOF_FILE: proof,
      PODROLE_IDENTITY_DIRECTORY: await mkdtemp(`${own}-identity-`),
      PODROLE_TOKENS_DIRECTORY: await mkdtemp(`${own}-tokens-`),
      PODROLE_TERMINATION_MESSAGE_FILE: `${own}-message`,
    };
    const args = ["--max-semi-space-size=1", join(directory, "sidecar/main.cjs"), "serve"];
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await new Promise<void>((resolve, reject) => {
      let output = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (output.includes("credentials are ready")) resolve();
      });
      child.once("exit", () => reject(new RangeError(`podrole-sidecar exited: ${output}`)));
    });
    // The next sidecar uses the same ports.
    child.kill("SIGKILL");
    await ended;
  });
}

async function main(): Promise<void> {
  const { values } = startScript("bench");
  const directory = await mkdtemp(join(tmpdir(), "podrole-bench-"));
  const runtime = {
    execPath: process.execPath,
    entry: join(ROOT, "src/cli/main.ts"),
    path: process.env["PATH"] ?? "",
  };
  const cluster = await startEmulatedCluster(
    { clock },
    { runtime, region: "eu-central-1", accountId: "123456789012", roles: [{ name: ROLE, isTrusted: true }] },
  );
  try {
    await createLabelledNamespace(cluster.kubernetes, ".*");
    const pod = await createAdmittedPod(cluster.kubernetes, { name: "orders", roles: { app: ROLE } });
    const rows = [
      await planRow(),
      ...(await admissionRows(cluster)),
      ...(await serverRows(pod)),
      await startRow(pod, directory),
    ];
    console.log(
      `Node ${process.version}, ${cpus().length} cores; latency in ms; medians of 3 rounds (sidecar: of 2)\n`,
    );
    console.table(
      Object.fromEntries(rows.map(({ what, p50, p99, perSecond }) => [what, { p50, p99, "per second": perSecond }])),
    );
    const measured = figuresNow(latencyFigures(rows));
    for (const line of compareFigures(benchFigures.find(), measured.figures)) console.log(line);
    if (values.publish) benchFigures.write(measured);
  } finally {
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  }
  if (!values.sidecar) return;
  const args = [join(import.meta.dirname, "sidecar/main.ts"), ...(values.publish ? ["--publish"] : [])];
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  process.exitCode = status ?? 1;
}

await main();
