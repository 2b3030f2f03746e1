// From an injected pod back to the pod that its author wrote: the inverse of inject.ts, environment.ts and proxy.ts, also
// for pods that an earlier version injected. It takes away what injection added and nothing that merely looks like it:
// the sidecar's own variables say which containers it serves and at which port, and what injection added to a container's
// variables stands behind all that were there. Where two pods would have become the same one, the likelier is given: the
// one without an annotation for kubectl's default container, whose NO_PROXY did not yet end in 127.0.0.1, whose left-out container did not yet close metadata by its last
// variable, whose second region was not yet set beside an endpoint of its own.
import type { Container, EnvVar, Pod } from "../kubernetes/objects.ts";
import { LABELS } from "../policy/annotations.ts";
import { takesPart } from "./mesh.ts";
import { isPodroleContainer, NAMES, PATHS, VOLUME_NAMES } from "./names.ts";
import { isMarked } from "./reserved.ts";
import { allContainers, listOf } from "./shape.ts";

export interface UninjectOptions {
  /** The webhook's --region at injection: it tells AWS_REGION of podrole's from one of the user's. */
  readonly region: string | undefined;
}

const DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container";

/** The very pod when it is not injected. Never changes its input. */
export function uninject(pod: Pod, options: UninjectOptions): Pod {
  const sidecar = allContainers(pod).find(({ name }) => name === NAMES.sidecar);
  // A pod whose author used a name of podrole's was never injected (NAME_RESERVED): only the label counts.
  if (!isMarked(pod)) return pod;
  const served = new Set((valueIn(sidecar, "PODROLE_CONTAINERS") ?? "").split(","));
  const uri = `http://127.0.0.1:${valueIn(sidecar, "PODROLE_PORT") ?? ""}/v1/credentials`;
  const strip = (container: Container): Container => {
    if (served.has(container.name)) return withoutCredentials(container, uri, options);
    return takesPart(pod, container) ? withoutClosedMetadata(container) : container;
  };
  const users = (containers: readonly Container[]) =>
    containers.filter((container) => !isPodroleContainer(container)).map(strip);
  const { initContainers, volumes } = pod.spec;
  return {
    ...pod,
    metadata: unmark(pod),
    spec: {
      ...without(pod.spec, ["initContainers", "volumes"]),
      containers: users(pod.spec.containers),
      ...kept("initContainers", users(listOf(initContainers))),
      ...kept(
        "volumes",
        listOf(volumes).filter(({ name }) => !VOLUME_NAMES.includes(name)),
      ),
    },
  };
}

function unmark({ metadata, spec }: Pod): Pod["metadata"] {
  const { [LABELS.injected]: _mark, ...labels } = metadata.labels ?? {};
  const { [DEFAULT_CONTAINER]: shown, ...annotations } = metadata.annotations ?? {};
  const [first, second] = spec.containers;
  // Injection names the user's first container where podrole's took its place, behind all other annotations. Where the
  // API server has sorted them it may stay: it names what kubectl would take anyway.
  const isLast = Object.keys(metadata.annotations ?? {}).at(-1) === DEFAULT_CONTAINER;
  const isOurs = isLast && first?.name === NAMES.sidecar && second?.name === shown;
  return {
    ...without(metadata, isOurs ? ["labels", "annotations"] : ["labels"]),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(isOurs && Object.keys(annotations).length > 0 && { annotations }),
  };
}

function withoutCredentials(container: Container, uri: string, options: UninjectOptions): Container {
  const mounts = listOf(container.volumeMounts).filter(
    ({ name, mountPath }) => name !== NAMES.tokensVolume || mountPath !== PATHS.tokenInContainer,
  );
  const env = listOf(container.env);
  const tokenFile = `${PATHS.tokenInContainer}/token`;
  const at = env.findIndex(({ name, value }) => name === URI && value === uri);
  const hasPair = at >= 0 && env.some(({ name, value }) => name === TOKEN_FILE && value === tokenFile);
  const own = hasPair ? env.filter((variable, index) => index < at || !isOurs(variable)) : withoutTail(env, options);
  return {
    ...without(container, ["env", "volumeMounts"]),
    ...kept("env", withProxyAsBefore(own)),
    ...kept("volumeMounts", mounts),
  } as Container;
}

const URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/** What injection adds to a container, in its order; only what follows the pair is looked at, so regions are ours. */
const ADDED: readonly { readonly name: string; readonly value?: RegExp }[] = [
  { name: URI },
  { name: TOKEN_FILE },
  { name: "AWS_REGION" },
  { name: "AWS_DEFAULT_REGION" },
  { name: "AWS_EC2_METADATA_DISABLED", value: /^true$/ },
  { name: "AWS_EC2_METADATA_SERVICE_ENDPOINT", value: /^http:\/\/127\.0\.0\.1:\d+$/ },
  { name: "AWS_STS_REGIONAL_ENDPOINTS", value: /^regional$/ },
  { name: "NO_PROXY", value: /^127\.0\.0\.1$/ },
  { name: "no_proxy", value: /^127\.0\.0\.1$/ },
];

function isOurs({ name, value = "" }: EnvVar): boolean {
  return ADDED.some((added) => added.name === name && (added.value?.test(value) ?? true));
}

/**
 * A container that points SDKs elsewhere got everything but the pair. What was added is the end of its list, in the order
 * of ADDED; a region is podrole's when it is the setting's, or copies the other variable.
 */
function withoutTail(env: readonly EnvVar[], { region }: UninjectOptions): readonly EnvVar[] {
  let end = env.length;
  let rank = ADDED.length;
  while (end > 0) {
    const variable = env[end - 1] as EnvVar;
    const own = ADDED.findIndex(({ name }) => name === variable.name);
    if (own < 2 || own >= rank || !isOurs(variable)) break;
    if (own <= 3 && !isRegionOfOurs(variable, env.slice(0, end - 1), region)) break;
    rank = own;
    end -= 1;
  }
  return end === env.length ? env : env.slice(0, end);
}

function isRegionOfOurs({ name, value, valueFrom }: EnvVar, before: readonly EnvVar[], region: string | undefined) {
  const other = name === "AWS_REGION" ? "AWS_DEFAULT_REGION" : "AWS_REGION";
  const twin = before.findLast((variable) => variable.name === other);
  const copies = twin && twin.value === value && JSON.stringify(twin.valueFrom) === JSON.stringify(valueFrom);
  return Boolean(copies) || (region !== undefined && value === region);
}

/** In a container that is told to use a proxy, injection had put the loopback address behind a list that had others. */
function withProxyAsBefore(env: readonly EnvVar[]): readonly EnvVar[] {
  const hasProxy = env.some(({ name, value, valueFrom }) => /^(HTTP|ALL)_PROXY$/i.test(name) && (value || valueFrom));
  if (!hasProxy) return env;
  return env.map((variable) =>
    /^(NO_PROXY|no_proxy)$/.test(variable.name) && variable.value?.endsWith(",127.0.0.1")
      ? { ...variable, value: variable.value.slice(0, -",127.0.0.1".length) }
      : variable,
  );
}

/** A container without a role got one variable, at the end. */
function withoutClosedMetadata(container: Container): Container {
  const env = listOf(container.env);
  const last = env.at(-1);
  if (last?.name !== "AWS_EC2_METADATA_DISABLED" || last.value !== "true") return container;
  return { ...without(container, ["env"]), ...kept("env", env.slice(0, -1)) } as Container;
}

function valueIn(container: Container | undefined, name: string): string | undefined {
  return listOf(container?.env).findLast((variable) => variable.name === name)?.value;
}

/** A list that injection may have made goes with its last element. */
function kept<Key extends string, T>(key: Key, list: readonly T[]): { readonly [K in Key]?: T[] } {
  return (list.length > 0 ? { [key]: [...list] } : {}) as { readonly [K in Key]?: T[] };
}

function without<T extends object, Key extends keyof T>(object: T, keys: readonly Key[]): Omit<T, Key> {
  const copy = { ...object };
  for (const key of keys) delete copy[key];
  return copy;
}
