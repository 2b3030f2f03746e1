// What operators see of real programs: every metric of the tables in a real scrape, every value that alerts and
// dashboard query, and the worked examples of docs/audit.md, run again. One set-up: two pods that work, two that are
// refused.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { RunningPod } from "../../emulators/kubelet/node.ts";
import type { MetricTable } from "../../src/runtime/metrics.ts";
import { SERVER_METRICS } from "../../src/server/observability/metrics.ts";
import { SIDECAR_METRICS } from "../../src/sidecar/metrics.ts";
import { WEBHOOK_METRICS } from "../../src/webhook/metrics.ts";
import { ROOT } from "../files.ts";
import { readQueries, selectorsOf } from "../manifests/queries.ts";
import { createTemporaryDirectory } from "../temporary-files.ts";
import { cloudTrailFile } from "./cloudtrail.ts";
import { openShop, type Shop } from "./shop.ts";
import { readExamples, withoutVolatile, writeExamples } from "./worked-examples.ts";

const PAGE = join(ROOT, "docs/audit.md");
const ROLE = "iam.amazonaws.com/role";

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Parses samples of Prometheus' text format. */
function samplesOf(text: string): Sample[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, name = "", inner = ""] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? assert.fail(line);
      const labels = [...inner.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = "", value = ""]) => [label, value]);
      return { name, labels: Object.fromEntries(labels) as Record<string, string> };
    });
}

suite("what operators see", { timeout: 120_000 }, () => {
  let shop: Shop;
  const directory = createTemporaryDirectory({ after });
  let web: RunningPod;
  const scrapes = new Map<MetricTable, Sample[]>();
  before(async () => {
    shop = await openShop();
    await shop.namespace("shop");
    const orders = await shop.run("shop", "orders", { annotations: { [ROLE]: "shop-orders" }, image: "story/sdk:1" });
    assert.equal(await shop.phase(orders, "Succeeded", "Failed"), "Succeeded", orders.logs("app"));
    await shop.apply("shop", "intruder", { annotations: { [ROLE]: "payroll-admin" } });
    await shop.run("shop", "broken", { annotations: { [ROLE]: "shop-broken" } });
    await shop.line(shop.cluster.server, { audit: "credentials", pod: "broken", decision: "refused" });
    web = await shop.run("shop", "web", { annotations: { [ROLE]: "shop-web" } });
    await shop.phase(web, "Running");
    assert.equal((await shop.requestCredentials(web)).status, 200);
    const health = new URL(shop.endpointOf(web));
    health.port = String(Number(health.port) + 1);
    health.pathname = "/metrics";
    const sidecar = await (await fetch(health)).text();
    scrapes.set(SERVER_METRICS, samplesOf(await shop.metrics(shop.cluster.server)));
    scrapes.set(WEBHOOK_METRICS, samplesOf(await shop.metrics(shop.cluster.webhook)));
    scrapes.set(SIDECAR_METRICS, samplesOf(sidecar));
    await writeLogs(shop, directory);
  });
  after(() => shop?.close());

  for (const [name, table] of Object.entries({
    server: SERVER_METRICS,
    webhook: WEBHOOK_METRICS,
    sidecar: SIDECAR_METRICS,
  })) {
    test(`the ${name}'s scrape has every metric of its table with its labels, and no other podrole metric`, () => {
      const samples = (scrapes.get(table) ?? []).filter((sample) => sample.name.startsWith("podrole_"));
      const seen = new Set(samples.map((sample) => baseOf(sample.name, table)));
      assert.deepEqual(seen, new Set(Object.values(table as MetricTable).map((spec) => spec.name)));
      for (const sample of samples) {
        const spec = Object.values(table as MetricTable).find((row) => row.name === baseOf(sample.name, table));
        const expected = [...(spec?.labels ?? []), ...(sample.name.endsWith("_bucket") ? ["le"] : [])];
        assert.deepEqual(Object.keys(sample.labels).toSorted(), expected.toSorted(), sample.name);
      }
    });
  }

  test("every series that an alert or a panel queries is in a scrape, with the queried label values", () => {
    const samples = [...scrapes.values()].flat();
    for (const { origin, expr } of readQueries()) {
      for (const { metric, matchers } of selectorsOf(expr)) {
        const there = samples.filter(({ name }) => name === metric);
        assert.ok(there.length > 0, `${origin}: ${metric} is in no scrape`);
        for (const { label, values } of matchers) {
          // Codes appear at their first use and Prometheus adds the job; all other label values exist from the start.
          for (const value of values.filter((text) => label !== "job" && /^[a-z]+$/.test(text))) {
            assert.ok(
              there.some(({ labels }) => labels[label] === value),
              `${origin}: ${metric} has no ${label}="${value}"`,
            );
          }
        }
      }
    }
  });

  test("histograms of the credential path have observations", () => {
    const counts = new Set([...scrapes.values()].flat().map(({ name }) => name));
    for (const name of ["admission", "certificate", "credentials", "sts", "sidecar_request"]) {
      assert.ok(counts.has(`podrole_${name}_duration_seconds_count`), name);
    }
  });

  test("the worked examples of docs/audit.md print the page's output (UPDATE=1 rewrites the page)", () => {
    const examples = readExamples(PAGE, "podrole audit");
    assert.ok(examples.length >= 4, `${examples.length} examples`);
    const outputs = examples.map(({ command }) => run(directory, command));
    if (process.env["UPDATE"] === "1") writeExamples(PAGE, "podrole audit", outputs);
    const expected = readExamples(PAGE, "podrole audit").map(({ output }) => withoutVolatile(output));
    assert.deepEqual(outputs.map(withoutVolatile), expected);
  });
});

function baseOf(name: string, table: MetricTable): string {
  const names = new Set(Object.values(table).map((spec) => spec.name));
  return names.has(name) ? name : name.replace(/_(bucket|sum|count)$/, "");
}

/** Writes the logs as operators store them: podrole's with a rotated part, the API server's, CloudTrail's. */
async function writeLogs({ cluster }: Shop, directory: string): Promise<void> {
  const lines = [...cluster.webhook.lines, ...cluster.server.lines].map((line) => JSON.stringify(line));
  const half = Math.floor(lines.length / 2);
  const text = (some: readonly string[]) => some.map((line) => `${line}\n`).join("");
  await writeFile(join(directory, "podrole.log.1.gz"), gzipSync(text(lines.slice(0, half))));
  await writeFile(join(directory, "podrole.log"), text(lines.slice(half)));
  await writeFile(join(directory, "audit.log"), text(cluster.kubernetes.audit.map((event) => JSON.stringify(event))));
  await writeFile(join(directory, "trail.json.gz"), gzipSync(cloudTrailFile(cluster.sts.calls.list(), "eu-central-1")));
}

/** Runs a command line of the page. */
function run(directory: string, command: string): string {
  const [, ...args] = command.split(" ").filter(Boolean);
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "src/cli/main.ts"), ...args], {
    cwd: directory,
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "" },
  });
  assert.equal(status, 0, `${command}\n${stderr}`);
  return stdout;
}
