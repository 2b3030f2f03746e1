// The pods whose start times are compared.

import type { Container, Pod } from "../../../src/kubernetes/objects.ts";
import { appContainer, podManifest } from "../../cluster/node/pods.ts";

/** Namespace of the pods; main.ts creates it. */
export const BENCH_NAMESPACE = "start";

export interface StartShape {
  readonly name: string;
  /** Without a role podrole does not change the pod. */
  readonly role?: string;
  readonly initContainers?: readonly unknown[];
  /** Changes the injected pod before it is created. */
  readonly change?: (pod: Pod) => Pod;
}

/**
 * The shape of an injected pod without podrole: a native sidecar and a postStart hook, both Node programs that do
 * nothing.
 */
const BARE: readonly unknown[] = [
  {
    name: "sidecar",
    image: "localhost/podrole-test:1",
    restartPolicy: "Always",
    args: ["--eval", 'setInterval(() => {}, 1e6); process.on("SIGTERM", () => process.exit(0))'],
    lifecycle: { postStart: { exec: { command: ["node", "--eval", "0"] } } },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
  },
];

const ROLE = "shop-orders";

export const SHAPES: readonly StartShape[] = [
  { name: "plain" },
  { name: "bare", initContainers: BARE },
  { name: "podrole", role: ROLE },
  { name: "probe", role: ROLE, change: waitByProbe },
];

export function manifestOf({ role, initContainers }: StartShape, name: string): string {
  const spec = { initContainers: initContainers ?? [] };
  return podManifest(name, { ...(role !== undefined && { role }), containers: [appContainer("app", "start")], spec });
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
