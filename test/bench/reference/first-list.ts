// A server that starts in a cluster with many injected pods: its peak private memory while it lists them, and the time
// until it is ready. A page of the list is larger than what the server keeps of its pods.
import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesEmulator } from "../../../emulators/kubernetes/emulator.ts";
import type { KubeObject } from "../../../emulators/kubernetes/objects.ts";
import { POD_NAMESPACE } from "../../admitted-pod.ts";
import { groupedNumber } from "../../grouped-number.ts";
import { privateMegabytes } from "../sidecar/process.ts";
import type { Bench } from "./bench.ts";
import type { Pair, RowSamples } from "./results.ts";

const PODS = 20_000;
/** The slope between these and PODS is what a pod costs. */
const FEW_PODS = 5_000;
const NAMESPACES = 2_000;
const POD_BYTES = 8_000;
/** The estimate for this many pods, by slope. */
const MOST_PODS = 100_000;
const SAMPLE_MS = 10;
/** What the list needed may be freed only after it. */
const SETTLE_MS = 2_000;

interface Start {
  readonly peakMegabytes: number;
  /** A while after the list. */
  readonly keptMegabytes: number;
  readonly seconds: number;
}

/** Measures starts with 20 000 pods in 2 000 namespaces, and with a quarter of the pods. */
export async function compareFirstLists(bench: Bench): Promise<readonly RowSamples[]> {
  const { kubernetes } = bench.programs.cluster;
  const template = (await bench.programs.createPod({ name: "template", roles: { app: "shop-orders" } })).name;
  createNamespaces(kubernetes);
  const names = createPods(kubernetes, kubernetes.store.get("pods", POD_NAMESPACE, template));
  const starts = await measureStarts(bench, PODS);
  for (const { namespace, name } of names.slice(FEW_PODS)) kubernetes.store.remove("pods", namespace, name);
  const few = await measureStarts(bench, FEW_PODS);
  const slope = (index: number) =>
    ((starts[index]?.peakMegabytes ?? 0) - (few[index]?.peakMegabytes ?? 0)) / (PODS - FEW_PODS);
  const what = `server that starts with ${groupedNumber(PODS)} pods of ${POD_BYTES / 1_000} kB in ${groupedNumber(NAMESPACES)} namespaces`;
  const pairs = (value: (start: Start, index: number) => Pair) => starts.map(value);
  return [
    {
      what: `${what}: peak private memory`,
      reference: "its private memory two seconds after the list",
      unit: "MB",
      ratio: "podrole ÷ reference",
      target: { of: "podrole", atMost: 200 },
      pairs: pairs(({ keptMegabytes, peakMegabytes }) => ({ reference: keptMegabytes, podrole: peakMegabytes })),
    },
    {
      what: `${what}: until it is ready`,
      reference: `a start with ${groupedNumber(FEW_PODS)} pods`,
      unit: "s",
      ratio: "podrole ÷ reference",
      target: { of: "podrole", atMost: 15 },
      pairs: pairs(({ seconds }, index) => ({ reference: few[index]?.seconds ?? 0, podrole: seconds })),
    },
    {
      what: `server that starts with ${groupedNumber(MOST_PODS)} such pods: peak private memory, by slope`,
      reference: `a start with ${groupedNumber(PODS)} pods`,
      unit: "MB",
      ratio: "podrole ÷ reference",
      pairs: pairs(({ peakMegabytes }, index) => ({
        reference: peakMegabytes,
        podrole: peakMegabytes + slope(index) * (MOST_PODS - PODS),
      })),
    },
  ];
}

async function measureStarts({ programs, rounds, progress }: Bench, pods: number): Promise<readonly Start[]> {
  const starts: Start[] = [];
  for (let round = 0; round <= rounds; round++) {
    progress(`first list of ${groupedNumber(pods)} pods, round ${round} of ${rounds}`);
    const start = await measureStart(programs.cluster);
    if (round > 0) starts.push(start);
  }
  return starts;
}

async function measureStart(cluster: Bench["programs"]["cluster"]): Promise<Start> {
  const startedAt = performance.now();
  const server = await cluster.startServer();
  const url = `http://127.0.0.1:${server.ports["pages"]}/readyz`;
  let peakMegabytes = 0;
  const sampleUntil = async (isOver: () => Promise<boolean>) => {
    while (!(await isOver())) {
      peakMegabytes = Math.max(peakMegabytes, await privateMegabytes(server.pid));
      await sleep(SAMPLE_MS);
    }
  };
  // The server may just have closed the connection that is used again: then the next look opens another.
  await sampleUntil(() =>
    fetch(url).then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  const readyAt = performance.now();
  await sampleUntil(async () => performance.now() > readyAt + SETTLE_MS);
  const keptMegabytes = await privateMegabytes(server.pid);
  await server.stop();
  return { peakMegabytes, keptMegabytes, seconds: (readyAt - startedAt) / 1_000 };
}

function createNamespaces({ store }: KubernetesEmulator): void {
  const { metadata } = store.get("namespaces", undefined, POD_NAMESPACE);
  for (let index = 0; index < NAMESPACES; index++) {
    const { labels = {}, annotations = {} } = metadata;
    store.create("namespaces", { metadata: { name: namespaceName(index), labels, annotations } });
  }
}

/** Creates copies of an injected pod, larger by an annotation that podrole does not read. */
function createPods({ store }: KubernetesEmulator, template: KubeObject) {
  const padding = "x".repeat(Math.max(0, POD_BYTES - JSON.stringify(template).length));
  return Array.from({ length: PODS }, (_, index) => {
    const [name, namespace] = [`orders-${index}`, namespaceName(index % NAMESPACES)];
    const { labels = {}, annotations = {} } = template.metadata;
    const metadata = { name, namespace, labels, annotations: { ...annotations, "example.com/padding": padding } };
    store.create("pods", { ...template, metadata });
    return { name, namespace };
  });
}

function namespaceName(index: number): string {
  return `team-${index}`;
}
