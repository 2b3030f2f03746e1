// Defaults of a container (k8s.io/kubernetes pkg/apis/core/v1/defaults.go). When the API server calls a webhook again,
// the containers that the webhook injected have these defaults.
import type { Container, EnvVar, PodSpec, ResourceRequirements } from "../../src/kubernetes/objects.ts";
import { isObject } from "../../src/runtime/json-object.ts";

/** Returns the container with its defaults. */
export function containerDefaults(container: Container, { hostNetwork }: PodSpec): Container {
  if (!isObject(container)) return container;
  return {
    ...container,
    resources: resourceDefaults(container.resources ?? {}),
    terminationMessagePath: container["terminationMessagePath"] ?? "/dev/termination-log",
    terminationMessagePolicy: container["terminationMessagePolicy"] ?? "File",
    imagePullPolicy: container["imagePullPolicy"] ?? pullPolicyOf(container.image ?? ""),
    ...(Array.isArray(container.ports) && {
      ports: container.ports.map((port) =>
        Object.assign({}, hostNetwork && { hostPort: port.containerPort }, port, { protocol: port.protocol ?? "TCP" }),
      ),
    }),
    ...(Array.isArray(container.env) && { env: container.env.map(variableDefaults) }),
    ...probeDefaults(container),
  };
}

/** A limit without a request sets the request as well. */
function resourceDefaults(resources: ResourceRequirements): ResourceRequirements {
  if (!isObject(resources.limits)) return resources;
  return { ...resources, requests: { ...resources.limits, ...resources.requests } };
}

function pullPolicyOf(image: string): string {
  const [name = "", digest] = image.split("@");
  const tag = /:([\w.-]+)$/.exec(name)?.[1];
  return digest === undefined && (tag === undefined || tag === "latest") ? "Always" : "IfNotPresent";
}

const PROBE_FIELDS = ["livenessProbe", "readinessProbe", "startupProbe"] as const;

function probeDefaults(container: Container): Partial<Container> {
  const given = PROBE_FIELDS.flatMap((name) => {
    const probe = container[name];
    return isObject(probe) ? [[name, probe] as const] : [];
  });
  const filled = given.map(([name, { httpGet, ...probe }]) => [
    name,
    {
      ...(isObject(httpGet) && { httpGet: { path: "/", scheme: "HTTP", ...httpGet } }),
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
      ...probe,
    },
  ]);
  return Object.fromEntries(filled);
}

function variableDefaults(variable: EnvVar): EnvVar {
  const fieldRef = variable.valueFrom?.["fieldRef"];
  if (!isObject(fieldRef)) return variable;
  return { ...variable, valueFrom: { ...variable.valueFrom, fieldRef: { apiVersion: "v1", ...fieldRef } } };
}
