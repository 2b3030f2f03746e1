// From an injected pod back to the pod that its author wrote: the inverse of inject.ts, environment.ts and proxy.ts,
// also for pods that an earlier version injected. It removes what injection added and nothing that only looks like it:
// the sidecar's own variables name the containers that it serves and its port, and the variables that injection added
// to a container follow all that were there before. Where two different pods would have become the same injected pod,
// the likelier one is returned: without an annotation for kubectl's default container or the resolved roles, with a
// NO_PROXY that did not end in 127.0.0.1, with a container without a role whose last variable did not disable metadata,
// and with one region variable beside a foreign endpoint.
import type { Container, Pod } from "../kubernetes/objects.ts";
import { LABELS, RESOLVED_ANNOTATION } from "../policy/annotations.ts";
import { participationIn } from "../policy/containers.ts";
import { isPodroleContainer } from "../policy/facts.ts";
import { DEFAULT_CONTAINER_ANNOTATION, PODROLE_NAMES, VOLUME_NAMES } from "./names.ts";
import { hasOwnParts } from "./parts.ts";
import { effectiveVariable } from "./proxy.ts";
import { withoutPullSecrets } from "./pull-secrets.ts";
import { hasInjectedLabel } from "./reserved.ts";
import { allContainers, listOf } from "./shape.ts";
import { isTokenMount } from "./token-mount.ts";
import { type UninjectOptions, withoutCredentialVariables } from "./uninject-env.ts";

/** Returns the given pod itself when it is not injected. Never changes its input. */
export function uninject(pod: Pod, options: UninjectOptions): Pod {
  const sidecar = allContainers(pod).find(({ name }) => name === PODROLE_NAMES.sidecar);
  // Copies of an injected pod may lack the label. A pod whose author only used a name of podrole's was never injected
  // (NAME_RESERVED).
  if (!hasInjectedLabel(pod) && !hasOwnParts(pod)) return pod;
  const participates = participationIn(pod.metadata.annotations ?? {});
  const served = new Set((valueIn(sidecar, "PODROLE_CONTAINERS") ?? "").split(","));
  const port = valueIn(sidecar, "PODROLE_PORT");
  const strip = (container: Container): Container => {
    const uri = port === undefined ? endpointIn(container) : endpointOf(port);
    if (served.has(container.name) || listOf(container.volumeMounts).some(isTokenMount))
      return withoutCredentials(container, uri, options);
    return participates(container.name) ? withoutDisabledMetadata(container) : container;
  };
  const users = (containers: readonly Container[]) =>
    containers.filter((container) => !isPodroleContainer(container)).map(strip);
  const { initContainers, volumes } = pod.spec;
  const { pullSecrets: added = [] } = options;
  const imagePullSecrets = added.length === 0 ? undefined : withoutPullSecrets(pod, added);
  return {
    ...pod,
    metadata: originalMetadata(pod),
    spec: {
      ...omitKeys(pod.spec, ["initContainers", "volumes", ...(added.length === 0 ? [] : ["imagePullSecrets"])]),
      ...(imagePullSecrets && { imagePullSecrets }),
      containers: users(pod.spec.containers),
      ...unlessEmpty("initContainers", users(listOf(initContainers))),
      ...unlessEmpty(
        "volumes",
        listOf(volumes).filter(({ name }) => !VOLUME_NAMES.includes(name)),
      ),
    },
  };
}

function originalMetadata({ metadata, spec }: Pod): Pod["metadata"] {
  const { [LABELS.injected]: _injected, ...labels } = metadata.labels ?? {};
  const { [RESOLVED_ANNOTATION]: resolved, ...unresolved } = metadata.annotations ?? {};
  const { [DEFAULT_CONTAINER_ANNOTATION]: chosen, ...others } = unresolved;
  const [first, second] = spec.containers;
  // Where podrole's container became the first, injection adds this annotation after all others and names the user's
  // first container. Once the API server has sorted the annotations it may stay: kubectl would use that container
  // anyway.
  const isLast = Object.keys(unresolved).at(-1) === DEFAULT_CONTAINER_ANNOTATION;
  const isOurs = isLast && first?.name === PODROLE_NAMES.sidecar && second?.name === chosen;
  const annotations = isOurs ? others : unresolved;
  const isChanged = isOurs || resolved !== undefined;
  return {
    ...omitKeys(metadata, isChanged ? ["labels", "annotations"] : ["labels"]),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(isChanged && Object.keys(annotations).length > 0 && { annotations }),
  };
}

function withoutCredentials(container: Container, uri: string, options: UninjectOptions): Container {
  const mounts = listOf(container.volumeMounts).filter((mount) => !isTokenMount(mount));
  return {
    ...omitKeys(container, ["env", "volumeMounts"]),
    ...unlessEmpty("env", withoutCredentialVariables(listOf(container.env), uri, options)),
    ...unlessEmpty("volumeMounts", mounts),
  } as Container;
}

function endpointOf(port: string): string {
  return `http://127.0.0.1:${port}/v1/credentials`;
}

/** The endpoint that injection set in a container whose sidecar is gone. */
function endpointIn(container: Container): string {
  const value = valueIn(container, "AWS_CONTAINER_CREDENTIALS_FULL_URI") ?? "";
  return /^http:\/\/127\.0\.0\.1:\d+\/v1\/credentials$/.test(value) ? value : endpointOf("");
}

/** Removes the one variable that injection appends to a container without a role. */
function withoutDisabledMetadata(container: Container): Container {
  const env = listOf(container.env);
  const last = env.at(-1);
  if (last?.name !== "AWS_EC2_METADATA_DISABLED" || last.value !== "true") return container;
  return { ...omitKeys(container, ["env"]), ...unlessEmpty("env", env.slice(0, -1)) } as Container;
}

function valueIn(container: Container | undefined, name: string): string | undefined {
  return effectiveVariable(listOf(container?.env), name)?.value;
}

/** An empty list is omitted: injection may have created it. */
function unlessEmpty<Key extends string, T>(key: Key, list: readonly T[]): { readonly [K in Key]?: T[] } {
  return (list.length > 0 ? { [key]: [...list] } : {}) as { readonly [K in Key]?: T[] };
}

function omitKeys<T extends object, Key extends keyof T>(object: T, keys: readonly Key[]): Omit<T, Key> {
  const copy = { ...object };
  for (const key of keys) delete copy[key];
  return copy;
}
