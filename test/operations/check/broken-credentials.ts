// Cases: what podrole's server says that pods hold.
import { heldWith } from "../status/pods.ts";
import type { Broken } from "./defects.ts";
import { knownFact } from "./healthy.ts";

/** The server's answer about one container. */
function heldBy(holding: Parameters<typeof heldWith>[0]) {
  const state = { replicas: [], pods: [heldWith(holding)] };
  return { held: knownFact({ state, silent: [], isComplete: true, ignored: 0 }) };
}

export const BROKEN_CREDENTIALS: readonly Broken[] = [
  [
    "a ready pod whose renewal is refused",
    heldBy({ code: "STS_DENIED" }),
    "CREDENTIALS_HELD",
    "warning",
    /app holds credentials until 2026-06-01T12:50:00.000Z, and its last renewal failed: STS_DENIED -- Check that the role exists/,
  ],
  [
    "a ready pod whose credentials were revoked",
    heldBy({ code: "ROLE_FORBIDDEN", expiresAt: "2026-06-01T11:50:00.000Z" }),
    "CREDENTIALS_HELD",
    "failed",
    /Container app holds no credentials: ROLE_FORBIDDEN -- Correct the role/,
  ],
];
