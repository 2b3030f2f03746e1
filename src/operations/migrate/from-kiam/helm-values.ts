// Values of kiam's Helm chart (6.1.2) as the flags that its templates generate. Values about how kiam's own pods run
// (images, tolerations, resources) generate no flag and are listed separately.
import { isObject } from "../../../runtime/json-object.ts";
import type { ContainerFlags } from "../../manifests/container-flags.ts";
import type { ServerPlacement } from "../settings/chart-values.ts";

/** The values as flags, and what no flag expresses. */
export interface KiamValues {
  readonly server: ContainerFlags;
  readonly agent: ContainerFlags;
  /** How the server's pods run, as values of podrole's chart. */
  readonly placement: ServerPlacement;
  /** Paths such as "agent.tolerations" that are set, generate no flag and have no meaning for podrole. */
  readonly others: readonly string[];
}

interface ValueRow {
  readonly path: string;
  readonly flag: string;
  /** The flag has no value of its own: the template adds it if the chart's value equals `when`. */
  readonly when?: boolean;
}

const SERVER_VALUES: readonly ValueRow[] = [
  { path: "log.jsonOutput", flag: "json-log", when: true },
  { path: "log.level", flag: "level" },
  { path: "roleBaseArn", flag: "role-base-arn" },
  { path: "assumeRoleArn", flag: "assume-role-arn" },
  { path: "sessionDuration", flag: "session-duration" },
  { path: "cache.syncInterval", flag: "sync" },
  { path: "disableStrictNamespaceRegexp", flag: "disable-strict-namespace-regexp", when: true },
  { path: "gatewayTimeoutCreation", flag: "gateway-timeout-creation" },
  { path: "keepaliveParams.time", flag: "grpc-keepalive-time-duration" },
  { path: "keepaliveParams.timeout", flag: "grpc-keepalive-timeout-duration" },
  { path: "keepaliveParams.maxConnectionIdle", flag: "grpc-max-connection-idle-duration" },
  { path: "keepaliveParams.maxConnectionAge", flag: "grpc-max-connection-age-duration" },
  { path: "keepaliveParams.maxConnectionAgeGrace", flag: "grpc-max-connection-age-grace-duration" },
];

const AGENT_VALUES: readonly ValueRow[] = [
  { path: "host.iptables", flag: "iptables", when: true },
  { path: "host.iptablesRemoveOnShutdown", flag: "iptables-remove" },
  { path: "host.interface", flag: "host-interface" },
  { path: "host.port", flag: "port" },
  { path: "allowRouteRegexp", flag: "allow-route-regexp" },
  { path: "whiteListRouteRegexp", flag: "whitelist-route-regexp" },
  { path: "gatewayTimeoutCreation", flag: "gateway-timeout-creation" },
  { path: "keepaliveParams.time", flag: "grpc-keepalive-time-duration" },
  { path: "keepaliveParams.timeout", flag: "grpc-keepalive-timeout-duration" },
];

/** Accepts any YAML value; what is not an object counts as empty. */
export function readKiamValues(values: unknown): KiamValues {
  const root = isObject(values) ? values : {};
  const [server, agent] = [partOf(root, "server"), partOf(root, "agent")];
  const serverFlags = flagsOfValues(server, SERVER_VALUES);
  // The template does the same: without a base ARN, kiam detects it.
  if (!serverFlags.has("role-base-arn")) serverFlags.set("role-base-arn-autodetect", "true");
  return {
    server: serverFlags,
    agent: flagsOfValues(agent, AGENT_VALUES),
    placement: placementOf(server, partOf(partOf(root, "serviceAccounts"), "server")),
    others: [...othersOf("server", server, SERVER_VALUES, PLACEMENT_KEYS), ...othersOf("agent", agent, AGENT_VALUES)],
  };
}

function flagsOfValues(part: Record<string, unknown>, rows: readonly ValueRow[]): Map<string, string> {
  const flags = new Map<string, string>();
  for (const { path, flag, when } of rows) {
    const value = valueAtPath(part, path);
    if (asText(value) === "" || (when !== undefined && value !== when)) continue;
    flags.set(flag, asText(value));
  }
  for (const [name, value] of Object.entries(partOf(part, "extraArgs"))) {
    flags.set(name, asText(value) || "true");
  }
  return flags;
}

function asText(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** Names that both charts share. Affinity and resources are left out: they were chosen for kiam's pods. */
const PLACEMENT_KEYS = ["nodeSelector", "tolerations", "podAnnotations", "podLabels", "extraEnv"];

function placementOf(server: Record<string, unknown>, account: Record<string, unknown>): ServerPlacement {
  const same = PLACEMENT_KEYS.filter((key) => !isUnsetPlacement(server[key])).map((key) => [key, server[key]]);
  const { enabled, replicas } = partOf(server, "deployment");
  return {
    ...(enabled === true && typeof replicas === "number" && { replicas }),
    ...Object.fromEntries(same),
    ...(!isUnsetPlacement(account["annotations"]) && { serviceAccount: { annotations: account["annotations"] } }),
  };
}

function othersOf(
  name: string,
  part: Record<string, unknown>,
  rows: readonly ValueRow[],
  also: readonly string[] = [],
): readonly string[] {
  const silent = ["extraArgs", "enabled", "name", "prometheus", "deployment", ...also];
  const known = new Set([...rows.map(({ path }) => path.split(".", 1)[0]), ...silent]);
  return Object.entries(part)
    .filter(([key, value]) => !known.has(key) && !isUnset(value))
    .map(([key]) => `${name}.${key}`);
}

/** An object with a key is not: the usual node selector, `node-role.kubernetes.io/control-plane: ""`, has no text. */
function isUnsetPlacement(value: unknown): boolean {
  return isObject(value) ? Object.keys(value).length === 0 : isUnset(value);
}

function isUnset(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.values(value).every(isUnset);
}

function partOf(value: Record<string, unknown>, key: string): Record<string, unknown> {
  const part = value[key];
  return isObject(part) ? part : {};
}

function valueAtPath(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value);
}
