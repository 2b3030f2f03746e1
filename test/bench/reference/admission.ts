// Admission at a fixed rate: CPU of the webhook and latency of each review, beside a bare fastify over TLS that answers
// with the same patch.
import { join } from "node:path";
import { startProgram } from "../../../emulators/start-program.ts";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import { quantile } from "../../quantile.ts";
import { annotatedPod, reviewOf } from "../../webhook/requests.ts";
import { createReviewSender, type ReviewSender, registeredCa } from "../reviews.ts";
import { cpuMs } from "../sidecar/process.ts";
import { createBareCa } from "./bare-files.ts";
import { BARE_RUNTIME, type Bench } from "./bench.ts";
import type { Pair, RowSamples } from "./results.ts";

const SECONDS = 3;
/** Containers of a pod. One core decides on fewer than 90 pods with 60 containers in a second. */
const SIZES = [3, 60] as const;
type Size = (typeof SIZES)[number];
const PER_SECOND: Readonly<Record<Size, number>> = { 3: 200, 60: 50 };

/** A webhook under load. */
interface Target {
  readonly pid: number;
  readonly sender: ReviewSender;
}

interface Load {
  /** For each review, of the webhook's process. */
  readonly cpuMs: number;
  readonly p99: number;
}

/** Measures reviews of pods with 3 and 60 containers. */
export async function compareAdmission({
  programs,
  directory,
  rounds,
  progress,
}: Bench): Promise<readonly RowSamples[]> {
  const { kubernetes, webhook } = programs.cluster;
  const own: Target = {
    pid: webhook.pid,
    sender: createReviewSender(webhook.ports["webhook"] ?? 0, registeredCa(kubernetes)),
  };
  const answers = await Promise.all(
    SIZES.map(async (size) => JSON.stringify([size, patchIn(await own.sender.post(reviewBody(size)))])),
  );
  const ca = createBareCa();
  const file = join(directory, "bare-webhook.json");
  ca.write(file, answers);
  const program = await startProgram(BARE_RUNTIME, "bare", [join(import.meta.dirname, "bare-webhook.ts"), file], {});
  const bare: Target = {
    pid: program.pid,
    sender: createReviewSender(program.ports["webhook"] ?? 0, ca.bundlePem),
  };
  const samples = new Map(SIZES.map((size) => [size, { cpu: [] as Pair[], p99: [] as Pair[] }]));
  // The first round only warms both; it is not counted.
  for (let round = 0; round <= rounds; round++) {
    progress(`admission, round ${round} of ${rounds}`);
    for (const [size, { cpu, p99 }] of samples) {
      const [reference, podrole] = [await offer(bare, size), await offer(own, size)];
      if (round === 0) continue;
      cpu.push({ reference: reference.cpuMs, podrole: podrole.cpuMs });
      p99.push({ reference: reference.p99, podrole: podrole.p99 });
    }
  }
  own.sender.close();
  bare.sender.close();
  await program.stop();
  return Array.from(samples).flatMap(([size, { cpu, p99 }]) => rowsOf(size, cpu, p99));
}

function rowsOf(size: Size, cpu: readonly Pair[], p99: readonly Pair[]): readonly RowSamples[] {
  const reference = "bare fastify over TLS that answers with the same patch";
  const what = `admission, ${PER_SECOND[size]} pods per second with ${size} containers`;
  return [
    {
      what: `${what}: CPU of each`,
      reference,
      unit: "ms",
      ratio: "reference ÷ podrole",
      target: { of: "ratio", atLeast: 0.5 },
      pairs: cpu,
    },
    {
      what: `${what}: p99`,
      reference,
      unit: "ms",
      ratio: "podrole ÷ reference",
      target: { of: "podrole", atMost: 20 },
      pairs: p99,
    },
  ];
}

/** Sends reviews at the rate, whether earlier ones are answered or not. */
async function offer({ pid, sender }: Target, size: Size): Promise<Load> {
  const body = reviewBody(size);
  const perSecond = PER_SECOND[size];
  const count = perSecond * SECONDS;
  const [latencies, waiting] = [[] as number[], [] as Promise<void>[]];
  const before = await cpuMs(pid);
  const startedAt = performance.now();
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, Math.ceil(((performance.now() - startedAt) / 1_000) * perSecond));
    for (; sent < due; sent++) {
      // From the time at which it is due, so that a late sender does not hide a slow webhook.
      const dueAt = startedAt + (sent / perSecond) * 1_000;
      waiting.push(sender.post(body).then(() => void latencies.push(performance.now() - dueAt)));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(waiting);
  return { cpuMs: ((await cpuMs(pid)) - before) / count, p99: quantile(latencies, 0.99) };
}

function reviewBody(size: number): string {
  const pod = annotatedPod({ "iam.amazonaws.com/role": "shop-orders" });
  const containers = Array.from({ length: size }, (_, index) => appContainer(index));
  return JSON.stringify(reviewOf({ ...pod, spec: { ...pod.spec, serviceAccountName: "default", containers } }));
}

/** About as large as users write them. */
function appContainer(index: number): Pod["spec"]["containers"][number] {
  return {
    name: `app-${index}`,
    image: `registry.example.com/shop/app-${index}:1.2.3`,
    env: Array.from({ length: 5 }, (_, number) => ({ name: `SETTING_${number}`, value: `value ${number}` })),
    resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
    volumeMounts: [{ name: "data", mountPath: "/data" }],
  };
}

function patchIn(answer: string): string {
  return (JSON.parse(answer) as { readonly response: { readonly patch: string } }).response.patch;
}
