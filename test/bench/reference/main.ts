// npm run bench:reference: what podrole costs beside the smallest program that does the same, in one run: the sidecar's
// memory and speed, a renewal's memory, the server's CPU for each call, its start in a large cluster, and admission.
// Server, webhook and sidecar are the bundles of the images; the Kubernetes API and STS are emulators in this process.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startScript } from "../../../scripts/command-line/start-script.ts";
import { ROOT } from "../../files.ts";
import { FROM_SOURCES, openPrograms } from "../../programs.ts";
import { compareFigures, figuresNow } from "../figures.ts";
import { compareAdmission } from "./admission.ts";
import type { Bench } from "./bench.ts";
import { compareFirstLists } from "./first-list.ts";
import {
  mergeRows,
  type ReferenceRow,
  type RowSamples,
  referenceFigures,
  referenceResults,
  rowOf,
  targetText,
} from "./results.ts";
import { compareServer } from "./server.ts";
import { compareSidecar } from "./sidecar.ts";

type PartName = "sidecar" | "server" | "admission" | "list";

const PARTS: Readonly<Record<PartName, (bench: Bench) => Promise<readonly RowSamples[]>>> = {
  sidecar: compareSidecar,
  server: compareServer,
  admission: compareAdmission,
  list: compareFirstLists,
};

async function measureParts(names: readonly PartName[], rounds: number): Promise<readonly RowSamples[]> {
  const build = spawnSync(process.execPath, [join(ROOT, "scripts/build.ts")], { encoding: "utf8" });
  if (build.status !== 0) throw new RangeError(`Cannot build the bundles: ${build.stderr}`);
  const directory = mkdtempSync(join(tmpdir(), "podrole-reference-"));
  const cli = { execPath: process.execPath, entry: join(ROOT, "dist/server/podrole.js") };
  const programs = await openPrograms({ launch: { ...FROM_SOURCES, cli }, roles: ["shop-orders"] });
  const progress = (text: string) => process.stderr.write(`${text}\n`);
  const samples: RowSamples[] = [];
  try {
    for (const name of names) samples.push(...(await PARTS[name]({ programs, directory, rounds, progress })));
  } finally {
    await programs.close();
    rmSync(directory, { recursive: true, force: true });
  }
  return samples;
}

function printRows(rows: readonly ReferenceRow[]): void {
  for (const row of rows) {
    const { what, unit, referenceValue, podroleValue, ratio, isMet } = row;
    const met = isMet === undefined ? "" : isMet ? ", met" : ", not met";
    console.log(`${what}: ${podroleValue} ${unit}, reference ${referenceValue}: ${ratio} (${targetText(row)}${met})`);
  }
}

async function main(): Promise<void> {
  const { rounds, only = Object.keys(PARTS) as PartName[], publish } = startScript("bench:reference").values;
  const samples = await measureParts(only, rounds);
  const run = figuresNow([]);
  const rows = samples.map((one) => rowOf(one, run));
  printRows(rows);
  const published = referenceResults.find();
  const all = mergeRows(published?.rows ?? [], rows);
  for (const line of compareFigures(published, referenceFigures(all))) console.log(line);
  if (publish) referenceResults.write({ ...run, figures: referenceFigures(all), rows: all });
  process.exitCode = rows.some(({ isMet }) => isMet === false) ? 1 : 0;
}

await main();
