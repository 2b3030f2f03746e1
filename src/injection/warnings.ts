// Every warning that a plan can carry, in one table. Code is decided by the code alone; texts go to kubectl, the audit
// log and the command line, and may change at any time because no program reads them.
import { ANNOTATIONS, quoted } from "../policy/annotations.ts";
import { SKIP_REASONS, type SkipReason } from "./skip-reasons.ts";

/**
 * Code → text. Kubernetes asks for about 120 characters each and may truncate a warning at 256.
 * (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response)
 */
const WARNING_TEXTS = {
  ANNOTATION_MISPLACED: (name: string) => `annotation ${name} has no effect on a pod: set it on the namespace`,
  ANNOTATION_UNKNOWN: (name: string, nearest?: string) =>
    `annotation ${quoted(name)} is unknown${nearest === undefined ? "" : `; did you mean ${nearest}?`}`,
  LABEL_IGNORED: (name: string) => `label ${quoted(name)} has no effect on a pod: podrole reads the pod's annotations`,
  ROLE_UNCHECKED: (role: string) =>
    `role ${quoted(role)} is checked only by the server: --role-base-arn is not set, and only the server detects the base ARN`,
  SESSION_MAY_BE_SHORTENED: (requested: string) =>
    `${ANNOTATIONS.sessionDuration} ${quoted(requested)} is shortened to 1h (role chaining) if the server runs as a role or uses --first-hops`,
  ROLE_IGNORED: (reason: SkipReason) => `the pod's role has no effect (${reason}): ${SKIP_REASONS[reason]}`,
  LEFTOVERS_REMOVED: (reason: SkipReason) =>
    reason === "NO_ROLE" || reason === "NO_CONTAINER"
      ? "the pod has podrole's sidecar but no role, so podrole takes it out; a copy needs the role (kubectl debug --keep-annotations)"
      : `the pod has podrole's sidecar but podrole does not inject it (${reason}), so podrole takes it out`,

  CREDENTIALS_SHADOWED: (container: string, variable: string, effect: string) =>
    `container ${quoted(container)} sets ${variable}: ${effect}`,
  PROFILES_MOUNTED: (container: string, path: string) =>
    `container ${quoted(container)} mounts ${quoted(path)}: SDKs use credentials of a profile there before podrole`,
  TOKEN_SHADOWED: (container: string, variable: string) =>
    `container ${quoted(container)} sets ${variable}: some SDKs send that token instead of podrole's token`,
  ENDPOINT_FOREIGN: (container: string, variable: string) =>
    `container ${quoted(container)} sets ${variable}: podrole keeps that value and does not add podrole's endpoint`,
  METADATA_ENDPOINT_FOREIGN: (container: string, variable: string) =>
    `container ${quoted(container)} sets ${variable}: podrole keeps that value, so SDKs do not request podrole's metadata paths`,
  METADATA_OPEN: (container: string, variable: string) =>
    `container ${quoted(container)} sets ${variable}: SDKs may fall back to the node's role`,
  METADATA_UNUSED: (container: string, variable: string) =>
    `container ${quoted(container)} sets ${variable}: SDKs do not request podrole's metadata paths`,
  REGION_OVERRIDES_ENV_FROM: (container: string, region: string) =>
    `container ${quoted(container)}: AWS_REGION=${region} overrides envFrom; to use another region, set AWS_REGION in env`,
  PROXY_MAY_INTERCEPT: (container: string, variable: string) =>
    `container ${quoted(container)}: add 127.0.0.1 to the source of ${variable}; otherwise SDKs may use the proxy`,
  ENV_FROM_UNREAD: (container: string, sources: readonly string[]) =>
    `container ${quoted(container)}: envFrom of ${listed(sources)} is not read; AWS keys, a profile or HTTP_PROXY in it hide podrole`,

  PORT_CONFLICT: (port: number) => `another container also declares port ${port} of podrole-sidecar`,
  MODE_UNAVAILABLE: () => `${ANNOTATIONS.mode}: native is not available in this cluster; podrole uses classic mode`,
  INIT_WITHOUT_CREDENTIALS: (container: string) =>
    `init container ${quoted(container)} gets no credentials in classic mode`,
  NEVER_COMPLETES: (restartPolicy: string) =>
    `in classic mode podrole-sidecar keeps running, so a pod with restartPolicy ${restartPolicy} does not complete`,
  SERVER_UNRESOLVED: (policy: string, host: string) =>
    `dnsPolicy ${policy}: podrole-sidecar cannot resolve ${host}, so the pod does not start; use ClusterFirst, or hostAliases`,
  STARTS_UNREADY: () => "containers may start before podrole-sidecar has credentials",
  QUOTA_TIGHT: (quota: string, key: string, needed: string, left: string) =>
    `container "podrole-sidecar" alone needs ${needed} of ${key}, and ResourceQuota ${quoted(quota)} has ${left} left for it`,
  PROCESSES_SHARED: () =>
    "shareProcessNamespace lets containers read each other's tokens: their roles are not isolated from each other",
  NET_RAW_KEPT: (container: string) =>
    `container ${quoted(container)} has CAP_NET_RAW, so it can capture credentials of other roles on loopback: set capabilities.drop: [ALL]`,

  ISTIO_PROBES_FAIL: (healthPort: number) =>
    `istio with STRICT mTLS makes podrole's probes fail: set traffic.sidecar.istio.io/excludeInboundPorts: "${healthPort}"`,
  ISTIO_CNI_BLOCKS: () =>
    "istio's CNI plugin blocks podrole's start: list podrole's ports in traffic.sidecar.istio.io/excludeOutboundPorts",
  LINKERD_CNI_BLOCKS: () =>
    "linkerd's CNI plugin blocks podrole's start: list podrole's ports in config.linkerd.io/skip-outbound-ports",
} as const satisfies Record<string, (...facts: never[]) => string>;

/** The first sources, and how many are left out. */
function listed(sources: readonly string[]): string {
  const shown = sources.slice(0, MAX_LISTED_SOURCES).join(", ");
  const more = sources.length - MAX_LISTED_SOURCES;
  return more > 0 ? `${shown} and ${more} more` : shown;
}

/** More would not fit into a warning. */
const MAX_LISTED_SOURCES = 3;

/** The closed set of codes by which code distinguishes warnings. */
export type WarningCode = keyof typeof WARNING_TEXTS;

/** Every code, in the order of the table. */
export const WARNING_CODES = Object.keys(WARNING_TEXTS) as readonly WarningCode[];

/** Warnings about what SDKs use before podrole, so that the pod's role has no effect. */
export const SHADOW_WARNINGS: ReadonlySet<WarningCode> = new Set<WarningCode>([
  "CREDENTIALS_SHADOWED",
  "PROFILES_MOUNTED",
  "ENDPOINT_FOREIGN",
]);

/** A warning about a pod: `code` for code, `text` for people. */
export interface Warning {
  readonly code: WarningCode;
  readonly text: string;
}

/**
 * Builds the warning `code` from its facts, such as a container's name. Values that a pod's author chose are quoted.
 */
export function warningOf<Code extends WarningCode>(
  code: Code,
  ...facts: Parameters<(typeof WARNING_TEXTS)[Code]>
): Warning {
  const text = WARNING_TEXTS[code] as (...facts: Parameters<(typeof WARNING_TEXTS)[Code]>) => string;
  return { code, text: text(...facts) };
}
