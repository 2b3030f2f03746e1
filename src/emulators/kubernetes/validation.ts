// The rules of a real API server that an injected pod could break (core validation of Pod).
import type { Container, Pod } from "../../kubernetes/objects.ts";
import type { KubeObject } from "./store.ts";

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Problems in the API server's form, field first; empty for a valid pod. */
export function validatePod(object: KubeObject): string[] {
  const { spec } = object as unknown as Pod;
  const containers = spec.containers ?? [];
  const init = spec.initContainers ?? [];
  const volumes = (spec.volumes ?? []).map(({ name }) => name);
  const problems = containers.length === 0 ? ["spec.containers: Required value"] : [];
  problems.push(
    ...duplicates(
      [...containers, ...init].map(({ name }) => name),
      "spec.containers[].name",
    ),
  );
  problems.push(...duplicates(volumes, "spec.volumes[].name"));
  for (const container of containers) problems.push(...validateContainer(container, volumes, "spec.containers"));
  for (const container of init) problems.push(...validateContainer(container, volumes, "spec.initContainers"));
  for (const { name, restartPolicy, ...container } of init) {
    if (restartPolicy === undefined && ("startupProbe" in container || "livenessProbe" in container)) {
      problems.push(
        `spec.initContainers[${name}]: Forbidden: probes may not be set for init containers without restartPolicy=Always`,
      );
    }
  }
  return problems;
}

function validateContainer(
  { name, image, env = [], volumeMounts = [] }: Container,
  volumes: readonly string[],
  field: string,
): string[] {
  const at = `${field}[${name}]`;
  const problems = duplicates(
    volumeMounts.map(({ mountPath }) => mountPath),
    `${at}.volumeMounts[].mountPath`,
  );
  if (!LABEL.test(name ?? "")) problems.push(`${at}.name: Invalid value: ${JSON.stringify(name)}`);
  if (!image) problems.push(`${at}.image: Required value`);
  for (const variable of env) {
    if (!variable.name) problems.push(`${at}.env[].name: Required value`);
    if (variable.value && variable.valueFrom)
      problems.push(`${at}.env[${variable.name}].valueFrom: may not be specified when \`value\` is not empty`);
  }
  for (const mount of volumeMounts) {
    if (!volumes.includes(mount.name))
      problems.push(`${at}.volumeMounts[${mount.name}].name: Not found: ${JSON.stringify(mount.name)}`);
  }
  return problems;
}

function duplicates(values: readonly string[], field: string): string[] {
  const repeated = values.filter((value, index) => values.indexOf(value) !== index);
  return repeated.map((value) => `${field}: Duplicate value: ${JSON.stringify(value)}`);
}
