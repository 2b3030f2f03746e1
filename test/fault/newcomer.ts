// A pod that is created while a fault lasts: a controller tries until the API server takes it, and a kubelet restarts
// its sidecar when that ends. States: created → started → served, or closed (close()) from any of them.
import { setTimeout as delay } from "node:timers/promises";
import type { AdmittedPod } from "../admitted-pod.ts";
import type { RunningSidecar } from "../programs.ts";
import { servesCredentials } from "./observe.ts";
import type { FaultWorld } from "./world.ts";

const RETRY_MS = 1_000;
const PERIOD_MS = 50;

/** The pod. */
export interface Newcomer {
  /** Its sidecars so far: the last one runs, earlier ones have ended. */
  readonly sidecars: readonly RunningSidecar[];
  /** Resolves with the moment (performance.now()) of its first credentials. */
  readonly served: Promise<number>;
  close(): Promise<void>;
}

/** Creates the pod and goes on until it has credentials or is closed. */
export function startNewcomer(world: FaultWorld): Newcomer {
  const sidecars: RunningSidecar[] = [];
  /** The kubelet runs a hook beside each start, which makes the first renewal. */
  const hooks: Promise<unknown>[] = [];
  const ending = new AbortController();
  const { signal } = ending;

  async function create(): Promise<AdmittedPod | undefined> {
    while (!signal.aborted) {
      const pod = await world.createPod().catch(() => undefined);
      if (pod !== undefined) return pod;
      await delay(RETRY_MS);
    }
    return undefined;
  }

  async function becomesServed(sidecar: RunningSidecar): Promise<boolean> {
    while (isAlive(sidecar) && !signal.aborted) {
      if (await servesCredentials(sidecar)) return true;
      await delay(PERIOD_MS);
    }
    return false;
  }

  async function serve(pod: AdmittedPod): Promise<number> {
    while (!signal.aborted) {
      const sidecar = await world.programs.startSidecar(pod, { waits: false }).catch(() => undefined);
      if (sidecar !== undefined) {
        sidecars.push(sidecar);
        hooks.push(sidecar.run("wait"));
        if (await becomesServed(sidecar)) return performance.now();
      }
      await delay(RETRY_MS);
    }
    return Number.POSITIVE_INFINITY;
  }

  const served = create().then((pod) => (pod === undefined ? Number.POSITIVE_INFINITY : serve(pod)));
  return {
    sidecars,
    served,
    async close() {
      ending.abort();
      await served;
      for (const sidecar of sidecars) await sidecar.close();
      await Promise.all(hooks);
    },
  };
}

function isAlive({ program }: RunningSidecar): boolean {
  try {
    return process.kill(program.pid, 0);
  } catch {
    return false;
  }
}
