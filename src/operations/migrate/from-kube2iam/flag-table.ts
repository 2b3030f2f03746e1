// The flags of kube2iam as podrole's settings.
import { ANNOTATIONS } from "../../../policy/annotations.ts";
import type { ContainerFlags } from "../../manifests/container-flags.ts";
import { KIAM_FLAGS } from "../from-kiam/replaced-flags.ts";
import {
  baseArn,
  baseArnAutodetect,
  type Conversion,
  type ConvertFlag,
  convertFlags,
  keptFlag,
  sessionDuration,
} from "../settings/convert-flags.ts";

/** An annotation key that kube2iam can change. With the standard key podrole reads the same annotation. */
function annotationKey(standard: string, remark: (key: string) => string): ConvertFlag {
  return (key) =>
    key === standard ? { value: "" } : { remark: `podrole reads only the standard annotation: ${remark(key)}` };
}

const KUBE2IAM_FLAGS: Readonly<Record<string, ConvertFlag>> = {
  "base-role-arn": baseArn,
  "auto-discover-base-arn": baseArnAutodetect,
  "default-role": (value) => ({
    server: "defaultRole",
    webhook: "defaultRole",
    value,
    remark: "kept, but a namespace must permit it like any other role",
  }),
  "auto-discover-default-role": () => ({
    remark: "podrole has no default of this kind: set defaultRole instead of the node's role",
  }),
  "iam-role-key": annotationKey(
    ANNOTATIONS.role,
    (key) => `annotate pods with ${ANNOTATIONS.role} in addition to ${key}`,
  ),
  "iam-external-id": annotationKey(ANNOTATIONS.externalId, (key) => `${ANNOTATIONS.externalId}, not ${key}`),
  "namespace-key": annotationKey(ANNOTATIONS.allowedRoles, (key) => `${ANNOTATIONS.allowedRoles}, not ${key}`),
  "namespace-restrictions": () => ({ remark: "podrole always restricts" }),
  "namespace-restriction-format": (value) => ({
    server: "allowedRolesFormat",
    webhook: "allowedRolesFormat",
    value,
    ...(value === "regexp" && { remark: "podrole anchors each expression as a whole and prepends no base ARN" }),
  }),
  "iam-role-session-ttl": (value) => sessionDuration(value, 2),
  "log-level": keptFlag("level"),
  "log-format": (value) => ({ server: "jsonLog", webhook: "jsonLog", value: String(value === "json") }),
  debug: () => ({ remark: "podrole explain shows what a pod gets" }),
  "use-regional-sts-endpoint": () => ({ remark: "podrole always uses the regional endpoint" }),
  "metrics-port": () => ({ remark: "metrics are at /metrics of --pages-bind" }),
  iptables: () => ({ remark: KIAM_FLAGS["--iptables"] as string }),
};

/** Flags about kube2iam's agent on each node. */
const AGENT_ONLY =
  /^(app-port|host-ip|host-interface|metadata-addr|node|insecure|api-server|api-token|kubeconfig|cache-resync-period|resolve-duplicate-cache-ips|backoff-.*|iam-role-error-ttl|verbose|version)$/;

/** Returns podrole's settings, and a remark for each flag that is not kept as it is. */
export function convertKube2iam(flags: ContainerFlags): Conversion {
  const agentOnly = "it configures kube2iam's own agent, which has no counterpart";
  return convertFlags(flags, KUBE2IAM_FLAGS, (flag) =>
    AGENT_ONLY.test(flag) ? agentOnly : "podrole has no such flag",
  );
}
