// npm run dashboard: the Grafana dashboard as a page, without Grafana. By itself it brings up podrole under a small load
// on loopback with a Prometheus of its own (Debian package `prometheus`); with --prometheus URL it draws what that one
// has. --png FILE takes a picture with Chromium (Debian package `chromium`).
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { buildScenery } from "./load.ts";
import { drawPage } from "./page.ts";
import { startPrometheus } from "./prometheus.ts";

const RULES = join(import.meta.dirname, "../../../manifests/dashboards/alerts.yaml");

const HELP = `npm run dashboard -- [--prometheus URL] [--minutes N] [--out FILE] [--png FILE]
  --prometheus URL  draw what this Prometheus has; without: podrole under load here, with a Prometheus of its own
  --minutes N       how long to look back, or to run the load (default 180, or 4)
  --out FILE        the page (default dashboard.html)
  --png FILE        also a picture of it, by chromium
`;

const { values } = parseArgs({
  options: {
    prometheus: { type: "string" },
    minutes: { type: "string" },
    out: { type: "string", default: "dashboard.html" },
    png: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const minutes = Number(values.minutes ?? (values.prometheus === undefined ? 4 : 180));
const stopped = new AbortController();
process.once("SIGINT", () => stopped.abort());
process.once("SIGTERM", () => stopped.abort());

if (values.help) console.log(HELP);
else if (!(minutes > 0 && minutes <= 10_000)) {
  console.error(`--minutes: ${JSON.stringify(values.minutes)} is not a number of minutes such as 4\n\n${HELP}`);
  process.exitCode = 2;
} else {
  const directory = await mkdtemp(join(tmpdir(), "podrole-dashboard-"));
  try {
    if (values.prometheus === undefined) await drawHere(directory);
    else await draw(values.prometheus, { end: Date.now() / 1000, seconds: minutes * 60, scrapeSeconds: 30 }, directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  process.exit();
}

async function drawHere(directory: string): Promise<void> {
  console.error("bringing up two servers, a webhook and four pods");
  const scenery = await buildScenery();
  const prometheus = await startPrometheus(directory, scenery.targets, RULES).catch(async (error: unknown) => {
    await scenery.close();
    throw error;
  });
  try {
    const say = (text: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
    await scenery.run(minutes * 60, say, stopped.signal);
    if (stopped.signal.aborted) return;
    await draw(prometheus.url, { end: Date.now() / 1000, seconds: minutes * 60, scrapeSeconds: 1 }, directory);
  } finally {
    await prometheus.stop();
    await scenery.close();
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
    console.error(`chromium took no picture (${error?.message ?? stderr}): it is in Debian's package "chromium"`);
    process.exitCode = 1;
  } else console.error(`wrote ${values.png}`);
}
