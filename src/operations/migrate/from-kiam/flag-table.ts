// The flags of kiam's server and agent as podrole's settings.
import { parseBaseArn, parseRoleArn, resolveRole } from "../../../policy/role.ts";
import { isRefusal } from "../../../protocol/errors.ts";
import type { ContainerFlags } from "../../manifests/container-flags.ts";
import {
  baseArn,
  baseArnAutodetect,
  type Conversion,
  type ConvertFlag,
  convertFlags,
  keptFlag,
  sessionDuration,
  silentFlag,
} from "../settings/convert-flags.ts";
import { KIAM_FLAGS } from "./replaced-flags.ts";

const DEFAULT_REMARK = { remark: "podrole's default" };

const KIAM_SERVER_FLAGS: Readonly<Record<string, ConvertFlag>> = {
  "json-log": (value, flags) => (value === "true" ? keptFlag("jsonLog")(value, flags) : DEFAULT_REMARK),
  level: keptFlag("level"),
  region: (value) => ({
    server: "region",
    value,
    remark: "set the webhook's region too: it becomes AWS_REGION of pods that set none",
  }),
  "role-base-arn": baseArn,
  "role-base-arn-autodetect": baseArnAutodetect,
  "disable-strict-namespace-regexp": (value, flags) =>
    value === "true" ? keptFlag("disableStrictNamespaceRegexp")(value, flags) : DEFAULT_REMARK,
  session: (value) => ({
    remark: `podrole names sessions by {namespace}.{pod}; set session: ${value} to keep kiam-${value}`,
  }),
  "session-duration": (value) => sessionDuration(value, 1),
  "assume-role-arn": (value, flags) => {
    const base = flags.get("role-base-arn");
    const role = parseRoleArn(value) ?? resolveRole(value, base === undefined ? undefined : parseBaseArn(base));
    if (isRefusal(role)) return { remark: `set assumeRoleArn to a full ARN: ${role.message}` };
    return { server: "assumeRoleArn", value: role.arn };
  },
  bind: () => ({ remark: "podrole listens on 8443 and 8444; the chart creates the Service" }),
  kubeconfig: () => ({ remark: "podrole uses the ServiceAccount of its pods" }),
};

/** The agent has no counterpart in podrole, so each of its flags gets a remark, except the logging flags. */
const KIAM_AGENT_FLAGS: Readonly<Record<string, ConvertFlag>> = { "json-log": silentFlag, level: silentFlag };

/** A remark about a flag of both programs appears only once. */
export function convertKiam(server: ContainerFlags, agent: ContainerFlags): Conversion {
  const explain = (flag: string) => KIAM_FLAGS[`--${flag}`] ?? "podrole has no such flag";
  const converted = convertFlags(server, KIAM_SERVER_FLAGS, explain);
  const { remarks } = convertFlags(agent, KIAM_AGENT_FLAGS, explain);
  return { ...converted, remarks: [...new Set([...converted.remarks, ...remarks])] };
}
