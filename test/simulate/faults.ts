// The faults of a simulation: what each does to the world, and what it explains. A fault lasts for a time, and its end
// undoes what it did; what podrole repairs by itself ends at once.

import { decodeAuthorities, encodeAuthorities, type RotationVerb, rotateSlots } from "../../src/pki/authorities.ts";
import { HOUR_MS } from "../../src/runtime/clock.ts";
import { Secret, type SecretData } from "../../src/runtime/secret.ts";
import type { Outage } from "./outages.ts";
import type { SimulatedPod } from "./pod.ts";
import { type Deployment, NAMESPACE } from "./programs.ts";
import type { StsFault } from "./sts-model.ts";
import { BEGINNING, type Program } from "./timeline.ts";
import type { SimulatedWorld } from "./world.ts";

/** One fault of a scenario. Times are milliseconds from the beginning. */
export interface Fault {
  readonly kind: FaultKind;
  readonly at: number;
  readonly lastsMs: number;
  /** Chooses among pods, replicas, roles, or the forms of the fault. */
  readonly pick: number;
}

/** Begins the fault; the returned function undoes it. */
type Begin = (world: SimulatedWorld, pick: number) => () => void;

function choose<Element>(elements: readonly Element[], pick: number): Element | undefined {
  return elements[pick % elements.length];
}

/** Returns a function that undoes a fault and ends its outage. */
function during(outage: Outage, undo: () => void): () => void {
  return () => {
    undo();
    outage.end();
  };
}

function apiFault(apply: (world: SimulatedWorld) => void): Begin {
  return (world) => {
    const { api, outages } = world;
    const outage = outages.beginOnPath();
    apply(world);
    return during(outage, () => {
      Object.assign(api.faults, { isDown: false, isStalled: false, status: undefined, latencyMs: 0 });
    });
  };
}

function stsFault(fault: StsFault): Begin {
  return ({ sts, outages }) => {
    sts.faults.add(fault);
    return during(outages.beginOnPath(), () => sts.faults.delete(fault));
  };
}

function podFault(begin: (world: SimulatedWorld, pod: SimulatedPod, pick: number) => () => void): Begin {
  return (world, pick) => {
    const pod = choose([...world.workloads.pods], pick);
    if (!pod) return () => {};
    const outage = world.outages.beginFor(pod.plan.owner.uid);
    return during(outage, begin(world, pod, pick));
  };
}

function suspend(program: Program | undefined, isMachine: boolean): () => void {
  program?.pause();
  return () => program?.resume(isMachine);
}

const clockStep = (pick: number) => (pick % 2 === 0 ? 2 : -2) * HOUR_MS * (0.1 + (pick % 10) / 10);

/**
 * Once the CA's Secret is gone, only servers know the CA until one writes it again; docs/ca.md says what is lost with
 * the last of them.
 */
function isCaInMemoryAlone({ api }: SimulatedWorld): boolean {
  const data = api.store.get("secrets", `${NAMESPACE}/podrole-ca`)?.["data"] as Record<string, string> | undefined;
  return data === undefined || decodeAuthorities(wrapped(data)) === undefined;
}

/** One replica at a time is no outage: the others serve. A skewed or black-holed one makes some calls fail. */
function replicaFault(
  of: (world: SimulatedWorld) => Deployment,
  begin: (world: SimulatedWorld, index: number, pick: number) => () => void,
): Begin {
  return (world, pick) => {
    const { replicas } = of(world);
    const index = pick % replicas.length;
    const areOthersWell = replicas.every(
      ({ program, isBlackHole }, at) =>
        at === index || (program.isAlive() && !program.isPaused() && !isBlackHole && program.offset() === 0),
    );
    if (!areOthersWell) return () => {};
    return during(world.outages.begin(), begin(world, index, pick));
  };
}

function object(
  resource: "secrets" | "configmaps",
  name: string,
  change: (data: Readonly<Record<string, string>>) => Readonly<Record<string, string>> | undefined,
): Begin {
  return ({ api, outages, servers }) => {
    const key = `${NAMESPACE}/${name}`;
    const present = api.store.get(resource, key);
    // A server writes the object again from memory; without one nobody could.
    if (!present || !servers.isWell() || !api.isWell()) return () => {};
    const data = change(present["data"] as Readonly<Record<string, string>>);
    if (data === undefined) api.store.remove(resource, key);
    else api.store.put(resource, { ...present, data });
    return during(outages.begin(), () => {});
  };
}

/** What an operator does with `podrole rotate`; a step that is too early is refused, as there. */
function rotate(verb: RotationVerb): Begin {
  return (world) => {
    const { api, outages, rotation } = world;
    const present = api.store.get("secrets", `${NAMESPACE}/podrole-ca`);
    const slots = present && decodeAuthorities(wrapped(present["data"] as Record<string, string>));
    if (!present || !slots) return () => {};
    const rotated = rotateSlots(verb, slots, BEGINNING + world.timeline.now(), rotation);
    if (rotated.ok) api.store.put("secrets", { ...present, data: revealed(encodeAuthorities(rotated.value)) });
    return during(outages.begin(), () => {});
  };
}

const wrapped = (data: Readonly<Record<string, string>>): SecretData =>
  Object.fromEntries(Object.entries(data).map(([key, text]) => [key, new Secret(text)]));
const revealed = (data: SecretData): Record<string, string> =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, typeof value === "string" ? value : value.reveal()]),
  );

/** Every kind of fault, by name. */
export const FAULTS = {
  "api-down": apiFault(({ api }) => {
    api.faults.isDown = true;
    api.endWatches("error");
  }),
  "api-throttles": apiFault(({ api }) => {
    api.faults.status = { code: 429, retryAfterMs: 600_000 };
  }),
  "api-5xx": apiFault(({ api }) => {
    api.faults.status = { code: 503 };
    api.endWatches("error");
  }),
  "api-forbidden": apiFault(({ api }) => {
    api.faults.status = { code: 403 };
  }),
  "api-stalls": apiFault(({ api }) => {
    api.faults.isStalled = true;
    api.endWatches("silent");
  }),
  "api-slow": apiFault(({ api }) => {
    api.faults.latencyMs = 2_000;
  }),
  "api-compacts": ({ api, outages }) => {
    api.store.compact();
    api.endWatches("error");
    return during(outages.begin(), () => {});
  },
  "sts-down": stsFault("down"),
  "sts-5xx": stsFault("error"),
  "sts-stalls": stsFault("stall"),
  "sts-throttles": stsFault("throttle"),
  "sts-expired-base": stsFault("expired base"),
  "own-credentials-stall": stsFault("own credentials"),
  "role-denied": ({ workloads, outages, sts }, pick) => {
    const pod = choose([...workloads.pods], pick);
    const [role = ""] = [...(pod ? workloads.rolesOf(pod) : new Map<string, number>()).keys()].slice(-1);
    sts.denied.add(role);
    return during(outages.beginFor(role), () => sts.denied.delete(role));
  },
  "permit-removed": ({ workloads, outages }, pick) => {
    const namespace = choose(workloads.namespaces, pick) ?? "";
    workloads.permit(namespace, false);
    return during(outages.beginFor(namespace), () => workloads.permit(namespace, true));
  },
  "role-edited": (world, pick) => {
    const pod = choose([...world.workloads.pods], pick);
    if (pod) world.workloads.changeRole(pod);
    return during(world.outages.begin(), () => {});
  },
  "server-killed": (world, pick) => {
    // The other replicas may have just started.
    if (isCaInMemoryAlone(world) && !world.servers.isWell()) return () => {};
    return replicaFault(
      ({ servers }) => servers,
      killReplica(({ servers }) => servers),
    )(world, pick);
  },
  "servers-killed": (world, pick) => {
    const { servers, outages, timeline } = world;
    if (isCaInMemoryAlone(world)) return () => {};
    const restartMs = 2_000 + (pick % 120_000);
    const outage = outages.beginOnPath();
    for (const index of servers.replicas.keys()) servers.kill(index, restartMs);
    timeline.after(restartMs + START_MS, () => outage.end());
    return () => {};
  },
  "server-black-hole": replicaFault(
    ({ servers }) => servers,
    ({ servers }, index) => {
      const replica = servers.replicas[index];
      if (replica) replica.isBlackHole = true;
      return () => {
        if (replica) replica.isBlackHole = false;
      };
    },
  ),
  "server-suspended": replicaFault(
    ({ servers }) => servers,
    ({ servers }, index, pick) => suspend(servers.replicas[index]?.program, pick % 2 === 0),
  ),
  "server-clock": replicaFault(
    ({ servers }) => servers,
    stepOf(({ servers }) => servers),
  ),
  "webhook-killed": replicaFault(
    ({ webhooks }) => webhooks,
    killReplica(({ webhooks }) => webhooks),
  ),
  "webhook-suspended": replicaFault(
    ({ webhooks }) => webhooks,
    ({ webhooks }, index, pick) => suspend(webhooks.replicas[index]?.program, pick % 2 === 0),
  ),
  "webhook-clock": replicaFault(
    ({ webhooks }) => webhooks,
    stepOf(({ webhooks }) => webhooks),
  ),
  "sidecar-killed": podFault((_world, pod) => {
    pod.killSidecar();
    return () => {};
  }),
  "sidecar-suspended": podFault((_world, pod, pick) => suspend(pod.program(), pick % 2 === 0)),
  "node-clock": (world, pick) => {
    const node = choose(world.workloads.nodes, pick);
    if (!node) return () => {};
    const ms = clockStep(pick);
    const set = (by: number) => {
      node.offsetMs += by;
      node.steppedAt = world.timeline.now();
      for (const pod of world.workloads.pods) if (pod.plan.node === node) pod.program()?.step(by);
    };
    set(ms);
    return during(world.outages.beginFor(node.name), () => set(-ms));
  },
  "pod-replaced": (world, pick) => {
    const pod = choose([...world.workloads.pods], pick);
    if (pod) world.workloads.replace(pod);
    return during(world.outages.begin(), () => {});
  },
  "ca-deleted": object("secrets", "podrole-ca", () => undefined),
  "ca-emptied": object("secrets", "podrole-ca", () => ({})),
  "trust-deleted": object("configmaps", "podrole-trust", () => undefined),
  "trust-emptied": object("configmaps", "podrole-trust", () => ({})),
  "trust-edited": object("configmaps", "podrole-trust", () => ({ "bundle.pem": "not a certificate" })),
  "ca-bundle-reset": ({ api, outages }) => {
    const present = api.store.get("mutatingwebhookconfigurations", "podrole");
    if (present)
      api.store.put("mutatingwebhookconfigurations", { ...present, webhooks: [{ name: "pods.podrole.io" }] });
    return during(outages.begin(), () => {});
  },
  "rotate-prepare": rotate("prepare"),
  "rotate-activate": rotate("activate"),
  "rotate-retire": rotate("retire"),
} as const satisfies Readonly<Record<string, Begin>>;

/** Name of a kind of fault. */
export type FaultKind = keyof typeof FAULTS;

/** A replica needs this long from its start to its readiness. */
const START_MS = 15_000;

function killReplica(of: (world: SimulatedWorld) => Deployment) {
  return (world: SimulatedWorld, index: number, pick: number) => {
    const restartMs = 2_000 + (pick % 60_000);
    const outage = world.outages.begin();
    of(world).kill(index, restartMs);
    world.timeline.after(restartMs + START_MS, () => outage.end());
    return () => {};
  };
}

function stepOf(of: (world: SimulatedWorld) => Deployment) {
  return (world: SimulatedWorld, index: number, pick: number) => {
    const program = of(world).replicas[index]?.program;
    const ms = clockStep(pick);
    program?.step(ms);
    return () => program?.step(-ms);
  };
}
