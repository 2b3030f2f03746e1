// The policy settings: one table and one conversion for server, webhook and command line, so that a pod is admitted and
// served by the same rules. Both programs read them from ConfigMap podrole-common.
import type { Settings, SettingTable } from "../runtime/settings.ts";
import * as type from "../runtime/settings.ts";
import type { PolicySettings } from "./model.ts";
import { parseBaseArn, parseRoleArn } from "./role.ts";

/** The text that precedes short role names; it ends in "/". */
export const baseArnParser: type.Parser<string> = {
  expects: 'a base ARN such as "arn:aws:iam::123456789012:role/"',
  placeholder: "arn",
  parse: parseBaseArn,
};

/** "role ARN=hop ARN" pairs, separated by commas. */
const firstHopsParser: type.Parser<Readonly<Record<string, string>>> = {
  expects: 'pairs of role ARNs "role=hop", separated by commas',
  placeholder: "arn=arn,…",
  parse(text) {
    const pairs = text.split(",").map((pair) => pair.split("=").map((arn) => arn.trim()));
    const isUsable = pairs.every((pair) => pair.length === 2 && pair.every((arn) => parseRoleArn(arn)));
    return isUsable ? Object.fromEntries(pairs as [string, string][]) : undefined;
  },
};

export const POLICY_SETTINGS = {
  ...type.group("Roles and policy:", {
    roleBaseArn: {
      type: baseArnParser,
      default: null,
      help: "Put this base ARN in front of role names that are not full ARNs; without a base ARN, only full ARNs are accepted",
    },
    roleBaseArnAutodetect: {
      type: type.flag,
      default: "false",
      help: "If --role-base-arn is not set, let the server detect the base ARN at start: from its own account in STS or, if STS does not respond, from its EC2 instance profile",
    },
    firstHops: {
      type: firstHopsParser,
      default: null,
      help: "For each pair role=hop, assume the hop first, then the role; these roles are not assumed through --assume-role-arn",
    },
    defaultRole: {
      type: type.text,
      placeholder: "role",
      default: null,
      help: "Give this role to each container for which no annotation names a role; the namespace must permit the role",
    },
    allowedRolesFormat: {
      type: type.oneOf(["glob", "regexp"]),
      default: "glob",
      help: "Read the patterns in iam.amazonaws.com/allowed-roles in this format (kube2iam: --namespace-restriction-format)",
    },
    disableStrictNamespaceRegexp: {
      type: type.flag,
      default: "false",
      help: "Let iam.amazonaws.com/permitted match any part of the role ARN instead of the whole ARN (kiam has a flag of the same name)",
    },
    pinRoles: {
      type: type.flag,
      default: "false",
      help: "Let the webhook write the roles and session settings of each pod into an environment variable of podrole-sidecar, which cannot be changed after the pod's creation, and let the server give nothing else; for clusters without the ValidatingAdmissionPolicy for pods/status",
    },
  }),
  ...type.group("Sessions:", {
    sessionDuration: {
      type: type.duration,
      default: "1h",
      help: "Issue credentials with this lifetime, from 15m to 12h. With --assume-role-arn or --first-hops, the maximum is 1h (role chaining). If the server's own credentials are a role session other than an instance profile's, the lifetime is shortened to 1h",
    },
    maxSessionDuration: {
      type: type.duration,
      default: null,
      unset: "the value of --session-duration",
      help: "Let a pod request a lifetime up to this value, at most 12h, with the annotation podrole.io/session-duration",
    },
    sessionName: {
      type: type.text,
      placeholder: "template",
      default: "{namespace}.{pod}",
      help: "Name sessions by this template; its placeholders are {namespace}, {pod}, {serviceAccount}, {uid} and {cluster}",
    },
    session: {
      type: type.text,
      default: null,
      help: "Name sessions kiam-TEXT, as kiam does, instead of by --session-name; TEXT is the pod's annotation iam.amazonaws.com/session-name or, without that annotation, this value",
    },
    sessionTags: {
      type: type.flag,
      default: "false",
      help: "Tag sessions with the cluster, the namespace, the ServiceAccount and the pod (requires sts:TagSession)",
    },
    sessionTagLabels: {
      type: type.list,
      placeholder: "label,…",
      default: null,
      help: "Tag sessions with these labels of the pod (requires sts:TagSession)",
    },
    sessionTagsTransitive: {
      type: type.flag,
      default: "false",
      help: "Make session tags transitive, so that they persist through role chaining, as EKS Pod Identity does",
    },
    sourceIdentity: {
      type: type.flag,
      default: "false",
      help: "Set the source identity of sessions to {namespace}.{serviceAccount} (requires sts:SetSourceIdentity)",
    },
    clusterName: {
      type: type.text,
      placeholder: "name",
      default: null,
      help: "Use this cluster name in session names and session tags",
    },
    clusterArn: {
      type: type.text,
      placeholder: "arn",
      default: null,
      help: "Set the session tag eks-cluster-arn to this value, the ARN of the EKS cluster",
    },
  }),
} as const satisfies SettingTable;

/**
 * Returns the settings in the form that decideRoles() and assumeRoleInput() take. `detectedBaseArn`: what the server
 * found in place of a missing --role-base-arn; only the server passes one.
 */
export function policySettings(settings: Settings<typeof POLICY_SETTINGS>, detectedBaseArn?: string): PolicySettings {
  const { session, maxSessionDuration, firstHops: hops, sessionTagLabels, clusterArn } = settings;
  const knownBaseArn = settings.roleBaseArn ?? detectedBaseArn;
  return {
    baseArn: knownBaseArn,
    ...(knownBaseArn === undefined && settings.roleBaseArnAutodetect && { serverDetectsBaseArn: true }),
    strictNamespaceRegexp: !settings.disableStrictNamespaceRegexp,
    allowedRolesFormat: settings.allowedRolesFormat,
    defaultRole: settings.defaultRole,
    sessionName:
      session === undefined ? { kind: "template", template: settings.sessionName } : { kind: "kiam", session },
    sessionDurationMs: settings.sessionDuration,
    ...(maxSessionDuration !== undefined && { maxSessionDurationMs: maxSessionDuration }),
    sessionTags: settings.sessionTags,
    ...(sessionTagLabels && { sessionTagLabels }),
    transitiveTags: settings.sessionTagsTransitive,
    sourceIdentity: settings.sourceIdentity,
    clusterName: settings.clusterName,
    ...(clusterArn !== undefined && { clusterArn }),
    ...(hops && { firstHops: hops }),
    ...(settings.pinRoles && { pinRoles: true }),
  };
}
