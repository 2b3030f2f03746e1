// npm run bench:cpu: CPU time of a sidecar's start and of a renewal, user and system, beside the same number of Node
// processes that do nothing. Each start has a cgroup of its own (needs root), so other load on the machine changes
// little. `-- --starts 5` measures fewer starts. The programs are the bundles of the images, with the images' flags.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { renewalFlags } from "../../../src/sidecar/node-flags.ts";
import { type Cgroup, createCgroup } from "../../cgroup.ts";
import { ROOT } from "../../files.ts";
import { FROM_SOURCES, openPrograms, type Programs } from "../../programs.ts";
import { type Distribution, distributionOf } from "./distribution.ts";

const MEMORY = 512 * 1024 * 1024;
/** As in Dockerfile.sidecar. */
const ENTRYPOINT = [
  "--disable-sigusr1",
  "--use-openssl-ca",
  "--max-semi-space-size=1",
  join(ROOT, "dist/sidecar/main.cjs"),
];

interface Times {
  /** Three `node -e 0`. */
  readonly reference: number;
  /** Serving process and hook, of which the hook does the first renewal, until the hook has ended. */
  readonly start: number;
  /** One more renewal. */
  readonly renewal: number;
}

/** Writes a script that joins the groups named by the variable CGROUP_FILES and becomes Node. */
function writeLauncher(directory: string): string {
  const path = join(directory, "in-group.sh");
  writeFileSync(
    path,
    `#!/bin/sh\nfor file in $CGROUP_FILES; do echo $$ > $file; done\nexec ${process.execPath} "$@"\n`,
  );
  chmodSync(path, 0o755);
  return path;
}

async function measureOne(programs: Programs, launcher: string, index: number): Promise<Times> {
  const group = createCgroup(`podrole-bench-${process.pid}-${index}`, { bytes: MEMORY });
  const env = { CGROUP_FILES: group.joinFiles.join(" ") };
  const since = counter(group);
  for (let count = 0; count < 3; count++) spawnSync(launcher, ["-e", "0"], { env });
  const reference = since();
  const pod = await programs.createPod({ name: `app-${index}`, roles: { app: "shop-app" } });
  since();
  const sidecar = await programs.startSidecar(pod, { waits: false, env });
  const code = await sidecar.run("wait");
  if (code !== 0) throw new RangeError(`Cannot measure: the hook ended with ${code}; expected 0`);
  const start = since();
  await sidecar.run("renew", renewalFlags);
  const renewal = since();
  await sidecar.close();
  group.remove();
  return { reference, start, renewal };
}

/** Returns a function that returns the group's CPU milliseconds since its last call. */
function counter(group: Cgroup): () => number {
  let last = group.usage().cpuMs;
  return () => {
    const before = last;
    last = group.usage().cpuMs;
    return last - before;
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { starts: { type: "string", default: "12" } } });
  const starts = Number(values.starts);
  if (!Number.isInteger(starts) || starts < 1)
    throw new RangeError(`Cannot measure: --starts is ${values.starts}; expected an integer of at least 1`);
  const build = spawnSync(process.execPath, [join(ROOT, "scripts/build.ts")], { encoding: "utf8" });
  if (build.status !== 0) throw new RangeError(`Cannot build the bundles: ${build.stderr}`);
  const directory = mkdtempSync(join(tmpdir(), "podrole-bench-"));
  const launcher = writeLauncher(directory);
  const programs = await openPrograms({
    launch: { ...FROM_SOURCES, sidecar: { execPath: launcher, args: ENTRYPOINT } },
    roles: ["shop-app"],
  });
  const all: Times[] = [];
  try {
    // The first start only warms the server and file caches; it is not counted.
    for (let index = 0; index <= starts; index++) {
      const times = await measureOne(programs, launcher, index);
      if (index > 0) all.push(times);
    }
  } finally {
    await programs.close();
    rmSync(directory, { recursive: true, force: true });
  }
  report(all);
}

function report(all: readonly Times[]): void {
  const rows: Record<string, Distribution & { readonly ratio?: number }> = {};
  const median = (values: readonly number[]) => distributionOf(values).median;
  const reference = all.map((times) => times.reference);
  rows["three times node -e 0"] = distributionOf(reference);
  for (const [name, key] of [
    ["serve, and the hook with the first renewal", "start"],
    ["one renewal", "renewal"],
  ] as const) {
    const values = all.map((times) => times[key]);
    const ratio = Math.round((median(values) / median(reference)) * 100) / 100;
    rows[name] = { ...distributionOf(values), ratio };
  }
  console.log(`CPU ms of ${all.length} starts; ${cpus().length} cores, load ${(loadavg()[0] ?? 0).toFixed(1)}`);
  console.table(rows);
}

await main();
