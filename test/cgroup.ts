// Limits as a kubelet sets them: one cgroup per program, of whichever version this machine has. Needs root.
// States of a group: created → removed (remove(), when its processes have ended).
// (https://docs.kernel.org/admin-guide/cgroup-v1/memory.html, https://docs.kernel.org/admin-guide/cgroup-v2.html)
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = "/sys/fs/cgroup";

/** What a group's processes have used. */
export interface Usage {
  /** Bytes that the kernel cannot reclaim without swapping: what a kubelet calls the working set. */
  readonly workingSet: number;
  /** Processes that the kernel killed because of the limit. */
  readonly killed: number;
  /** CPU time of all processes, milliseconds. */
  readonly cpuMs: number;
}

/** One group. */
export interface Cgroup {
  /** Files to which a process writes its id to join the group. */
  readonly joinFiles: readonly string[];
  usage(): Usage;
  remove(): void;
}

/**
 * Limits of a group: memory in bytes, by default none, and CPU time as a share of one core, by default all cores.
 * `isPreferred`: it gets CPU time before all other processes of the machine, so that a busy machine disturbs a
 * measurement little.
 */
export interface CgroupLimits {
  readonly bytes?: number;
  readonly cores?: number | undefined;
  readonly isPreferred?: boolean;
}

/** Creates a group with limits. Throws if this process may not. */
export function createCgroup(name: string, limits: CgroupLimits): Cgroup {
  return existsSync(join(ROOT, "cgroup.controllers")) ? createV2(name, limits) : createV1(name, limits);
}

/** As a kubelet sets it, in microseconds. */
const PERIOD_US = 100_000;
/** The largest ones; those of a group are 1024 and 100 by default. */
const MAX_SHARES_V1 = 262_144;
const MAX_WEIGHT_V2 = 10_000;

function createV1(name: string, { bytes, cores, isPreferred = false }: CgroupLimits): Cgroup {
  const [memory, cpu] = [join(ROOT, "memory", name), join(ROOT, "cpuacct", name)];
  const quota = cores === undefined && !isPreferred ? [] : [join(ROOT, "cpu", name)];
  for (const directory of [memory, cpu, ...quota]) mkdirSync(directory, { recursive: true });
  if (bytes !== undefined) writeFileSync(join(memory, "memory.limit_in_bytes"), String(bytes));
  for (const directory of quota) {
    if (isPreferred) writeFileSync(join(directory, "cpu.shares"), String(MAX_SHARES_V1));
    if (cores === undefined) continue;
    writeFileSync(join(directory, "cpu.cfs_period_us"), String(PERIOD_US));
    writeFileSync(join(directory, "cpu.cfs_quota_us"), String(Math.round(cores * PERIOD_US)));
  }
  return {
    joinFiles: [memory, cpu, ...quota].map((directory) => join(directory, "cgroup.procs")),
    usage: () => ({
      workingSet: Math.max(
        0,
        numberIn(join(memory, "memory.usage_in_bytes")) - field(join(memory, "memory.stat"), "total_inactive_file"),
      ),
      killed: field(join(memory, "memory.oom_control"), "oom_kill"),
      cpuMs: numberIn(join(cpu, "cpuacct.usage")) / 1e6,
    }),
    remove: () => [memory, cpu, ...quota].forEach(removeGroup),
  };
}

function createV2(name: string, { bytes, cores, isPreferred = false }: CgroupLimits): Cgroup {
  appendFileSync(join(ROOT, "cgroup.subtree_control"), "+memory +cpu");
  const directory = join(ROOT, name);
  mkdirSync(directory, { recursive: true });
  if (bytes !== undefined) writeFileSync(join(directory, "memory.max"), String(bytes));
  if (isPreferred) writeFileSync(join(directory, "cpu.weight"), String(MAX_WEIGHT_V2));
  if (cores !== undefined) writeFileSync(join(directory, "cpu.max"), `${Math.round(cores * PERIOD_US)} ${PERIOD_US}`);
  if (existsSync(join(directory, "memory.swap.max"))) writeFileSync(join(directory, "memory.swap.max"), "0");
  return {
    joinFiles: [join(directory, "cgroup.procs")],
    usage: () => ({
      workingSet: Math.max(
        0,
        numberIn(join(directory, "memory.current")) - field(join(directory, "memory.stat"), "inactive_file"),
      ),
      killed: field(join(directory, "memory.events"), "oom_kill"),
      cpuMs: field(join(directory, "cpu.stat"), "usage_usec") / 1000,
    }),
    remove: () => removeGroup(directory),
  };
}

/**
 * Gives this process, and the children that it starts from now on, CPU time before the rest of the machine; returns a
 * function that ends it.
 */
export function preferThisProcess(name: string): () => void {
  const group = createCgroup(name, { isPreferred: true });
  for (const file of group.joinFiles) writeFileSync(file, String(process.pid));
  return () => {
    // A group can be removed once it is empty.
    for (const file of group.joinFiles) writeFileSync(join(dirname(file), "..", "cgroup.procs"), String(process.pid));
    group.remove();
  };
}

function removeGroup(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // A process that was just killed may not have left yet; an empty group costs nothing.
  }
}

function numberIn(file: string): number {
  return Number(readFileSync(file, "utf8"));
}

/** The number after `name` in a file of lines "name number"; 0 if it has none. */
function field(file: string, name: string): number {
  const line = readFileSync(file, "utf8")
    .split("\n")
    .find((one) => one.startsWith(`${name} `));
  return Number(line?.split(" ")[1] ?? 0);
}
