// Reads the metrics pages of podrole's replicas (Prometheus exposition format 0.0.4), as samples by metric.

import type { Pod } from "../../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../../kubernetes/operator.ts";
import { matchesLabels } from "../../../kubernetes/selectors.ts";
import { parseObject } from "../../../runtime/json-object.ts";
import { type Deployment, deploymentOf, type Installed } from "../../installed.ts";
import { type Known, readEach, readKnown } from "../../known.ts";
import type { PodPages } from "../facts.ts";

/** One value of a metric, with its labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples by the name of the metric. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

const SAMPLE_LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const SAMPLE_LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Ignores lines that are not samples. */
export function parseSamples(text: string): Samples {
  const samples = new Map<string, Sample[]>();
  for (const line of text.split("\n")) {
    const [, name, labels = "", number] = SAMPLE_LINE.exec(line) ?? [];
    if (name === undefined || number === undefined) continue;
    const pairs = [...labels.matchAll(SAMPLE_LABEL)].map(([, key = "", value = ""]) => [key, value]);
    const known = samples.get(name) ?? [];
    known.push({ labels: Object.fromEntries(pairs), value: parseSampleValue(number) });
    samples.set(name, known);
  }
  return samples;
}

/** The samples of one metric; none if the page does not have it. */
export function gaugeSamples(samples: Samples, name: string): readonly Sample[] {
  return samples.get(name) ?? [];
}

function parseSampleValue(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  return text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
}

/** Port of the pages if the program's settings cannot be read. */
const USUAL_PORT = 8080;

/** Reads the metrics of every running pod of the two Deployments, at the port of the installed --pages-bind. */
export async function readMetricsPages(
  kubernetes: Pick<OperatorKubernetes, "readPage">,
  programs: Installed,
  deployments: Known<readonly Deployment[]>,
  ownPods: Known<readonly Pod[]>,
  namespace: string,
): Promise<readonly PodPages[]> {
  if ("unknown" in deployments || "unknown" in ownPods) return [];
  const running = (["server", "webhook"] as const).flatMap((program) => {
    const matchLabels = deploymentOf(program, deployments.value)?.spec.template.metadata.labels ?? {};
    if (Object.keys(matchLabels).length === 0) return [];
    return ownPods.value
      .filter(({ metadata, status }) => status?.phase === "Running" && metadata.deletionTimestamp === undefined)
      .filter(({ metadata }) => matchesLabels({ matchLabels }, metadata.labels))
      .map(({ metadata }) => ({ program, pod: metadata.name ?? "" }));
  });
  return readEach(running, async ({ program, pod }) => ({
    program,
    pod,
    samples: await readKnown(async () => {
      const port = programs[program]?.settings?.pagesBind.port ?? USUAL_PORT;
      const { status, text } = await kubernetes.readPage({ namespace, name: pod }, port, "/metrics");
      if (status !== 200) throw new Error(`Cannot read its metrics: HTTP ${status} ${messageOf(text)}; expected 200`);
      return parseSamples(text);
    }),
  }));
}

/** The message of the API server, if it answered instead of the pod. */
function messageOf(text: string): string {
  const message = parseObject(text)?.["message"];
  return typeof message === "string" ? message.slice(0, 200) : "";
}
