// Many sidecars in a few threads, so that the process of the emulators does not share its thread with them.
// States: started → closed (close() ends the threads).
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { CrowdTask, ThreadCounts, ThreadPod, ThreadReport } from "./tasks.ts";

/** The sidecars of all pods. */
export interface Crowd {
  readonly threads: number;
  /** Has every thread do a task; resolves with the sums of what they counted, the longest time and the busiest. */
  run(task: CrowdTask): Promise<ThreadCounts>;
  close(): Promise<void>;
}

/** Starts `threads` threads, each with its share of the pods. */
export function startCrowd(pods: readonly ThreadPod[], threads: number): Crowd {
  const workers = Array.from({ length: threads }, (_, thread) => {
    const workerData = pods.filter((_pod, index) => index % threads === thread);
    return new Worker(new URL("./sidecars.ts", import.meta.url), { workerData });
  });

  async function runOn(worker: Worker, task: CrowdTask): Promise<ThreadCounts> {
    const answered = once(worker, "message");
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(task);
    const [report] = (await answered) as [ThreadReport];
    if ("problem" in report) throw new RangeError(`a thread failed: ${report.problem}`);
    return report.counts;
  }

  return {
    threads,
    async run(task) {
      const all = await Promise.all(workers.map((worker) => runOn(worker, task)));
      const sum = (name: keyof ThreadCounts) => all.reduce((total, counts) => total + counts[name], 0);
      const greatest = (name: keyof ThreadCounts) => Math.max(...all.map((counts) => counts[name]));
      return {
        calls: sum("calls"),
        served: sum("served"),
        servedInTime: sum("servedInTime"),
        late: sum("late"),
        closed: sum("closed"),
        refused: sum("refused"),
        ms: greatest("ms"),
        busy: greatest("busy"),
      };
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
