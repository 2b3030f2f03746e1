// Starts a Prometheus (Debian package `prometheus`) on loopback, and sends the two kinds of queries of its HTTP API
// that a dashboard needs (https://prometheus.io/docs/prometheus/latest/querying/api/).
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { until } from "../../../emulators/until.ts";
import { freePort } from "../../loopback.ts";

export interface ScrapeTarget {
  readonly job: string;
  /** host:port */
  readonly address: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Unix seconds and value; NaN if there is no value. */
  readonly points: readonly (readonly [number, number])[];
}

export interface Range {
  /** Unix seconds. */
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

export interface Prometheus {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Scrapes the targets every second and evaluates the alert rules. Throws RangeError if Prometheus cannot be started.
 */
export async function startPrometheus(
  directory: string,
  targets: readonly ScrapeTarget[],
  rules: string,
): Promise<Prometheus> {
  const jobs = Map.groupBy(targets, ({ job }) => job);
  const config = {
    global: { scrape_interval: "1s", evaluation_interval: "5s" },
    rule_files: [rules],
    scrape_configs: Array.from(jobs, ([job_name, group]) => ({
      job_name,
      static_configs: group.map(({ address, labels = {} }) => ({ targets: [address], labels })),
    })),
  };
  const file = join(directory, "prometheus.yaml");
  await writeFile(file, stringify(config));
  const address = `127.0.0.1:${await freePort()}`;
  const args = [`--config.file=${file}`, `--storage.tsdb.path=${join(directory, "tsdb")}`, "--log.level=error"];
  const child = spawn("prometheus", [...args, `--web.listen-address=${address}`], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const errors: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
  const failed = once(child, "error").then(([error]) => {
    throw new RangeError(
      `Cannot start prometheus: ${(error as Error).message}; expected Debian's package "prometheus", or --prometheus URL of a running one`,
    );
  });
  failed.catch(() => {});
  const url = `http://${address}`;
  const ready = until(async () => {
    if (child.exitCode !== null) throw new RangeError(`prometheus exited with ${child.exitCode}: ${errors.join("")}`);
    return fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }, "prometheus is ready");
  await Promise.race([ready, failed]);
  return {
    url,
    async stop() {
      if (child.exitCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function query(url: string, path: string, parameters: Readonly<Record<string, string>>) {
  const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
  const { status, data, error } = (await response.json()) as {
    status: string;
    error?: string;
    data: { result: { metric: Record<string, string>; value: [number, string]; values: [number, string][] }[] };
  };
  if (status !== "success") throw new RangeError(`Prometheus rejected ${parameters["query"]}: ${error}`);
  return data.result;
}

/** Resolves with the series of a range query, as a graph shows them. */
export async function queryRange(url: string, expr: string, { start, end, step }: Range): Promise<readonly Series[]> {
  const parameters = { query: expr, start: String(start), end: String(end), step: String(step) };
  const result = await query(url, "query_range", parameters);
  return result.map(({ metric, values }) => ({
    labels: metric,
    points: values.map(([at, value]) => [at, Number(value)] as const),
  }));
}

/** Resolves with the value of an instant query; undefined if there is no sample. */
export async function queryNumber(url: string, expr: string, at: number): Promise<number | undefined> {
  const [first] = await query(url, "query", { query: expr, time: String(at) });
  return first === undefined ? undefined : Number(first.value[1]);
}
