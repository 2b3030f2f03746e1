// The server's own AWS credentials: each source of them stalls when the servers start, or when they renew what they
// have. The servers of each row are new; those of the last one remain.
import { CREDENTIAL_SOURCES, type CredentialSource } from "../own-credentials.ts";
import type { FaultRow } from "../row.ts";
import type { FaultWorld } from "../world.ts";

/** Longer than the server's deadline for a search, 3 s, and than the time between two, 10 s. */
const START_LASTS_MS = 16_000;
/** Longer than a session of the source, so that the servers have none left. */
const RENEWAL_LASTS_MS = 36_000;

async function openSource(world: FaultWorld, name: string): Promise<CredentialSource> {
  const source = await CREDENTIAL_SOURCES[name]?.(world);
  if (source === undefined) throw new Error(`Cannot cause the fault: there is no source ${name}`);
  return source;
}

const SIGNS = {
  log: { from: "server", pattern: /AWS credentials|STS_UNAVAILABLE/ },
  alert: "PodroleStsUnavailable",
} as const;

function stallsAtStart(name: string, index: number): FaultRow {
  return {
    id: `own-credentials-${index + 1}-start`,
    title: `Own AWS credentials of the servers, ${name}: no answer when the servers start`,
    begin: async (world) => {
      const source = await openSource(world, name);
      source.stall();
      await world.replaceServers(source.own);
      return () => source.answer();
    },
    lastsMs: START_LASTS_MS,
    newcomer: "waits",
    ...SIGNS,
  };
}

function stallsAtRenewal(name: string, index: number): FaultRow {
  return {
    id: `own-credentials-${index + 1}-renewal`,
    title: `Own AWS credentials of the servers, ${name}: no answer when the servers renew them`,
    begin: async (world) => {
      const source = await openSource(world, name);
      await world.replaceServers(source.own);
      // A pod gets credentials only once the servers have their own.
      await (await world.programs.startSidecar(await world.createPod())).close();
      source.stall();
      return () => source.answer();
    },
    lastsMs: RENEWAL_LASTS_MS,
    ...SIGNS,
  };
}

export const OWN_CREDENTIALS_ROWS: readonly FaultRow[] = Object.keys(CREDENTIAL_SOURCES).flatMap((name, index) => [
  stallsAtStart(name, index),
  stallsAtRenewal(name, index),
]);
