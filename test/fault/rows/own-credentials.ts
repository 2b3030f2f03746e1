// The server's own AWS credentials: each source of them stalls when the servers start. The servers of each row are new;
// those of the last one remain.
import { CREDENTIAL_SOURCES } from "../own-credentials.ts";
import type { FaultRow } from "../row.ts";

/** Longer than the server's deadline for a search, 3 s, and than the time between two, 10 s. */
const LASTS_MS = 16_000;

function stalls(name: string, index: number): FaultRow {
  return {
    id: `own-credentials-${index + 1}-start`,
    title: `Own AWS credentials of the servers, ${name}: no answer when the servers start`,
    begin: async (world) => {
      const source = await CREDENTIAL_SOURCES[name]?.(world);
      if (source === undefined) throw new Error(`Cannot cause the fault: there is no source ${name}`);
      source.stall();
      await world.replaceServers(source.own);
      return () => source.answer();
    },
    lastsMs: LASTS_MS,
    newcomer: "waits",
    log: { from: "server", pattern: /AWS credentials|STS_UNAVAILABLE/ },
    alert: "PodroleStsUnavailable",
  };
}

export const OWN_CREDENTIALS_ROWS: readonly FaultRow[] = Object.keys(CREDENTIAL_SOURCES).map(stalls);
