// The pods whose start times are compared.

import type { Container, Pod, ResourceRequirements } from "../../../src/kubernetes/objects.ts";
import { ANNOTATIONS } from "../../../src/policy/annotations.ts";
import { appContainer, podManifest } from "../../cluster/node/pods.ts";

/** Namespace of the pods; main.ts creates it. */
export const BENCH_NAMESPACE = "start";

export interface StartShape {
  readonly name: string;
  /** Without a role podrole does not change the pod. */
  readonly role?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Of the app's container. */
  readonly resources?: ResourceRequirements;
  readonly initContainers?: readonly unknown[];
  /** Changes the injected pod before it is created. */
  readonly change?: (pod: Pod) => Pod;
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
const HALF_A_CORE = { limits: { cpu: "500m" } };

export const SHAPES: readonly StartShape[] = [
  { name: "plain" },
  { name: "bare", initContainers: bare() },
  { name: "podrole", role: ROLE },
  { name: "probe", role: ROLE, change: waitByProbe },
  { name: "plain, Guaranteed", resources: EXACT },
  { name: "bare, Guaranteed", resources: EXACT, initContainers: bare(EXACT_SIDECAR) },
  { name: "podrole, Guaranteed", resources: EXACT, role: ROLE },
  { name: "bare, limit 500m", initContainers: bare(HALF_A_CORE) },
  { name: "podrole, limit 500m", role: ROLE, annotations: { [ANNOTATIONS.sidecarCpuLimit]: "500m" } },
];

function exactly(cpu: string, memory: string): ResourceRequirements {
  return { requests: { cpu, memory }, limits: { cpu, memory } };
}

export function manifestOf({ role, annotations = {}, resources, initContainers }: StartShape, name: string): string {
  const app = appContainer("app", "start", { ...(resources && { resources }) });
  const spec = { initContainers: initContainers ?? [] };
  return podManifest(name, { ...(role !== undefined && { role }), annotations, containers: [app], spec });
}

/** Replaces the hook by a startup probe, as `podrole webhook --sidecar-command none` injects it. */
function waitByProbe({ metadata, spec }: Pod): Pod {
  const { name = "", labels = {}, annotations = {} } = metadata;
  const initContainers = (spec.initContainers ?? []).map((container) =>
    container.name === "podrole-sidecar" ? withProbe(container) : container,
  );
  return { metadata: { name, namespace: BENCH_NAMESPACE, labels, annotations }, spec: { ...spec, initContainers } };
}

function withProbe(container: Container): Container {
  const { lifecycle: _hook, ...rest } = container as Container & { lifecycle?: unknown };
  const startupProbe = { httpGet: { path: "/readyz", port: 9764 }, periodSeconds: 1, failureThreshold: 300 };
  return { ...rest, startupProbe };
}
