// Environment variables by which AWS SDKs in the user's containers find podrole. Variables that the user set stay as
// they are, and a warning names each one that takes precedence over podrole. The order in which SDKs search:
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
import type { Container, EnvVar } from "../kubernetes/objects.ts";
import { PODROLE_NAMES } from "./names.ts";
import { effectiveVariable, effectiveVariables, exemptLoopback } from "./proxy.ts";
import { precedenceWarnings, regionWarnings } from "./sdk-precedence.ts";
import { listOf } from "./shape.ts";
import { type Warning, warningOf } from "./warnings.ts";

/** What a container with a role needs to know about the sidecar and the region. */
export interface CredentialSettings {
  /** Port of the sidecar's credentials endpoint on 127.0.0.1. */
  readonly port: number;
  /** AWS region for containers that set none; undefined if unknown: SDKs then search for one themselves. */
  readonly region: string | undefined;
  /** True when the pod requests the paths of the instance metadata service. */
  readonly hasMetadata: boolean;
  /** Directory of the container's token. */
  readonly tokenDirectory: string;
}

/** The changed container; the given one is not modified. */
export interface ContainerChange {
  readonly container: Container;
  readonly warnings: readonly Warning[];
}

/** Disables the node's metadata service in SDKs. Lower case: those for JavaScript and Java accept no other spelling. */
const METADATA_DISABLED_VARIABLE = { name: "AWS_EC2_METADATA_DISABLED", value: "true" };

/** For a container with a role: adds endpoint, token and region, and closes the SDKs' path to the node's role. */
export function addCredentials(
  container: Container,
  { port, region, hasMetadata, tokenDirectory }: CredentialSettings,
): ContainerChange {
  const { name } = container;
  const given = listOf(container.env);
  const set = effectiveVariables(given);
  // The literal address, because some SDKs accept neither "localhost" nor other loopback addresses.
  const pair = [
    { name: "AWS_CONTAINER_CREDENTIALS_FULL_URI", value: `http://127.0.0.1:${port}/v1/credentials` },
    { name: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", value: `${tokenDirectory}/token` },
  ];
  const foreign = pair.filter((ours) => isForeign(set.get(ours.name), ours));
  const instance = hasMetadata
    ? { name: "AWS_EC2_METADATA_SERVICE_ENDPOINT", value: `http://127.0.0.1:${port}` }
    : METADATA_DISABLED_VARIABLE;
  const added = [
    // Both or neither: half of the pair beside a foreign other half would send podrole's token to another endpoint.
    ...(foreign.length > 0 ? [] : pair),
    ...regionVariables(set, region),
    instance,
    { name: "AWS_STS_REGIONAL_ENDPOINTS", value: "regional" },
  ].filter((variable) => !set.has(variable.name));
  const { env, warnings } = exemptLoopback(name, [...given, ...added]);
  return {
    container: withTokenMount({ ...container, env: [...env] }, tokenDirectory),
    warnings: [
      ...foreign.map((ours) => warningOf("ENDPOINT_FOREIGN", name, ours.name)),
      ...precedenceWarnings(container, set, hasMetadata),
      ...(hasMetadata && isForeign(set.get(instance.name), instance)
        ? [warningOf("METADATA_ENDPOINT_FOREIGN", name, instance.name)]
        : []),
      ...regionWarnings(container, added),
      ...warnings,
    ],
  };
}

/** For a container without a role: adds only the variable that keeps SDKs from falling back to the node's role. */
export function disableMetadata(container: Container): Container {
  const env = listOf(container.env);
  if (effectiveVariable(env, METADATA_DISABLED_VARIABLE.name)) return container;
  return { ...container, env: [...env, METADATA_DISABLED_VARIABLE] };
}

const REGION_VARIABLES = ["AWS_REGION", "AWS_DEFAULT_REGION"] as const;

/**
 * Sets both variables, because some SDKs read one and some the other. A region of the user's is copied with its source.
 */
function regionVariables(set: ReadonlyMap<string, EnvVar>, region: string | undefined): readonly EnvVar[] {
  const own = REGION_VARIABLES.map((name) => set.get(name)).find((variable) => variable !== undefined);
  if (own) return REGION_VARIABLES.map((name) => ({ ...own, name }));
  return region === undefined ? [] : REGION_VARIABLES.map((name) => ({ name, value: region }));
}

function isForeign(current: EnvVar | undefined, ours: Required<Pick<EnvVar, "value">>): boolean {
  return current !== undefined && (current.value !== ours.value || Boolean(current.valueFrom));
}

function withTokenMount(container: Container, mountPath: string): Container {
  const mounts = listOf(container.volumeMounts);
  if (mounts.some((mount) => mount.mountPath === mountPath)) return container;
  const mount = {
    name: PODROLE_NAMES.tokensVolume,
    mountPath,
    subPath: container.name,
    readOnly: true,
  };
  return { ...container, volumeMounts: [...mounts, mount] };
}
