// A process under measurement: start until the first answer, private memory, CPU time.
import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type LoadTarget, runLoad } from "./load.ts";

export interface MeasuredProcess {
  readonly child: ChildProcess;
  /** From spawn to the first answer, in milliseconds. */
  readonly firstAnswerMs: number;
}

export async function startMeasured(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  target: LoadTarget,
): Promise<MeasuredProcess> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { env: { ...env }, stdio: ["ignore", "ignore", "inherit"] });
  for (;;) {
    try {
      await runLoad(target, { connections: 1, requests: 1 });
      return { child, firstAnswerMs: Math.round(performance.now() - startedAt) };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // 503 while the sidecar listens and has not replaced the tokens yet.
      const isStarting = code === "ECONNREFUSED" || message.startsWith("HTTP/1.1 503");
      if (!isStarting || child.exitCode !== null) throw error;
      await sleep(2);
    }
  }
}

export async function stopMeasured({ child }: MeasuredProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await exited;
}

export interface OneShot {
  readonly wallMs: number;
  readonly cpuMs: number;
  /** The highest of samples taken every few milliseconds, in MB. */
  readonly peakMegabytes: number;
}

/** Runs a process to its end and measures it meanwhile. Throws TypeError if its exit code is not 0. */
export async function measureUntilExit(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<OneShot> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { env: { ...env }, stdio: "ignore" });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  let peakMegabytes = 0;
  let cpu = 0;
  while (child.exitCode === null) {
    try {
      peakMegabytes = Math.max(peakMegabytes, await privateMegabytes(child.pid ?? 0));
      cpu = await cpuMs(child.pid ?? 0);
    } catch {
      // The process has just ended.
    }
    await sleep(3);
  }
  if ((await ended) !== 0) throw new TypeError(`${args.join(" ")} ended with ${child.exitCode}`);
  return { wallMs: Math.round(performance.now() - startedAt), cpuMs: cpu, peakMegabytes };
}

/** Returns the MB that no other process shares: Private_Clean and Private_Dirty of /proc/PID/smaps_rollup. */
export async function privateMegabytes(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  const kilobytes = [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)].reduce(
    (sum, [, amount]) => sum + Number(amount),
    0,
  );
  return Math.round(kilobytes / 102.4) / 10;
}

/** Returns the CPU time used so far, user and system, in milliseconds; Linux's clock tick is 10 ms. */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
