// Faults of files and descriptors: what a sidecar writes and reads, and how many files a program may open. Mounts and
// limits of other processes need root.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { RunningProgram } from "../../../emulators/start-program.ts";
import { until } from "../../../emulators/until.ts";
import type { RunningSidecar } from "../../programs.ts";
import type { End, FaultRow } from "../row.ts";
import { FAULT_ROLE, type FaultWorld } from "../world.ts";

/** At least one renewal of a session of 30 s falls into it. */
const LASTS_MS = 18_000;
/** A full volume. */
const VOLUME_BYTES = 64 * 1024;

function identityOf({ directory }: RunningSidecar): string {
  return join(directory, "identity");
}

function mount(...args: readonly string[]): void {
  execFileSync("mount", args);
}

/** Nothing can be written to the sidecar's memory volume. */
function readOnly({ app }: FaultWorld): End {
  const directory = identityOf(app);
  mount("--bind", directory, directory);
  mount("-o", "remount,ro,bind", directory);
  return () => void execFileSync("umount", [directory]);
}

/** The sidecar's memory volume has no room; then it has what it had before the fault. */
function full({ app }: FaultWorld): End {
  const directory = identityOf(app);
  const copy = mkdtempSync(join(tmpdir(), "podrole-identity-"));
  cpSync(directory, copy, { recursive: true });
  mount("-t", "tmpfs", "-o", `size=${VOLUME_BYTES}`, "tmpfs", directory);
  cpSync(copy, directory, { recursive: true });
  try {
    for (let index = 0; ; index++) writeFileSync(join(directory, `filler-${index}`), Buffer.alloc(1024));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
  rmSync(copy, { recursive: true, force: true });
  return () => void execFileSync("umount", [directory]);
}

/** Returns the number that the next file would get. */
function nextDescriptor(pid: number): number {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let next = 0;
  while (open.has(next)) next += 1;
  return next;
}

/** A process may open no more files than it has open. */
function outOfFiles(programs: readonly RunningProgram[]): End {
  const before = programs.map(({ pid }) => {
    const soft = /^Max open files +(\d+) +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, "utf8"));
    execFileSync("prlimit", ["--pid", String(pid), `--nofile=${nextDescriptor(pid)}:${soft?.[2]}`]);
    return { pid, limit: `${soft?.[1]}:${soft?.[2]}` };
  });
  return () => {
    for (const { pid, limit } of before) execFileSync("prlimit", ["--pid", String(pid), `--nofile=${limit}`]);
  };
}

/** System calls that need an entry in the machine's table of open files. */
const OPENING_CALLS = "openat,socket,accept4,pipe2,socketpair";

/** The machine has no room for one more open file (ENFILE), as a process sees it; that of others is not touched. */
async function machineOutOfFiles(programs: readonly RunningProgram[]): Promise<End> {
  const tracers = programs.map(({ pid }) => {
    const inject = `inject=${OPENING_CALLS}:error=ENFILE`;
    const args = ["-f", "-qq", "-o", "/dev/null", "-e", inject, "-p", String(pid)];
    // Without strace nothing is attached, which the message below says.
    return spawn("strace", args, { stdio: "ignore" }).on("error", () => {});
  });
  const isTraced = ({ pid }: RunningProgram) => !/^TracerPid:\s*0$/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  await until(() => programs.every(isTraced), "strace (Debian: strace) is attached to every process");
  return async () => {
    const ended = tracers.map((tracer) => once(tracer, "exit"));
    for (const tracer of tracers) tracer.kill("SIGINT");
    await Promise.all(ended);
  };
}

/** Looks for processes so often. */
const LOOK_MS = 10;
/** A renewal takes about as long. */
const KILL_WITHIN_MS = 600;

/** Kills each process of a renewal at a random moment: while it starts, calls the server, or writes. */
function killRenewals({ app }: FaultWorld): End {
  const { pid } = app.program;
  const doomed = new Set<number>();
  function look(): void {
    for (const child of childrenOf(pid)) {
      if (doomed.has(child)) continue;
      doomed.add(child);
      setTimeout(() => kill(child), Math.random() * KILL_WITHIN_MS);
    }
  }
  const looking = setInterval(look, LOOK_MS);
  return () => clearInterval(looking);
}

/** Several renewals of sessions of 30 s fall into it. */
const KILLS_LAST_MS = 60_000;

/**
 * Kills a container at a random moment of each renewal, with the process that may be writing, and starts it again with
 * the files that are left, as a kubelet does.
 */
function killContainers(): Pick<FaultRow, "begin" | "isHealed"> {
  let isServing = false;
  async function live({ programs }: FaultWorld, signal: AbortSignal): Promise<void> {
    const pod = await programs.createPod({ name: `killed-${Date.now()}`, roles: { app: FAULT_ROLE } });
    for (;;) {
      const { program } = await programs.startSidecar(pod);
      isServing = true;
      while (childrenOf(program.pid).length === 0) {
        if (signal.aborted) return;
        await delay(LOOK_MS);
      }
      await delay(Math.random() * KILL_WITHIN_MS);
      isServing = false;
      for (const pid of [...childrenOf(program.pid), program.pid]) kill(pid);
    }
  }
  return {
    isHealed: () => isServing,
    begin(world) {
      const ending = new AbortController();
      // A container that does not start again leaves the row unhealed.
      live(world, ending.signal).catch((error: unknown) => console.error(error));
      return () => ending.abort();
    },
  };
}

function childrenOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.split(" ").flatMap((text) => (text === "" ? [] : Number(text)));
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/** The files are there, and nobody may read them; root's processes may, unless they lack the capability (world.ts). */
function unreadable({ app }: FaultWorld): End {
  const directory = identityOf(app);
  const files = ["identity.pem", "bundle.pem", "credentials.json"].map((name) => join(directory, name));
  for (const file of files) if (existsSync(file)) chmodSync(file, 0);
  return () => {
    for (const file of files) if (existsSync(file)) chmodSync(file, 0o600);
  };
}

/** A directory in which nothing can be read or written. */
function locked({ app }: FaultWorld): End {
  chmodSync(identityOf(app), 0);
  return () => chmodSync(identityOf(app), 0o700);
}

export const FILE_ROWS: readonly FaultRow[] = [
  {
    id: "files-directory",
    title: "Sidecar: a directory stands where credentials.json belongs",
    begin: ({ app }) => {
      const file = join(identityOf(app), "credentials.json");
      rmSync(file, { force: true });
      mkdirSync(file);
      return () => rmSync(file, { recursive: true, force: true });
    },
    lastsMs: LASTS_MS,
    newcomer: "served",
  },
  {
    id: "files-away",
    title: "Sidecar: the directory of its identity is gone, and back",
    begin: ({ app }) => {
      const directory = identityOf(app);
      renameSync(directory, `${directory}.away`);
      return () => {
        rmSync(directory, { recursive: true, force: true });
        renameSync(`${directory}.away`, directory);
        chmodSync(directory, 0o700);
      };
    },
    lastsMs: LASTS_MS,
    newcomer: "served",
  },
  {
    id: "files-read-only",
    title: "Sidecar: its memory volume is read-only",
    begin: readOnly,
    lastsMs: LASTS_MS,
    newcomer: "served",
    log: { from: "sidecar", pattern: /EROFS|read-only/i },
  },
  {
    id: "files-full",
    title: "Sidecar: its memory volume is full",
    begin: full,
    lastsMs: LASTS_MS,
    newcomer: "served",
    log: { from: "sidecar", pattern: /ENOSPC|no space/i },
  },
  {
    id: "files-mode",
    title: "Sidecar: no process may read the files of its identity",
    begin: unreadable,
    lastsMs: LASTS_MS,
    newcomer: "served",
    log: { from: "sidecar", pattern: /cannot be read/ },
  },
  {
    id: "files-directory-mode",
    title: "Sidecar: no process may enter the directory of its identity",
    begin: locked,
    lastsMs: LASTS_MS,
    newcomer: "served",
    log: { from: "sidecar", pattern: /EACCES|permission denied/i },
  },
  {
    id: "proof-gone",
    title: "Sidecar: the ServiceAccount token is gone, and back",
    begin: ({ app }) => {
      const file = join(app.directory, "proof");
      renameSync(file, `${file}.away`);
      return () => renameSync(`${file}.away`, file);
    },
    newcomer: "served",
  },
  {
    id: "renewals-killed",
    title: "Sidecar: each process of a renewal is killed at a random moment",
    begin: killRenewals,
    lastsMs: LASTS_MS,
    newcomer: "served",
  },
  {
    id: "container-killed",
    title: "Sidecar: its container is killed at a random moment of each renewal, and started again",
    ...killContainers(),
    lastsMs: KILLS_LAST_MS,
    newcomer: "served",
  },
  {
    id: "files-server",
    title: "All servers: out of file descriptors",
    begin: ({ servers }) => outOfFiles(servers),
    newcomer: "waits",
  },
  {
    id: "files-sidecar",
    title: "Sidecar: out of file descriptors",
    begin: ({ app }) => outOfFiles([app.program]),
    appFails: "its own sidecar accepts no connection",
    newcomer: "served",
  },
  {
    id: "machine-files-server",
    title: "All servers: their machine is out of file descriptors (ENFILE)",
    begin: ({ servers }) => machineOutOfFiles(servers),
    newcomer: "waits",
  },
  {
    id: "machine-files-sidecar",
    title: "Sidecar: its machine is out of file descriptors (ENFILE)",
    begin: ({ app }) => machineOutOfFiles([app.program]),
    appFails: "its own sidecar accepts no connection",
    newcomer: "served",
  },
];
