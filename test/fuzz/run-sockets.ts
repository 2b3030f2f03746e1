// Sends the inputs of the socket targets to the real programs, and looks again and again whether ordinary callers are
// still served and no planted secret has come out.
import * as fc from "fast-check";
import { encodeInput, type Failure } from "./engine.ts";
import { GRPC_TARGETS } from "./sockets/grpc.ts";
import { HTTP_TARGETS } from "./sockets/http.ts";
import { MUTATE_TARGETS } from "./sockets/mutate.ts";
import type { SocketRun, SocketTarget } from "./sockets/socket-target.ts";
import { openFuzzWorld } from "./world.ts";

export const SOCKET_TARGETS: readonly SocketTarget[] = [...HTTP_TARGETS, ...GRPC_TARGETS, ...MUTATE_TARGETS];

/** Inputs between two looks at the programs. */
const BATCH = 500;

/** How many inputs in all, and where failures go; socket inputs are not shrunk. */
export interface SocketOptions {
  readonly inputs: number;
  readonly seed: number;
  readonly onFailure: (failure: Failure) => void;
}

/** Opens the programs, runs the targets one after the other, and closes the programs. */
export async function runSockets(targets: readonly SocketTarget[], { inputs, seed, onFailure }: SocketOptions) {
  const world = await openFuzzWorld();
  const weights = targets.reduce((sum, { weight }) => sum + weight, 0);
  const rows = [];
  try {
    for (const [index, target] of targets.entries()) {
      const share = Math.ceil((inputs * target.weight) / weights);
      const run = await target.open(world);
      const from = performance.now();
      let [done, slowestMs] = [0, 0];
      const failed: string[] = [];
      for (let batch = 0; done < share && failed.length === 0; batch++) {
        const count = Math.min(BATCH, share - done);
        const own = seed + index * 1_000_003 + batch;
        const fail = (input: string, error: unknown) => {
          failed.push(input);
          onFailure({
            target: target.name,
            seed: own,
            input,
            error: error instanceof Error ? (error.stack ?? "") : String(error),
          });
        };
        slowestMs = Math.max(
          slowestMs,
          await sendAll(run, fc.sample(run.inputs, { seed: own, numRuns: count }), target.concurrency, fail),
        );
        done += count;
        await world.verify().catch((error: unknown) => fail(`(one of the last ${count} inputs)`, error));
      }
      run.close();
      const perSecond = Math.round(done / ((performance.now() - from) / 1000));
      rows.push({ target: target.name, inputs: done, perSecond, slowestMs: Math.round(slowestMs) });
    }
  } finally {
    await world.close();
  }
  return rows;
}

/** Sends the inputs, some at a time; returns the milliseconds of the slowest. Stops at the first failure. */
async function sendAll(
  run: SocketRun<unknown>,
  inputs: readonly unknown[],
  concurrency: number,
  fail: (input: string, error: unknown) => void,
): Promise<number> {
  let [next, slowestMs, stopped] = [0, 0, false];
  async function sender(): Promise<void> {
    while (next < inputs.length && !stopped) {
      const input = inputs[next++];
      const from = performance.now();
      try {
        await run.send(input);
      } catch (error) {
        if (!stopped) fail(encodeInput(input), error);
        stopped = true;
      }
      slowestMs = Math.max(slowestMs, performance.now() - from);
    }
  }
  await Promise.all(Array.from({ length: concurrency }, sender));
  return slowestMs;
}
