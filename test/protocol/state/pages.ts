// Answers about the server's state, as two replicas would give them.
import type { ContainerHolding, PodState, RefusalRecord, StatePage } from "../../../src/protocol/state/model.ts";

export const ROLE = "arn:aws:iam::123456789012:role/orders";

/** A container that holds ROLE from 10:00 until 11:00. */
export function exampleHolding(changes: Partial<ContainerHolding> = {}): ContainerHolding {
  return {
    container: "app",
    role: ROLE,
    expiresAt: "2026-01-01T11:00:00.000Z",
    renewedAt: "2026-01-01T10:00:00.000Z",
    since: "2026-01-01T09:00:00.000Z",
    observedAt: "2026-01-01T10:00:00.000Z",
    source: "issued",
    ...changes,
  };
}

/** A pod of namespace "shop" with one container. */
export function examplePod(changes: Partial<PodState> = {}): PodState {
  return {
    namespace: "shop",
    name: "orders-1",
    uid: "uid-1",
    serviceAccount: "orders",
    node: "node-1",
    sidecarRestarts: 1,
    containers: [exampleHolding()],
    ...changes,
  };
}

/** One refusal, counted three times. */
export function exampleRefusal(changes: Partial<RefusalRecord> = {}): RefusalRecord {
  return {
    time: "2026-01-01T10:30:00.000Z",
    since: "2026-01-01T10:00:00.000Z",
    count: 3,
    namespace: "shop",
    pod: "orders-2",
    uid: "uid-2",
    container: "app",
    role: ROLE,
    code: "ROLE_FORBIDDEN",
    reason: "Cannot issue credentials: the namespace does not permit the role; expected a permitted one",
    ...changes,
  };
}

/** The first and only page of replica `name`. */
export function examplePage(name: string, changes: Partial<StatePage> = {}): StatePage {
  return {
    version: 1,
    replica: {
      name,
      version: "0.1.0",
      startedAt: "2026-01-01T08:00:00.000Z",
      answeredAt: "2026-01-01T10:40:00.000Z",
      account: "123456789012",
      problems: [],
    },
    podCount: 1,
    pods: [examplePod()],
    refusals: {
      recordedSince: "2026-01-01T08:00:00.000Z",
      sharedAt: "2026-01-01T10:39:00.000Z",
      rows: [exampleRefusal()],
    },
    trust: {
      slots: [
        {
          slot: "current",
          subject: "CN=podrole CA",
          fingerprint: "AB:CD",
          since: "2025-12-01T00:00:00.000Z",
          expiresAt: "2026-12-01T00:00:00.000Z",
          longestLeafSeconds: 3600,
        },
      ],
      leafSeconds: 3600,
      servingExpiresAt: "2026-01-01T11:00:00.000Z",
      outlook: [{ step: "publish", at: "2026-06-01T00:00:00.000Z" }],
      waitsFor: [{ step: "activate", reason: "there is no next CA: prepare one first" }],
    },
    sts: {
      results: { OK: 10, STS_DENIED: 1 },
      waiting: 0,
      heldBack: { rate: 2, pause: 1 },
      windowSeconds: 90,
      namespaces: [
        { namespace: "shop", calls: 6, share: 0.75 },
        { namespace: "billing", calls: 2, share: 0.25 },
      ],
      minutes: [
        { at: "2026-06-01T11:58:00.000Z", ok: 3, failed: 0 },
        { at: "2026-06-01T11:59:00.000Z", ok: 2, failed: 1 },
      ],
    },
    ...changes,
  };
}
