// From the old system's flags to podrole's settings: what keeps its meaning is kept, everything else is listed with
// what took its place. Keys are those of SERVER_SETTINGS and WEBHOOK_SETTINGS.
import { parseBaseArn, parseRoleArn, resolveRole } from "../../policy/role.ts";
import { duration } from "../../runtime/settings.ts";
import { GONE } from "../kiam-flags.ts";
import type { Flags } from "./command-lines.ts";

export interface Conversion {
  /** Setting → text, as on the command line. */
  readonly server: Readonly<Record<string, string>>;
  readonly webhook: Readonly<Record<string, string>>;
  /** "--session-duration=15m: …", one for each flag that is not kept as it is. */
  readonly remarks: readonly string[];
}

/** What becomes of one flag; `server` and `webhook` name the settings that take its value. */
export type Converted =
  | { readonly server?: string; readonly webhook?: string; readonly value: string; readonly remark?: string }
  | { readonly remark: string };

export type Row = (value: string, flags: Flags) => Converted;

/** `remainder` speaks about flags that have no row; undefined leaves a flag out without a word. */
export function convert(
  flags: Flags,
  rows: Readonly<Record<string, Row>>,
  remainder: (flag: string) => string | undefined,
): Conversion {
  const server: Record<string, string> = {};
  const webhook: Record<string, string> = {};
  const remarks: string[] = [];
  for (const [flag, value] of flags) {
    const row = Object.hasOwn(rows, flag) ? rows[flag] : undefined;
    const why = row ? undefined : remainder(flag);
    const converted: Converted | undefined = row ? row(value, flags) : why === undefined ? undefined : { remark: why };
    if (!converted) continue;
    if ("value" in converted) {
      if (converted.server !== undefined) server[converted.server] = converted.value;
      if (converted.webhook !== undefined) webhook[converted.webhook] = converted.value;
    }
    const written = value === "true" ? `--${flag}` : `--${flag}=${value}`;
    if (converted.remark !== undefined) remarks.push(`${written}: ${converted.remark}`);
  }
  return { server, webhook, remarks };
}

const HOUR_MS = 3_600_000;

const both =
  (setting: string): Row =>
  (value) => ({ server: setting, webhook: setting, value });

const isTrue =
  (setting: string, where: "server" | "both"): Row =>
  (value) =>
    value === "true"
      ? where === "both"
        ? both(setting)(value, new Map())
        : { server: setting, value }
      : { remark: "podrole's default" };

export const baseArnRow: Row = (value) => {
  const base = parseBaseArn(value);
  if (base === undefined) return { remark: 'it is no base ARN that podrole takes: give roleBaseArn, ending in "/"' };
  const kept = { server: "roleBaseArn", webhook: "roleBaseArn", value: base };
  return value.endsWith("/") ? kept : { ...kept, remark: 'podrole puts "/" between base ARN and role name' };
};

/** Shorter than an hour saves nobody anything: every role allows an hour, and SDKs renew short sessions all the time. */
export function durationRow(value: string, factor: number): Converted {
  const ms = duration.parse(value);
  if (ms === undefined) return { remark: "it is no duration that podrole reads" };
  if (ms * factor <= HOUR_MS) return { remark: "podrole's default of 1h is kept: every role allows it" };
  const text = `${(ms * factor) / 60_000}m`;
  return { server: "sessionDuration", webhook: "sessionDuration", value: text };
}

const KIAM_SERVER: Readonly<Record<string, Row>> = {
  "json-log": isTrue("jsonLog", "both"),
  level: both("level"),
  region: (value) => ({
    server: "region",
    value,
    remark: "set the webhook's region too: AWS_REGION of pods that set none",
  }),
  "role-base-arn": baseArnRow,
  "role-base-arn-autodetect": (value) =>
    value === "true"
      ? {
          server: "roleBaseArnAutodetect",
          webhook: "roleBaseArnAutodetect",
          value,
          remark:
            "the server detects it by STS; set roleBaseArn instead, so that the webhook checks short role names too",
        }
      : { remark: "podrole's default" },
  "disable-strict-namespace-regexp": isTrue("disableStrictNamespaceRegexp", "both"),
  session: (value) => ({
    remark: `podrole names sessions by {namespace}.{pod}; set session: ${value} to keep kiam-${value}`,
  }),
  "session-duration": (value) => durationRow(value, 1),
  "assume-role-arn": (value, flags) => {
    const base = flags.get("role-base-arn");
    const role = parseRoleArn(value) ?? resolveRole(value, base === undefined ? undefined : parseBaseArn(base));
    if ("code" in role) return { remark: `give assumeRoleArn as a full ARN: ${role.message}` };
    return { server: "assumeRoleArn", value: role.arn };
  },
  bind: () => ({ remark: "podrole's ports are 8443 and 8444; the chart's Service brings them" }),
  kubeconfig: () => ({ remark: "podrole uses its pods' ServiceAccount" }),
};

/** Of kiam's server; its agent has no counterpart. */
export function convertKiam(server: Flags, agent: Flags): Conversion {
  const gone = (flag: string) => GONE[`--${flag}`] ?? "podrole has no such flag";
  const converted = convert(server, KIAM_SERVER, gone);
  const agentRows = { "json-log": silent, level: silent };
  const remarks = convert(agent, agentRows, gone).remarks.filter((remark) => remark !== "");
  const known = new Set(converted.remarks);
  return { ...converted, remarks: [...converted.remarks, ...remarks.filter((remark) => !known.has(remark))] };
}

const silent: Row = () => ({ value: "" });

const NOT_CONFIGURABLE = "podrole reads the standard annotation only";

const KUBE2IAM: Readonly<Record<string, Row>> = {
  "base-role-arn": baseArnRow,
  "auto-discover-base-arn": KIAM_SERVER["role-base-arn-autodetect"] as Row,
  "default-role": (value) => ({
    server: "defaultRole",
    webhook: "defaultRole",
    value,
    remark: "kept, but a namespace must permit it like any other role",
  }),
  "auto-discover-default-role": () => ({
    remark: "the node's role is no default of podrole's: name one (defaultRole)",
  }),
  "iam-role-key": (value) => ({
    remark: `${NOT_CONFIGURABLE}: annotate pods with iam.amazonaws.com/role besides ${value}`,
  }),
  "iam-external-id": (value) => ({ remark: `${NOT_CONFIGURABLE}: iam.amazonaws.com/external-id, not ${value}` }),
  "namespace-key": (value) => ({ remark: `${NOT_CONFIGURABLE}: iam.amazonaws.com/allowed-roles, not ${value}` }),
  "namespace-restrictions": () => ({ remark: "podrole always restricts" }),
  "namespace-restriction-format": (value) =>
    ({
      server: "allowedRolesFormat",
      webhook: "allowedRolesFormat",
      value,
      remark: value === "regexp" ? "podrole reads each expression whole, without a base ARN in front" : undefined,
    }) as Converted,
  "iam-role-session-ttl": (value) => durationRow(value, 2),
  "log-level": both("level"),
  "log-format": (value) => ({ server: "jsonLog", webhook: "jsonLog", value: String(value === "json") }),
  debug: () => ({ remark: "podrole explain tells what a pod gets" }),
  "use-regional-sts-endpoint": () => ({ remark: "podrole always uses the regional endpoint" }),
  "metrics-port": () => ({ remark: "metrics are at /metrics of --pages-bind" }),
  iptables: () => ({ remark: GONE["--iptables"] as string }),
};

const NODE_LOCAL =
  /^(app-port|host-ip|host-interface|metadata-addr|node|insecure|api-server|api-token|kubeconfig|cache-resync-period|resolve-duplicate-cache-ips|backoff-.*|iam-role-error-ttl|verbose|version)$/;

export function convertKube2iam(flags: Flags): Conversion {
  const why = "it is about kube2iam's own agent, which has no counterpart";
  return convert(flags, KUBE2IAM, (flag) => (NODE_LOCAL.test(flag) ? why : "podrole has no such flag"));
}
