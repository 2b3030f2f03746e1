// Faults of the way from pods to the servers.
import { openBlackHole } from "../../protocol/black-hole.ts";
import type { FaultRow } from "../row.ts";
import type { FaultWorld } from "../world.ts";

/** Every address of 127.0.0.0/8 is one of this machine. */
const STALE_ADDRESS = "127.0.0.66";

/** Lets the servers' name resolve to a stale address, alone or before the right one. */
function resolvesStale(others: readonly string[]): FaultRow["begin"] {
  return async ({ identity, credentials, serverName }: FaultWorld) => {
    const ends: (() => void | Promise<void>)[] = [];
    for (const { address } of [identity, credentials])
      await openBlackHole({ after: (end) => void ends.push(end) }, STALE_ADDRESS, Number(address.split(":")[1]));
    serverName.resolveTo(STALE_ADDRESS, ...others);
    return async () => {
      serverName.resolveTo();
      for (const end of ends) await end();
    };
  };
}

export const NETWORK_ROWS: readonly FaultRow[] = [
  {
    id: "dns-stale",
    title: "DNS: the servers' name resolves to a former address, which answers no packet",
    begin: resolvesStale([]),
    lastsMs: 12_000,
    newcomer: "waits",
    log: { from: "sidecar", pattern: /SERVER_UNREACHABLE/ },
  },
  {
    id: "dns-stale-first",
    title: "DNS: the first of two addresses of the servers' name answers no packet",
    begin: resolvesStale(["127.0.0.1"]),
    lastsMs: 20_000,
    newcomer: "served",
  },
];
