// What becomes of podrole's containers in a pod that is injected already: by an earlier call in the same admission, by
// the command line, or, in a restored backup, by another installation or an earlier version.
import type { Container } from "../kubernetes/objects.ts";
import { PIN_VARIABLE } from "../policy/pin.ts";
import { parseImage } from "./image.ts";
import { effectiveVariable } from "./proxy.ts";
import { listOf } from "./shape.ts";

/** Variables by which the sidecar knows the installation that it belongs to. */
const INSTALLATION_VARIABLES: readonly string[] = [
  "PODROLE_SERVER_ADDRESS",
  "PODROLE_IDENTITY_ADDRESS",
  "PODROLE_SERVER_NAME",
  "PODROLE_TRUST_BUNDLE",
];

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
 * trust bundle; otherwise the present one with the variables that depend on the pod, and without those that others
 * added and that would disturb it.
 */
export function refreshOwnContainer(present: Container, fresh: Container): Container {
  if (!isOfInstallation(present, fresh)) return { ...fresh, ...keptImage(present, fresh) };
  const current = new Map(
    listOf(fresh.env)
      .filter(({ name }) => POD_VARIABLES.has(name))
      .map((variable) => [variable.name, variable]),
  );
  const given = listOf(present.env).filter(({ name }) => !DISTURBING_VARIABLE.test(name));
  // A sidecar that was injected without a pin, or written by hand, gets one.
  const missing = [...current.values()].filter(({ name }) => given.every((variable) => variable.name !== name));
  const { envFrom: _envFrom, ...kept } = present;
  return { ...kept, env: [...given.map((variable) => current.get(variable.name) ?? variable), ...missing] };
}

/** True if both containers belong to one installation of podrole, with one trust bundle. */
function isOfInstallation(present: Container, fresh: Container): boolean {
  const valueIn = ({ env }: Container, name: string) => effectiveVariable(listOf(env), name)?.value;
  return INSTALLATION_VARIABLES.every((name) => valueIn(present, name) === valueIn(fresh, name));
}

/** Another webhook may have put a mirror's registry before the image; with another name or tag it is not this image. */
function keptImage({ image = "" }: Container, fresh: Container): Pick<Container, "image"> {
  const [given, ours] = [parseImage(image), parseImage(fresh.image ?? "")];
  return given.name === ours.name && given.tag === ours.tag ? { image } : {};
}
