// npm run dashboard: draws the Grafana dashboard as an HTML page, without Grafana. By default it starts podrole under a
// small load on loopback and its own Prometheus (Debian package `prometheus`); with --prometheus URL it draws the data
// of that Prometheus. --png FILE also takes a screenshot with Chromium (Debian package `chromium`).
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { startScript } from "../../../scripts/command-line/start-script.ts";
import { ROOT } from "../../files.ts";
import { createLoad } from "./load.ts";
import { drawPage } from "./page.ts";
import { startPrometheus } from "./prometheus.ts";

const RULES = join(ROOT, "manifests/dashboards/alerts.yaml");

const { values } = startScript("dashboard");
const minutes = values.minutes ?? (values.prometheus === undefined ? 4 : 180);
const stopped = new AbortController();
process.once("SIGINT", () => stopped.abort());
process.once("SIGTERM", () => stopped.abort());

const directory = await mkdtemp(join(tmpdir(), "podrole-dashboard-"));
try {
  if (values.prometheus === undefined) await drawUnderLoad(directory);
  else await draw(values.prometheus, { end: Date.now() / 1000, seconds: minutes * 60, scrapeSeconds: 30 }, directory);
} finally {
  await rm(directory, { recursive: true, force: true });
}
process.exit();

async function drawUnderLoad(directory: string): Promise<void> {
  console.error("starting two servers, a webhook and four pods");
  const load = await createLoad();
  const prometheus = await startPrometheus(directory, load.targets, RULES).catch(async (error: unknown) => {
    await load.close();
    throw error;
  });
  try {
    const report = (text: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
    await load.run(minutes * 60, report, stopped.signal);
    if (stopped.signal.aborted) return;
    await draw(prometheus.url, { end: Date.now() / 1000, seconds: minutes * 60, scrapeSeconds: 1 }, directory);
  } finally {
    await prometheus.stop();
    await load.close();
  }
}

async function draw(
  url: string,
  { end, seconds, scrapeSeconds }: { readonly end: number; readonly seconds: number; readonly scrapeSeconds: number },
  directory: string,
): Promise<void> {
  const step = Math.max(scrapeSeconds, Math.round(seconds / 200));
  const last = Math.floor(end / step) * step;
  const range = { start: last - Math.floor(seconds / step) * step, end: last, step };
  const page = await drawPage({ url, range, rateSeconds: Math.max(4 * scrapeSeconds, 3 * step, 10) });
  await writeFile(values.out, page.html);
  console.error(`wrote ${values.out}`);
  if (values.png === undefined) return;
  const { error, status, stderr } = spawnSync(
    "chromium",
    [
      ...[
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--hide-scrollbars",
        "--force-device-scale-factor=0.8",
      ],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
      ...[`--user-data-dir=${join(directory, "chromium")}`, `--window-size=1420,${page.height}`],
      ...[`--screenshot=${resolve(values.png)}`, pathToFileURL(resolve(values.out)).href],
    ],
    { encoding: "utf8", timeout: 60_000 },
  );
  if (error || status !== 0) {
    console.error(
      `Cannot take a screenshot: chromium failed (${error?.message ?? stderr}); expected Debian's package "chromium"`,
    );
    process.exitCode = 1;
  } else console.error(`wrote ${values.png}`);
}
