// Cases: what podrole's server says that pods hold.
import { heldWith, podWith, READ_AT } from "../status/pods.ts";
import type { Broken } from "./defects.ts";
import { knownFact } from "./healthy.ts";

/** The server's answer about one container. */
function heldBy(holding: Parameters<typeof heldWith>[0]) {
  const state = { replicas: [], pods: [heldWith(holding)] };
  return { pods: knownFact([podWith()]), held: knownFact({ state, silent: [], isComplete: true, ignored: 0 }) };
}

function rolesChanged() {
  const pod = podWith();
  const annotations = { ...pod.metadata.annotations, "iam.amazonaws.com/role": "shop-other" };
  return { ...pod, metadata: { ...pod.metadata, annotations } };
}

export const BROKEN_CREDENTIALS: readonly Broken[] = [
  [
    "a ready pod whose renewal is refused",
    heldBy({ code: "STS_DENIED" }),
    "CREDENTIALS_HELD",
    "warning",
    /app holds credentials until 2026-06-01T12:50:00.000Z, and its last renewal failed: STS_DENIED$/,
  ],
  [
    "a ready pod whose credentials were revoked",
    heldBy({ code: "ROLE_FORBIDDEN", expiresAt: "2026-06-01T11:50:00.000Z" }),
    "CREDENTIALS_HELD",
    "failed",
    /Container app holds no credentials: ROLE_FORBIDDEN$/,
  ],
  [
    "a ready pod whose annotation was changed",
    { ...heldBy({}), pods: knownFact([rolesChanged()]) },
    "ROLES_APPLIED",
    "warning",
    /container app holds \S+shop-orders, and the pod's iam\.amazonaws\.com\/role now names \S+shop-other$/,
  ],
  [
    "a workload that cannot create its pods",
    {
      blocked: knownFact([
        { namespace: "shop", workload: "deployment/web", time: READ_AT, count: 3, cause: "podrole refuses them: no" },
      ]),
    },
    "PODS_CREATED",
    "failed",
    /^It cannot create its pods: podrole refuses them: no$/,
  ],
];
