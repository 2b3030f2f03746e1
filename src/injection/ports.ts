// The two ports of podrole-sidecar. All containers of a pod share one network namespace, so a port that any container
// declares is taken; a port that a container uses without declaring it is not visible in the pod spec.
import type { Container, Pod } from "../kubernetes/objects.ts";
import { isPodroleContainer } from "../policy/facts.ts";
import { PODROLE_NAMES } from "./names.ts";
import { allContainers, listOf } from "./shape.ts";

/** TCP ports of podrole-sidecar inside the pod. */
export interface SidecarPorts {
  /** Container credentials endpoint, on loopback. */
  readonly credentials: number;
  /** Probes and metrics, on the pod's address: the kubelet cannot reach a pod's loopback. */
  readonly health: number;
}

const FIRST_PORTS: SidecarPorts = { credentials: 9763, health: 9764 };

/** Returns the first pair from 9763/9764 upward that no container declares; an injected pod keeps its pair. */
export function choosePorts(pod: Pod): SidecarPorts {
  const present = portsOf(allContainers(pod).find(({ name }) => name === PODROLE_NAMES.sidecar));
  if (present) return present;
  const taken = declaredPorts(pod);
  for (let { credentials, health } = FIRST_PORTS; health <= 65_535; credentials += 2, health += 2) {
    if (!taken.has(credentials) && !taken.has(health)) return { credentials, health };
  }
  return FIRST_PORTS;
}

/** Ports of the sidecar that another container declares too: one that was added after the ports were chosen. */
export function conflictingPorts(pod: Pod, { credentials, health }: SidecarPorts): readonly number[] {
  const taken = declaredPorts(pod);
  return [credentials, health].filter((port) => taken.has(port));
}

function declaredPorts(pod: Pod): ReadonlySet<number> {
  const others = allContainers(pod).filter((container) => !isPodroleContainer(container));
  const ports = others.flatMap((container) => listOf(container.ports)).filter(({ protocol }) => protocol !== "UDP");
  return new Set(ports.map(({ containerPort }) => containerPort));
}

function portsOf(sidecar: Container | undefined): SidecarPorts | undefined {
  const read = (name: string) => Number(listOf(sidecar?.env).find((variable) => variable.name === name)?.value);
  const ports = { credentials: read("PODROLE_PORT"), health: read("PODROLE_HEALTH_PORT") };
  return isPort(ports.credentials) && isPort(ports.health) ? ports : undefined;
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value < 65_536;
}
