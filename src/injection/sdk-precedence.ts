// Warnings about variables set by the user that take precedence over what podrole adds. The order in which SDKs search:
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
import type { Container, EnvVar } from "../kubernetes/objects.ts";
import { listOf } from "./shape.ts";
import { type Warning, warningOf } from "./warnings.ts";

/**
 * Sources of credentials that SDKs use before, or instead of, the endpoint; `also`: the row applies only if that
 * variable is set too.
 */
const SHADOWING_VARIABLES: readonly { readonly name: string; readonly also?: string; readonly effect: string }[] = [
  { name: "AWS_ACCESS_KEY_ID", effect: "SDKs use it before podrole" },
  { name: "AWS_WEB_IDENTITY_TOKEN_FILE", also: "AWS_ROLE_ARN", effect: "most SDKs use it before podrole" },
  { name: "AWS_PROFILE", effect: "SDKs use that profile before podrole" },
  { name: "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", effect: "SDKs use it before podrole" },
  // Go and Java v1 accept these names as well.
  { name: "AWS_ACCESS_KEY", also: "AWS_SECRET_KEY", effect: "some SDKs use it before podrole" },
  { name: "AWS_DEFAULT_PROFILE", effect: "the AWS CLI and boto3 use that profile before podrole" },
  { name: "AWS_SHARED_CREDENTIALS_FILE", effect: "SDKs use credentials of that file before podrole" },
  { name: "AWS_CONFIG_FILE", effect: "SDKs use credentials that this file configures before podrole" },
  { name: "AWS_CREDENTIAL_PROFILES_FILE", effect: "older SDKs use credentials of that file before podrole" },
];

/** Names of the variables of which each may hide podrole, some only beside another one. */
export const SHADOWING_NAMES: readonly string[] = SHADOWING_VARIABLES.map(({ name }) => name);

/** A directory or file in which SDKs search for profiles: in the home directory, which the pod spec does not show. */
const PROFILE_MOUNT = /(^|\/)\.aws(\/(credentials|config))?\/*$/;

/** Returns the rows that apply to a container in which `isSet` tells which variables are set. */
export function shadowingRows(isSet: (variable: string) => boolean) {
  return SHADOWING_VARIABLES.filter((row) => isSet(row.name) && (row.also === undefined || isSet(row.also)));
}

/** The authorization token itself; some SDKs send it instead of the token in podrole's file. */
const STATIC_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const METADATA_DISABLED = "AWS_EC2_METADATA_DISABLED";

/**
 * Warns about credentials, profiles, tokens and metadata settings that the container sets itself. `set`: its
 * effectiveVariables(). `hasMetadata`: whether the pod has the instance metadata paths.
 */
export function precedenceWarnings(
  { name, volumeMounts }: Container,
  set: ReadonlyMap<string, EnvVar>,
  hasMetadata: boolean,
): readonly Warning[] {
  const isSet = (variable: string) => {
    const current = set.get(variable);
    return current !== undefined && Boolean(current.value || current.valueFrom);
  };
  const profiles = listOf(volumeMounts).filter(({ mountPath }) => PROFILE_MOUNT.test(mountPath));
  const disabled = set.get(METADATA_DISABLED);
  return [
    ...shadowingRows(isSet).map((row) => warningOf("CREDENTIALS_SHADOWED", name, row.name, row.effect)),
    ...profiles.map(({ mountPath }) => warningOf("PROFILES_MOUNTED", name, mountPath)),
    ...(isSet(STATIC_TOKEN) ? [warningOf("TOKEN_SHADOWED", name, STATIC_TOKEN)] : []),
    ...(disabled && !hasMetadata && disabled.value !== "true"
      ? [warningOf("METADATA_OPEN", name, METADATA_DISABLED)]
      : []),
    ...(disabled && hasMetadata ? [warningOf("METADATA_UNUSED", name, METADATA_DISABLED)] : []),
  ];
}

/** Warns when the region among the `added` variables may override one from the container's envFrom. */
export function regionWarnings({ name, envFrom }: Container, added: readonly EnvVar[]): readonly Warning[] {
  const sources = Array.isArray(envFrom) ? (envFrom as { prefix?: unknown }[]) : [];
  const mayContainRegion = sources.some(
    ({ prefix }) => typeof prefix !== "string" || "AWS_DEFAULT_REGION".startsWith(prefix),
  );
  const set = added.find((variable) => variable.name === "AWS_REGION")?.value;
  // `env` takes precedence over `envFrom`, whose content is not visible at admission.
  return mayContainRegion && set !== undefined ? [warningOf("REGION_OVERRIDES_ENV_FROM", name, set)] : [];
}
