// The CPU time that this thread has used, which does not grow while the thread waits for a core. Node 22, on which the
// command line also runs, reports only that of the whole process, threads of the garbage collector included.
import * as nodeProcess from "node:process";

/** Returns the CPU time of the calling thread since some point in the past, in milliseconds. */
export function threadCpuMs(): number {
  const newer: Partial<Pick<typeof nodeProcess, "threadCpuUsage">> = nodeProcess;
  const { user, system } = newer.threadCpuUsage?.() ?? nodeProcess.cpuUsage();
  return (user + system) / 1_000;
}
