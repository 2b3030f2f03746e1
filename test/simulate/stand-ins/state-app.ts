// Stand-in for openStatePort() of src/server/state/state-app.ts: nobody calls the state port in the simulation.
import type { Address } from "../../../src/runtime/settings.ts";
import type { StateAppDeps, StatePort } from "../../../src/server/state/state-app.ts";

export async function openStatePort(_deps: StateAppDeps, { port }: Address): Promise<StatePort> {
  return { port, async close() {} };
}
