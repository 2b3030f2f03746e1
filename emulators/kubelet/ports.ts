// Two pods on one host share its ports, while each pod of a cluster has its own network. This adds an offset to the
// ports of podrole's sidecar in a pod spec, wherever the spec passes them to a process or a probe. Pure.
import type { Container, EnvVar, Pod } from "../../src/kubernetes/objects.ts";

const PORT_VARIABLES = new Set(["PODROLE_PORT", "PODROLE_HEALTH_PORT"]);
/** URLs of the sidecar on loopback, which SDKs read. */
const URL_VARIABLES = new Set(["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_EC2_METADATA_SERVICE_ENDPOINT"]);
const SHIFTED_PROBES = ["startupProbe", "livenessProbe", "readinessProbe"] as const;

/** Returns the pod with the sidecar's ports increased by `offset`. The user's own ports are unchanged. */
export function shiftPorts(pod: Pod, offset: number): Pod {
  const { initContainers, containers } = pod.spec;
  const ports = new Set([...(initContainers ?? []), ...containers].flatMap(variablePorts));
  const shiftPort = (port: unknown) => (ports.has(Number(port)) ? Number(port) + offset : port);
  const shift = (container: Container): Container => ({
    ...container,
    ...(container.env && { env: container.env.map((variable) => shiftVariable(variable, ports, offset)) }),
    ...Object.fromEntries(
      SHIFTED_PROBES.filter((name) => container[name] !== undefined).map((name) => [
        name,
        shiftProbe(container[name], shiftPort),
      ]),
    ),
  });
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: containers.map(shift),
      ...(initContainers && { initContainers: initContainers.map(shift) }),
    },
  };
}

function variablePorts({ env = [] }: Container): number[] {
  return env.filter(({ name }) => PORT_VARIABLES.has(name)).map(({ value }) => Number(value));
}

function shiftVariable(variable: EnvVar, ports: ReadonlySet<number>, offset: number): EnvVar {
  const { name, value } = variable;
  if (value === undefined) return variable;
  if (PORT_VARIABLES.has(name)) return { ...variable, value: String(Number(value) + offset) };
  if (!URL_VARIABLES.has(name)) return variable;
  const shifted = value.replace(/^(https?:\/\/[^/]*:)(\d+)/, (whole, before: string, port: string) =>
    ports.has(Number(port)) ? `${before}${Number(port) + offset}` : whole,
  );
  return { ...variable, value: shifted };
}

type PortProbe = Record<"httpGet" | "tcpSocket", { port?: unknown } | undefined>;

function shiftProbe(probe: unknown, shiftPort: (port: unknown) => unknown): unknown {
  const { httpGet, tcpSocket } = probe as PortProbe;
  return {
    ...(probe as PortProbe),
    ...(httpGet && { httpGet: { ...httpGet, port: shiftPort(httpGet.port) } }),
    ...(tcpSocket && { tcpSocket: { ...tcpSocket, port: shiftPort(tcpSocket.port) } }),
  };
}
