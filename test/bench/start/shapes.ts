// The pods whose start times are compared.

import type { ResourceRequirements } from "../../../src/kubernetes/objects.ts";
import { ANNOTATIONS } from "../../../src/policy/annotations.ts";
import { appContainer, podManifest } from "../../cluster/node/pods.ts";

/** Namespace of most pods; main.ts creates all. */
export const BENCH_NAMESPACE = "start";
/** Namespace whose pods get a pod certificate in place of a token. */
export const CERTIFIED_NAMESPACE = "start-certified";
/** Namespace whose LimitRange gives every container a CPU limit of 400m. */
export const LIMITED_NAMESPACE = "start-limited";

/**
 * Pods whose apps and sidecars have the same resources and volumes, so that their starts can be compared. "ordinary":
 * with the volume that Kubernetes gives every pod unless the pod's author declines it (automountServiceAccountToken).
 * The kubelet checks every 300 ms whether a pod's volumes are mounted, so a pod without any starts that much earlier.
 */
export const SHAPE_GROUPS = ["ordinary", "no volumes", "Guaranteed", "limit 500m", "LimitRange 400m"] as const;
export type ShapeGroup = (typeof SHAPE_GROUPS)[number];

export interface StartShape {
  /** "hook": a Guaranteed pod whose app has too little memory for podrole-init beside the sidecar. */
  readonly kind: "plain" | "bare" | "podrole" | "pod certificate" | "probe" | "hook";
  readonly group: ShapeGroup;
  /** Without a role podrole does not change the pod. */
  readonly role?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Of the app's container. */
  readonly resources?: ResourceRequirements;
  readonly initContainers?: readonly unknown[];
  /** Never by default; with OnFailure, podrole's sidecar has a startup probe instead of the hook. */
  readonly restartPolicy?: "OnFailure";
}

/**
 * The shape of an injected pod without podrole: a native sidecar and a postStart hook, both Node programs that do
 * nothing.
 */
function bare(resources: ResourceRequirements = {}): readonly unknown[] {
  return [
    {
      name: "sidecar",
      image: "localhost/podrole-test:1",
      restartPolicy: "Always",
      args: ["--eval", 'setInterval(() => {}, 1e6); process.on("SIGTERM", () => process.exit(0))'],
      lifecycle: { postStart: { exec: { command: ["node", "--eval", "0"] } } },
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      resources,
    },
  ];
}

const ROLE = "shop-orders";

/** Requests equal to limits: the app's container of a Guaranteed pod. */
const EXACT = exactly("500m", "128Mi");
/** What podrole's containers get in a Guaranteed pod (--sidecar-guaranteed-cpu, --sidecar-memory). */
const EXACT_SIDECAR = exactly("100m", "96Mi");
/** The sidecar and podrole-init need 96Mi each. */
const EXACT_BUT_SMALL = exactly("500m", "90Mi");
const HALF_A_CORE = { limits: { cpu: "500m" } };

export const SHAPES: readonly StartShape[] = [
  { kind: "plain", group: "ordinary" },
  { kind: "bare", group: "ordinary", initContainers: bare() },
  { kind: "podrole", group: "ordinary", role: ROLE },
  { kind: "probe", group: "ordinary", role: ROLE, restartPolicy: "OnFailure" },
  { kind: "plain", group: "no volumes" },
  { kind: "bare", group: "no volumes", initContainers: bare() },
  { kind: "podrole", group: "no volumes", role: ROLE },
  { kind: "plain", group: "Guaranteed", resources: EXACT },
  { kind: "bare", group: "Guaranteed", resources: EXACT, initContainers: bare(EXACT_SIDECAR) },
  { kind: "podrole", group: "Guaranteed", resources: EXACT, role: ROLE },
  { kind: "hook", group: "Guaranteed", resources: EXACT_BUT_SMALL, role: ROLE },
  { kind: "bare", group: "limit 500m", initContainers: bare(HALF_A_CORE) },
  { kind: "podrole", group: "limit 500m", role: ROLE, annotations: { [ANNOTATIONS.sidecarCpuLimit]: "500m" } },
  { kind: "plain", group: "LimitRange 400m" },
  { kind: "bare", group: "LimitRange 400m", initContainers: bare() },
  { kind: "podrole", group: "LimitRange 400m", role: ROLE },
];

/** The shapes that show the price of a pod certificate, in the order of their columns. */
export const CERTIFICATE_SHAPES: readonly StartShape[] = [
  { kind: "plain", group: "ordinary" },
  { kind: "podrole", group: "ordinary", role: ROLE },
  { kind: "pod certificate", group: "ordinary", role: ROLE },
];

/** The shapes of many pods that start at once. */
export const CROWD_SHAPES = SHAPES.filter(({ kind, group }) => group === "ordinary" && kind !== "probe");

/** Returns the shape's name in tables: "bare", "bare, limit 500m". */
export function nameOfShape({ kind, group }: Pick<StartShape, "kind" | "group">): string {
  return group === "ordinary" ? kind : `${kind}, ${group}`;
}

/** Returns the namespace of the shape's pods. */
export function namespaceOfShape({ kind, group }: Pick<StartShape, "kind" | "group">): string {
  if (kind === "pod certificate") return CERTIFIED_NAMESPACE;
  return group === "LimitRange 400m" ? LIMITED_NAMESPACE : BENCH_NAMESPACE;
}

/** Gives every container of the namespace a CPU limit of 400m, and a request of as much. */
export function limitRangeManifest(): string {
  const metadata = { name: "cpu", namespace: LIMITED_NAMESPACE };
  const spec = { limits: [{ type: "Container", max: { cpu: "400m" } }] };
  return JSON.stringify({ apiVersion: "v1", kind: "LimitRange", metadata, spec });
}

function exactly(cpu: string, memory: string): ResourceRequirements {
  return { requests: { cpu, memory }, limits: { cpu, memory } };
}

export function manifestOf(shape: StartShape, name: string): string {
  const { role, annotations = {}, resources, initContainers = [], restartPolicy } = shape;
  const app = appContainer("app", "start", { ...(resources && { resources }) });
  const automountServiceAccountToken = shape.group !== "no volumes";
  const spec = { initContainers, automountServiceAccountToken, ...(restartPolicy && { restartPolicy }) };
  return podManifest(name, { ...(role !== undefined && { role }), annotations, containers: [app], spec });
}
