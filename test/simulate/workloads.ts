// The pods of the simulation: their namespaces and roles, and the controllers that create them, delete them and create
// others.
import type { Pod } from "../../src/kubernetes/objects.ts";
import type { CreatePod } from "./admission.ts";
import { type AppAnswer, type SimulatedPod, startPod } from "./pod.ts";
import type { Node } from "./pod-plan.ts";
import { type Outside, ROLE_BASE } from "./programs.ts";
import { between, oneOf } from "./random.ts";

/** The pods that exist. */
export interface Workloads {
  readonly pods: ReadonlySet<SimulatedPod>;
  readonly nodes: readonly Node[];
  readonly namespaces: readonly string[];
  /** Replaces a pod, as a rollout does. */
  replace(pod: SimulatedPod): void;
  /** Gives the pod another role of its namespace. */
  changeRole(pod: SimulatedPod): void;
  /** ARNs that the pod's annotations have named, with the time until which they did (Infinity: still). */
  rolesOf(pod: SimulatedPod): ReadonlyMap<string, number>;
  /** Permits the roles of a namespace, or none. */
  permit(namespace: string, isPermitted: boolean): void;
  /** When the longest missing pod should have been created; Infinity if none is missing. */
  missingSince(): number;
}

/** How many of what. */
export interface WorkloadOptions {
  readonly pods: number;
  /** Pods that live for a day on average; 0 to 1. */
  readonly shortLived: number;
  /** The longest session that the server permits; a pod that requests a longer one would never start. */
  readonly maxSessionMs: number;
}

const PODS_PER_NAMESPACE = 10;
const PODS_PER_NODE = 25;
const ROLES_PER_NAMESPACE = 3;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The shortest session that a pod requests. */
export const MIN_REQUESTED_SESSION_MS = 2 * HOUR_MS;
/** What pods request: mostly nothing. */
const DURATIONS = [
  { text: undefined, ms: 0 },
  { text: undefined, ms: 0 },
  { text: undefined, ms: 0 },
  { text: "2h", ms: MIN_REQUESTED_SESSION_MS },
  { text: "12h", ms: 12 * HOUR_MS },
] as const;

/** Creates the namespaces; their pods are created one after the other, for five minutes. */
export function startWorkloads(
  outside: Outside,
  createPod: CreatePod,
  { pods: count, shortLived, maxSessionMs }: WorkloadOptions,
  onAnswer: (answer: AppAnswer) => void,
): Workloads {
  const { timeline, api } = outside;
  const pods = new Set<SimulatedPod>();
  const roles = new WeakMap<SimulatedPod, Map<string, number>>();
  const nodes = Array.from(
    { length: Math.ceil(count / PODS_PER_NODE) },
    (_, at): Node => ({ name: `node-${at}`, offsetMs: 0, steppedAt: 0 }),
  );
  const namespaces = Array.from({ length: Math.ceil(count / PODS_PER_NAMESPACE) }, (_, at) => `team-${at}`);
  let created = 0;
  const missing = new Map<number, number>();

  function permit(namespace: string, isPermitted: boolean): void {
    const annotations = isPermitted ? { "iam.amazonaws.com/permitted": `${ROLE_BASE}${namespace}-.*` } : {};
    const labels = { "podrole.io/inject": "enabled" };
    api.store.put("namespaces", { metadata: { name: namespace, labels, annotations } });
  }

  for (const namespace of namespaces) {
    permit(namespace, true);
    api.store.put("serviceaccounts", { metadata: { namespace, name: "default", uid: `${namespace}-default` } });
  }

  function newPod(namespace: string): Pod {
    created += 1;
    const duration = oneOf(DURATIONS.filter(({ ms }) => ms <= maxSessionMs))?.text;
    return {
      metadata: {
        namespace,
        name: `app-${created}`,
        uid: `uid-${created}`,
        annotations: {
          "iam.amazonaws.com/role": roleOf(namespace),
          ...(duration !== undefined && { "podrole.io/session-duration": duration }),
        },
      },
      spec: {
        containers: [{ name: "app", image: "app:1" }],
        ...(created % 10 === 0 && { restartPolicy: "OnFailure" }),
      },
    };
  }

  const roleOf = (namespace: string) => `${namespace}-${between(1, ROLES_PER_NAMESPACE)}`;

  function create(pod: Pod, port: number, retryMs: number): void {
    createPod(pod).then(
      (admitted) => timeline.after(between(200, 2_000), () => start(admitted, port)),
      () => timeline.after(retryMs, () => create(pod, port, Math.min(2 * retryMs, MAX_RETRY_MS))),
    );
  }

  function start(admitted: Pod, port: number): void {
    missing.delete(port);
    const { namespace = "", name = "", uid = "", annotations = {} } = admitted.metadata;
    const owner = { namespace, name, uid, serviceAccount: "default" };
    const node = oneOf(nodes) as Node;
    const pod = startPod(outside, { owner, pod: admitted, port, node }, onAnswer);
    roles.set(pod, new Map([[ROLE_BASE + (annotations["iam.amazonaws.com/role"] ?? ""), Number.POSITIVE_INFINITY]]));
    pods.add(pod);
    if (Math.random() < shortLived) timeline.after(between(60_000, 2 * DAY_MS), () => replace(pod));
  }

  function replace(pod: SimulatedPod): void {
    if (!pods.delete(pod)) return;
    pod.remove();
    const { owner, port } = pod.plan;
    api.store.remove("pods", `${owner.namespace}/${owner.name}`);
    want(owner.namespace, port);
  }

  function want(namespace: string, port: number): void {
    missing.set(port, timeline.now());
    create(newPod(namespace), port, FIRST_RETRY_MS);
  }

  for (let at = 0; at < count; at++) {
    const namespace = namespaces[at % namespaces.length] ?? "";
    timeline.after(60_000 + (at * 300_000) / count, () => want(namespace, 1_000 + at));
  }

  return {
    pods,
    nodes,
    namespaces,
    replace,
    changeRole(pod) {
      const { namespace, name } = pod.plan.owner;
      const present = api.store.get("pods", `${namespace}/${name}`);
      if (!present) return;
      const next = roleOf(namespace);
      const known = roles.get(pod) ?? new Map<string, number>();
      for (const [arn, until] of known) if (until === Number.POSITIVE_INFINITY) known.set(arn, timeline.now());
      known.set(ROLE_BASE + next, Number.POSITIVE_INFINITY);
      const annotations = { ...present.metadata.annotations, "iam.amazonaws.com/role": next };
      api.store.put("pods", { ...present, metadata: { ...present.metadata, annotations } });
    },
    rolesOf: (pod) => roles.get(pod) ?? new Map(),
    permit,
    missingSince: () => Math.min(...missing.values()),
  };
}
