// Work that is ended at a deadline, whatever it waits for. The AWS SDK's credential providers accept no signal, and
// most of them have no deadline: a request that stalls would wait, and hold its socket, for ever. Node publishes each
// HTTP request and each child process when it is created, in the asynchronous context of the work that creates it.
// (https://nodejs.org/api/diagnostics_channel.html#built-in-channels)
// States of a piece of work: running → over (at its deadline, even if it has settled before, because it may continue in
// the background: its requests and processes are ended, and so are those that it creates afterwards).
import { AsyncLocalStorage } from "node:async_hooks";
import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";
import type { Clock } from "../../runtime/clock.ts";

/** Runs work with a deadline, until close(). */
export interface BoundedWork {
  /** Settles as `work` does; rejects with an Error named TimeoutError if it has not settled at the deadline. */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
  close(): void;
}

/** What one piece of work has created and not finished. */
interface CreatedRequest {
  readonly ends: Set<() => void>;
  isOver: boolean;
}

const CLIENT_REQUESTS_CHANNEL = "http.client.request.created";
const CHILD_PROCESS_CHANNEL = "child_process";

/** Creates the deadline for pieces of work of `timeoutMs` milliseconds each. */
export function createBoundedWork(
  { clock }: { readonly clock: Clock },
  { timeoutMs }: { readonly timeoutMs: number },
): BoundedWork {
  const context = new AsyncLocalStorage<CreatedRequest>();

  function onRequest(message: unknown): void {
    const created = context.getStore();
    if (!created) return;
    const { request } = message as { readonly request: ClientRequest };
    const end = () => void request.destroy(timeoutError(timeoutMs));
    if (created.isOver) return end();
    created.ends.add(end);
    request.once("close", () => created.ends.delete(end));
  }

  function onProcess(message: unknown): void {
    const created = context.getStore();
    if (!created) return;
    const { process: child } = message as { readonly process: ChildProcess };
    function end(): void {
      child.kill("SIGKILL");
      // A grandchild may hold the pipes open, and execution ends only when they are closed.
      child.stdout?.destroy();
      child.stderr?.destroy();
    }
    // It is published before it starts, and until then it cannot be killed.
    child.once("spawn", () => created.isOver && end());
    created.ends.add(end);
    child.once("close", () => created.ends.delete(end));
  }

  subscribe(CLIENT_REQUESTS_CHANNEL, onRequest);
  subscribe(CHILD_PROCESS_CHANNEL, onProcess);
  return {
    run(work) {
      const created: CreatedRequest = { ends: new Set(), isOver: false };
      return new Promise((resolve, reject) => {
        clock.schedule(() => {
          created.isOver = true;
          for (const end of created.ends) end();
          reject(timeoutError(timeoutMs));
        }, timeoutMs);
        context.run(created, work).then(resolve, reject);
      });
    },
    close() {
      unsubscribe(CLIENT_REQUESTS_CHANNEL, onRequest);
      unsubscribe(CHILD_PROCESS_CHANNEL, onProcess);
    },
  };
}

function timeoutError(timeoutMs: number): Error {
  return Object.assign(new Error(`it did not end within ${timeoutMs} ms`), { name: "TimeoutError" });
}
