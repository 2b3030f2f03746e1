// Every warning that a plan can carry, as one table: the code is what podrole's own code decides by, the text is what
// kubectl, the audit log and the command line show. Texts may change freely; no program reads them.
import { ANNOTATIONS, quoted } from "../policy/annotations.ts";
import { SKIP_REASONS, type SkipReason } from "./skip-reasons.ts";

/** The text of each warning. At most about 120 characters each: the API server cuts a warning at 256. */
const TEXTS = {
  ANNOTATION_MISPLACED: (name: string) => `annotation ${name} has no effect on a pod: it belongs on its namespace`,
  ANNOTATION_UNKNOWN: (name: string, nearest?: string) =>
    `annotation ${quoted(name)} is unknown${nearest === undefined ? "" : `, did you mean ${nearest}?`}`,
  LABEL_IGNORED: (name: string) => `label ${quoted(name)} has no effect on a pod: podrole reads the pod's annotations`,
  ROLE_UNCHECKED: (role: string) =>
    `role ${quoted(role)} is checked by the server alone: --role-base-arn is not set, and the server detects its own`,
  SESSION_MAY_BE_SHORTENED: (requested: string) =>
    `${ANNOTATIONS.sessionDuration} ${quoted(requested)} is shortened to 1h if the server runs as a role (role chaining)`,
  ROLE_IGNORED: (reason: SkipReason) => `the role has no effect (${reason}): ${SKIP_REASONS[reason]}`,

  CREDENTIALS_SHADOWED: (container: string, variable: string, effect: string) =>
    `container ${quoted(container)} sets ${variable}: ${effect}`,
  TOKEN_SHADOWED: (container: string, variable: string) =>
    `container ${quoted(container)} sets ${variable}: some SDKs send it instead of podrole's token`,
  ENDPOINT_FOREIGN: (container: string, variable: string) =>
    `container ${quoted(container)} sets ${variable}: podrole leaves its endpoint to it`,
  METADATA_ENDPOINT_FOREIGN: (container: string, variable: string) =>
    `container ${quoted(container)} sets ${variable}: podrole leaves its metadata paths to it`,
  METADATA_OPEN: (container: string, variable: string) =>
    `container ${quoted(container)} sets ${variable}: SDKs may fall back to the node's role`,
  METADATA_UNUSED: (container: string, variable: string) =>
    `container ${quoted(container)} sets ${variable}: SDKs will not ask podrole's metadata paths`,
  REGION_OVERRIDES_ENV_FROM: (container: string, region: string) =>
    `container ${quoted(container)}: AWS_REGION=${region} wins over envFrom, set it in env for another region`,
  PROXY_MAY_INTERCEPT: (container: string, variable: string) =>
    `container ${quoted(container)}: add 127.0.0.1 to the source of ${variable}, or SDKs may use the proxy`,

  PORT_CONTESTED: (port: number) => `port ${port} of podrole-sidecar is declared by another container`,
  MODE_UNAVAILABLE: () => `${ANNOTATIONS.mode}: native is not possible here, classic is used`,
  INIT_WITHOUT_CREDENTIALS: (container: string) =>
    `init container ${quoted(container)} has no credentials in classic mode`,
  NEVER_COMPLETES: (restartPolicy: string) =>
    `in classic mode podrole-sidecar goes on running: a pod with restartPolicy ${restartPolicy} does not complete`,
  STARTS_UNREADY: () => "containers may start before podrole-sidecar has credentials",
  PROCESSES_SHARED: () =>
    "shareProcessNamespace lets containers read each other's tokens: roles do not keep them apart",

  ISTIO_PROBES_FAIL: (healthPort: number) =>
    `istio with STRICT mTLS fails podrole's probes: set traffic.sidecar.istio.io/excludeInboundPorts: "${healthPort}"`,
  ISTIO_CNI_BLOCKS: () =>
    "istio's CNI cuts off podrole's start: exclude podrole's ports in traffic.sidecar.istio.io/excludeOutboundPorts",
  LINKERD_CNI_BLOCKS: () =>
    "linkerd's CNI cuts off podrole's start: exclude podrole's ports in config.linkerd.io/skip-outbound-ports",
} as const satisfies Record<string, (...facts: never[]) => string>;

export type WarningCode = keyof typeof TEXTS;

export interface Warning {
  readonly code: WarningCode;
  readonly text: string;
}

/** The warning `code` about the given facts, such as the container's name. Values that a pod's author wrote are quoted. */
export function warningOf<Code extends WarningCode>(code: Code, ...facts: Parameters<(typeof TEXTS)[Code]>): Warning {
  const text = TEXTS[code] as (...facts: Parameters<(typeof TEXTS)[Code]>) => string;
  return { code, text: text(...facts) };
}
