// npm run bench:status: how long podrole status takes for many pods: the npm package's bundle, which users run, against
// the API server emulator and a server that answers what each pod holds, in turn with a bare program that lists the
// same pods. The time on the wall has the emulator's share too, so the CPU time of the processes is what counts.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { bundlePackage } from "../../../scripts/build-command-line.ts";
import { startScript } from "../../../scripts/command-line/start-script.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/runtime/clock.ts";
import { startSituationCluster } from "../../cli/commands/situation-cluster.ts";
import { heldWith, podWith } from "../../operations/status/pods.ts";
import { quantile } from "../../quantile.ts";
import { writeTemporaryFile } from "../../temporary-files.ts";
import { compareFigures, type Figure, figuresNow } from "../figures.ts";
import { statusFigures } from "./results.ts";

const { values } = startScript("bench:status");
/** Pods of the cluster, and runs of each program. */
const [count, runs] = [5_000, 10];
const ends: (() => unknown)[] = [];
const context = { after: (end: () => unknown) => void ends.push(end) } as Parameters<typeof startSituationCluster>[0];
const directory = await mkdtemp(join(tmpdir(), "podrole-bench-status-"));
ends.push(() => rm(directory, { recursive: true, force: true }));

/** Seconds of one process. */
interface Times {
  readonly cpu: number;
  readonly wall: number;
}

/** Runs Node with these arguments; fails unless it prints a line for each pod. */
async function timed(args: readonly string[], line: RegExp): Promise<Times> {
  const script = `TIMEFORMAT='%R %U %S'; time "$0" "$@" 2> /dev/null`;
  const child = spawn("bash", ["-c", script, process.execPath, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, times] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const lines = out.match(line)?.length ?? 0;
  if (lines !== count) throw new RangeError(`expected ${count} pods, found ${lines}: ${out.slice(0, 1_000)}`);
  const [wall = 0, user = 0, system = 0] = (times.trim().split("\n").at(-1) ?? "").split(" ").map(Number);
  return { cpu: user + system, wall };
}

try {
  await bundlePackage(join(directory, "lib"));
  const cluster = await startSituationCluster(context);
  const names = Array.from({ length: count }, (_, index) => `orders-${index}`);
  for (const name of names) cluster.store.create("pods", podWith({ name }));
  const [expiresAt, renewedAt] = [HOUR_MS, -MINUTE_MS].map((ms) => new Date(Date.now() + ms).toISOString());
  cluster.state.pods = names.map((name) =>
    heldWith({ ...(expiresAt && renewedAt && { expiresAt, renewedAt }) }, { name }),
  );
  const kubeconfig = cluster.kubernetes.kubeconfig();
  const bare = [join(import.meta.dirname, "bare-list.ts"), ...connectionOf(kubeconfig)];
  const file = writeTemporaryFile(context, "kubeconfig", kubeconfig);
  const status = [join(directory, "lib/podrole.js"), "status", "-A", "--kubeconfig", file];
  const samples: { readonly bare: Times; readonly status: Times }[] = [];
  for (let run = 0; run < runs; run++) {
    samples.push({
      bare: await timed(bare, /^shop orders-\d+$/gm),
      status: await timed(status, /^shop +orders-\d+ +app +shop-orders +ready /gm),
    });
  }
  const median = (part: (sample: (typeof samples)[number]) => number) =>
    Number(quantile(samples.map(part), 0.5).toFixed(2));
  const what = `podrole status -A of ${count} pods`;
  const figures: readonly Figure[] = [
    {
      what: `CPU time of ${what}, as a multiple of a bare program that lists them`,
      value: median((sample) => sample.status.cpu / sample.bare.cpu),
      unit: "times",
      better: "lower",
    },
    { what: `CPU time of ${what}`, value: median((sample) => sample.status.cpu), unit: "s", better: "lower" },
    {
      what: `CPU time of the bare program for ${count} pods`,
      value: median((sample) => sample.bare.cpu),
      unit: "s",
      better: "lower",
    },
    { what: `time on the wall of ${what}`, value: median((sample) => sample.status.wall), unit: "s", better: "lower" },
  ];
  for (const { what: name, value, unit } of figures) console.log(`${name}: ${value} ${unit}`);
  for (const line of compareFigures(statusFigures.find(), figures)) console.log(line);
  if (values.publish) statusFigures.write({ ...figuresNow(figures), pods: count, runs });
} finally {
  for (const end of ends.toReversed()) await end();
}
process.exit();

/** Address, file of the CA and token of the emulator's kubeconfig, which is JSON. */
function connectionOf(kubeconfig: string): readonly string[] {
  const { clusters, users } = JSON.parse(kubeconfig) as {
    readonly clusters: readonly [
      { readonly cluster: { readonly server: string; readonly "certificate-authority-data": string } },
    ];
    readonly users: readonly [{ readonly user: { readonly token: string } }];
  };
  const { server, "certificate-authority-data": ca } = clusters[0].cluster;
  return [server, writeTemporaryFile(context, "ca.pem", Buffer.from(ca, "base64").toString()), users[0].user.token];
}
