// What is recorded of a container over all its runs: state, counters, and the output of the last two runs. Each change
// of the status calls `onChange`. Lives as long as its container.
import { createLogBuffer, type LogBuffer } from "./log-buffer.ts";
import type { ContainerState, ContainerStatus, Terminated, Waiting } from "./status.ts";

/** The record of one container. */
export interface ContainerRecord {
  /** The container waits, for the reason that is given. */
  waiting(waiting: Waiting): void;
  /** Returns the buffer for the output of a run that is about to start; the one before becomes the previous output. */
  nextOutput(): LogBuffer;
  running(startedAt: string): void;
  /** The startup probe of the current run has passed, or there is none. */
  started(): void;
  ready(ready: boolean): void;
  terminated(terminated: Terminated): void;
  /** The state is the last termination again: no restart follows, although the container waited for one. */
  restartCancelled(): void;
  status(options: { readonly staysReady: boolean }): ContainerStatus;
  /** Returns the newest output of the current or last run, or of the run before. */
  logs(options: { readonly previous: boolean }): string;
}

/** Creates the record of a container that has not run. */
export function createContainerRecord(
  { onChange }: { readonly onChange: () => void },
  { name, image, logLimit }: { readonly name: string; readonly image: string; readonly logLimit: number },
): ContainerRecord {
  let state: ContainerState = { waiting: { reason: "PodInitializing" } };
  let lastState: { readonly terminated: Terminated } | undefined;
  let isStarted = false;
  let isReady = false;
  let restartCount = 0;
  let output = createLogBuffer(logLimit);
  let previousOutput: LogBuffer | undefined;

  function change(next: ContainerState): void {
    state = next;
    onChange();
  }

  return {
    waiting: (waiting) => change({ waiting }),
    nextOutput() {
      if (lastState === undefined) return output;
      previousOutput = output;
      output = createLogBuffer(logLimit);
      restartCount += 1;
      return output;
    },
    running: (startedAt) => change({ running: { startedAt } }),
    started() {
      isStarted = true;
      onChange();
    },
    ready(ready) {
      isReady = ready;
      onChange();
    },
    terminated(terminated) {
      isStarted = false;
      isReady = false;
      lastState = { terminated };
      change(lastState);
    },
    restartCancelled() {
      if (lastState) change(lastState);
    },
    status: ({ staysReady }) => ({
      ...{ name, image, state },
      ...(lastState && !("terminated" in state) && { lastState }),
      started: isStarted,
      ready: isReady || (staysReady && "terminated" in state && state.terminated.exitCode === 0),
      restartCount,
    }),
    logs: ({ previous }) => (previous ? previousOutput : output)?.text() ?? "",
  };
}
