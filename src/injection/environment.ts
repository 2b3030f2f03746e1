// The variables by which an AWS SDK finds podrole. What the user set stays as it is, and a warning says when it takes
// precedence over podrole. The order of SDK chains: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
import type { Container, EnvVar } from "../kubernetes/objects.ts";
import { NAMES, PATHS } from "./names.ts";
import { exemptLoopback, lastOf } from "./proxy.ts";
import { listOf } from "./shape.ts";
import { type Warning, warningOf } from "./warnings.ts";

export interface Surfaces {
  /** Port of the sidecar's credentials endpoint, on 127.0.0.1. */
  readonly port: number;
  /** Undefined: nobody knows it, and SDKs look for it themselves. */
  readonly region: string | undefined;
  /** The pod asked for the paths of the instance metadata service. */
  readonly metadata: boolean;
}

export interface ContainerChange {
  readonly container: Container;
  readonly warnings: readonly Warning[];
}

/** A container with a role: endpoint, token, region, and no way to the node's role. */
export function giveCredentials(container: Container, { port, region, metadata }: Surfaces): ContainerChange {
  const { name } = container;
  const given = listOf(container.env);
  // The literal address, because some SDKs accept neither "localhost" nor other loopback addresses.
  const pair = [
    { name: "AWS_CONTAINER_CREDENTIALS_FULL_URI", value: `http://127.0.0.1:${port}/v1/credentials` },
    { name: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", value: `${PATHS.tokenInContainer}/token` },
  ];
  const foreign = pair.filter((ours) => isForeign(lastOf(given, ours.name), ours));
  const instance = metadata
    ? { name: "AWS_EC2_METADATA_SERVICE_ENDPOINT", value: `http://127.0.0.1:${port}` }
    : METADATA_DISABLED;
  const added = [
    // Both or neither: half of a pair that points elsewhere would send podrole's token to a stranger.
    ...(foreign.length > 0 ? [] : pair),
    ...regionVariables(given, region),
    instance,
    { name: "AWS_STS_REGIONAL_ENDPOINTS", value: "regional" },
  ].filter((variable) => lastOf(given, variable.name) === undefined);
  const { env, warnings } = exemptLoopback(name, [...given, ...added]);
  return {
    container: withTokenMount(
      env.length === given.length && env === given ? container : { ...container, env: [...env] },
    ),
    warnings: [
      ...foreign.map((ours) => warningOf("ENDPOINT_FOREIGN", name, ours.name)),
      ...shadowWarnings(name, given, metadata),
      ...(metadata && isForeign(lastOf(given, instance.name), instance)
        ? [warningOf("METADATA_ENDPOINT_FOREIGN", name, instance.name)]
        : []),
      ...regionWarnings(container, added),
      ...warnings,
    ],
  };
}

/** A container without a role: nothing but the certainty that no SDK falls back to the node's role unnoticed. */
export function closeMetadata(container: Container): Container {
  const env = listOf(container.env);
  if (lastOf(env, METADATA_DISABLED.name)) return container;
  return { ...container, env: [...env, METADATA_DISABLED] };
}

/** Lower case: the SDKs for JavaScript and Java read nothing else as true. */
const METADATA_DISABLED = { name: "AWS_EC2_METADATA_DISABLED", value: "true" };

const REGIONS = ["AWS_REGION", "AWS_DEFAULT_REGION"] as const;

/** SDKs read one variable or the other, so both say the same. A region of the user's own is copied with its source. */
function regionVariables(given: readonly EnvVar[], region: string | undefined): readonly EnvVar[] {
  const own = REGIONS.map((name) => lastOf(given, name)).find((variable) => variable !== undefined);
  if (own) return REGIONS.map((name) => ({ ...own, name }));
  return region === undefined ? [] : REGIONS.map((name) => ({ name, value: region }));
}

function regionWarnings({ name, envFrom }: Container, added: readonly EnvVar[]): readonly Warning[] {
  const sources = Array.isArray(envFrom) ? (envFrom as { prefix?: unknown }[]) : [];
  const mayNameRegion = sources.some(
    ({ prefix }) => typeof prefix !== "string" || "AWS_DEFAULT_REGION".startsWith(prefix),
  );
  const set = added.find((variable) => variable.name === "AWS_REGION")?.value;
  // Kubernetes lets `env` win over `envFrom`, whose content cannot be seen at admission.
  return mayNameRegion && set !== undefined ? [warningOf("REGION_OVERRIDES_ENV_FROM", name, set)] : [];
}

function isForeign(current: EnvVar | undefined, ours: Required<Pick<EnvVar, "value">>): boolean {
  return current !== undefined && (current.value !== ours.value || Boolean(current.valueFrom));
}

/** An authorization token in the variable itself, which SDKs accept beside the token file. */
const STATIC_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN";

/** What SDKs use before, or instead of, the endpoint; `also`: only together with this one. */
const SHADOWS: readonly { readonly name: string; readonly also?: string; readonly effect: string }[] = [
  { name: "AWS_ACCESS_KEY_ID", effect: "SDKs use it before podrole" },
  { name: "AWS_WEB_IDENTITY_TOKEN_FILE", also: "AWS_ROLE_ARN", effect: "most SDKs use it before podrole" },
  { name: "AWS_PROFILE", effect: "SDKs use that profile before podrole" },
  { name: "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", effect: "SDKs use it before podrole" },
];

function shadowWarnings(name: string, given: readonly EnvVar[], metadata: boolean): readonly Warning[] {
  const isSet = (variable: string) => {
    const current = lastOf(given, variable);
    return current !== undefined && Boolean(current.value || current.valueFrom);
  };
  const shadows = SHADOWS.filter((row) => isSet(row.name) && (row.also === undefined || isSet(row.also)));
  const open = lastOf(given, METADATA_DISABLED.name);
  return [
    ...shadows.map((row) => warningOf("CREDENTIALS_SHADOWED", name, row.name, row.effect)),
    ...(isSet(STATIC_TOKEN) ? [warningOf("TOKEN_SHADOWED", name, STATIC_TOKEN)] : []),
    ...(open && !metadata && open.value !== "true" ? [warningOf("METADATA_OPEN", name, open.name)] : []),
    ...(open && metadata ? [warningOf("METADATA_UNUSED", name, open.name)] : []),
  ];
}

function withTokenMount(container: Container): Container {
  const mounts = listOf(container.volumeMounts);
  if (mounts.some(({ mountPath }) => mountPath === PATHS.tokenInContainer)) return container;
  const mount = {
    name: NAMES.tokensVolume,
    mountPath: PATHS.tokenInContainer,
    subPath: container.name,
    readOnly: true,
  };
  return { ...container, volumeMounts: [...mounts, mount] };
}
