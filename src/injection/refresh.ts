// What becomes of podrole's containers in a pod that is injected already: by an earlier call in the same admission, by
// the command line, or, in a restored backup, by another installation or an earlier version.
import type { Container, Pod } from "../kubernetes/objects.ts";
import { PIN_VARIABLE } from "../policy/pin.ts";
import { isObject } from "../runtime/json-object.ts";
import { parseImage } from "./image.ts";
import { PODROLE_NAMES } from "./names.ts";
import { installationEnv, type PodroleEnvSettings } from "./podrole-env.ts";
import { effectiveVariable } from "./proxy.ts";
import type { PodroleResources } from "./resources.ts";
import { allContainers, listOf } from "./shape.ts";

/** Variables that depend on the pod, which another webhook may have changed since the earlier call. */
const POD_VARIABLES: ReadonlySet<string> = new Set(["PODROLE_CONTAINERS", PIN_VARIABLE]);

/**
 * Variables that change how Node, OpenSSL, gRPC or the loader start and connect: a proxy that does not know podrole's
 * server, or a module to preload that podrole's image does not have, would keep the sidecar from starting.
 */
const DISTURBING_VARIABLE =
  /^(?:NODE_.*|GRPC_.*|OPENSSL_.*|SSL_CERT_.*|LD_.*|UV_.*|(?:HTTPS?|ALL|NO|GRPC|NO_GRPC)_PROXY)$/i;

/**
 * Returns the container as it should be now: `fresh`, if another installation injected it, or the same one with another
 * trust bundle or another kind of proof; otherwise the present one with the requests and limits of `fresh`, with the
 * variables that depend on the pod, and without those that others added and that would disturb it.
 */
export function refreshOwnContainer(present: Container, fresh: Container, settings: PodroleEnvSettings): Container {
  if (!isOfInstallation(present, settings)) return { ...fresh, ...keptImage(present, fresh) };
  const current = new Map(
    listOf(fresh.env)
      .filter(({ name }) => POD_VARIABLES.has(name))
      .map((variable) => [variable.name, variable]),
  );
  const given = listOf(present.env).filter(({ name }) => !DISTURBING_VARIABLE.test(name));
  // A sidecar that was injected without a pin, or written by hand, gets one.
  const missing = [...current.values()].filter(({ name }) => given.every((variable) => variable.name !== name));
  const { envFrom: _envFrom, resources: own, ...kept } = present;
  // The API server gives every container the field.
  const resources = isEmpty(fresh.resources) ? own && {} : fresh.resources;
  return {
    ...kept,
    env: [...given.map((variable) => current.get(variable.name) ?? variable), ...missing],
    ...(resources && { resources }),
  };
}

/**
 * Returns the requests and limits that podrole's containers have in the pod already, by an earlier call, the command
 * line, LimitRanger or another webhook, if this installation injected them.
 */
export function presentResources(pod: Pod, settings: PodroleEnvSettings): PodroleResources {
  const own = (name: string) =>
    allContainers(pod).find((container) => container.name === name && isOfInstallation(container, settings));
  const resourcesOf = ({ resources }: Container) => (isObject(resources) ? resources : {});
  const [init, sidecar] = [own(PODROLE_NAMES.init), own(PODROLE_NAMES.sidecar)];
  return { ...(init && { init: resourcesOf(init) }), ...(sidecar && { sidecar: resourcesOf(sidecar) }) };
}

function isEmpty(resources: Container["resources"]): boolean {
  return resources === undefined || Object.keys(resources).length === 0;
}

/** True if the container belongs to this installation of podrole, with its trust bundle. */
function isOfInstallation({ env }: Container, settings: PodroleEnvSettings): boolean {
  return installationEnv(settings).every(({ name, value }) => effectiveVariable(listOf(env), name)?.value === value);
}

/** Another webhook may have put a mirror's registry before the image; with another name or tag it is not this image. */
function keptImage({ image = "" }: Container, fresh: Container): Pick<Container, "image"> {
  const [given, ours] = [parseImage(image), parseImage(fresh.image ?? "")];
  return given.name === ours.name && given.tag === ours.tag ? { image } : {};
}
