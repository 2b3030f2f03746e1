// Samples of a metrics page (Prometheus exposition format 0.0.4), as podrole's programs write it.

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export type Samples = ReadonlyMap<string, readonly Sample[]>;

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Ignores lines that are not samples. */
export function parseSamples(text: string): Samples {
  const samples = new Map<string, Sample[]>();
  for (const line of text.split("\n")) {
    const [, name, labels = "", number] = LINE.exec(line) ?? [];
    if (name === undefined || number === undefined) continue;
    const pairs = [...labels.matchAll(LABEL)].map(([, key = "", value = ""]) => [key, value]);
    const known = samples.get(name) ?? [];
    known.push({ labels: Object.fromEntries(pairs), value: toNumber(number) });
    samples.set(name, known);
  }
  return samples;
}

/** The samples of one metric; none if the page does not have it. */
export function gauge(samples: Samples, name: string): readonly Sample[] {
  return samples.get(name) ?? [];
}

function toNumber(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  return text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
}
