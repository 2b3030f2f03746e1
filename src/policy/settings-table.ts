// The policy settings: one table and one conversion for server, webhook and command line, so that a pod is admitted and
// served by the same rules. Both programs read them from ConfigMap podrole-common.
import type { Settings, SettingTable } from "../runtime/settings.ts";
import * as type from "../runtime/settings.ts";
import type { PolicySettings } from "./model.ts";
import { parseBaseArn, parseRoleArn } from "./role.ts";

const baseArn: type.Parser<string> = {
  expects: 'a base ARN such as "arn:aws:iam::123456789012:role/"',
  placeholder: "arn",
  parse: parseBaseArn,
};

/** "role ARN=hop ARN" pairs, separated by commas. */
const firstHops: type.Parser<Readonly<Record<string, string>>> = {
  expects: "pairs of role ARNs, role=hop, separated by commas",
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
      type: baseArn,
      default: null,
      help: "Prefix role names that are not full ARNs with this base ARN; by default only full ARNs are accepted",
    },
    roleBaseArnAutodetect: {
      type: type.flag,
      default: "false",
      help: "Without --role-base-arn, let the server detect the base ARN at start, from its own account in STS or else from its EC2 instance profile",
    },
    firstHops: {
      type: firstHops,
      default: null,
      help: "Assume these roles through another role, as pairs role=hop, instead of through --assume-role-arn; by default none",
    },
    defaultRole: {
      type: type.text,
      placeholder: "role",
      default: null,
      help: "Give this role to containers for which no annotation names one; the namespace must permit it; by default none",
    },
    allowedRolesFormat: {
      type: type.oneOf(["glob", "regexp"]),
      default: "glob",
      help: "Read patterns in iam.amazonaws.com/allowed-roles in this format (kube2iam's --namespace-restriction-format)",
    },
    disableStrictNamespaceRegexp: {
      type: type.flag,
      default: "false",
      help: "Let iam.amazonaws.com/permitted match any part of the role ARN instead of the whole ARN (kiam's flag of this name)",
    },
  }),
  ...type.group("Sessions:", {
    sessionDuration: {
      type: type.duration,
      default: "1h",
      help: "Issue credentials with this lifetime, 15m to 12h; at most 1h with --assume-role-arn or --first-hops; shortened to 1h if the server's own AWS identity is a role (role chaining)",
    },
    maxSessionDuration: {
      type: type.duration,
      default: null,
      help: "Let pods request a lifetime up to this one with podrole.io/session-duration, at most 12h; by default the value of --session-duration",
    },
    sessionName: {
      type: type.text,
      placeholder: "template",
      default: "{namespace}.{pod}",
      help: "Name sessions by this template of {namespace} {pod} {serviceAccount} {uid} {cluster}",
    },
    session: {
      type: type.text,
      default: null,
      help: "Name sessions as kiam does, kiam-<this text or the pod's annotation>, instead of by --session-name",
    },
    sessionTags: {
      type: type.flag,
      default: "false",
      help: "Tag sessions with cluster, namespace, ServiceAccount and pod (requires sts:TagSession)",
    },
    sessionTagLabels: {
      type: type.list,
      placeholder: "label,…",
      default: null,
      help: "Tag sessions with these labels of the pod (requires sts:TagSession); by default none",
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
      help: "Use this name of the cluster in session names and session tags; by default none",
    },
    clusterArn: {
      type: type.text,
      placeholder: "arn",
      default: null,
      help: "Set the session tag eks-cluster-arn to this ARN of an EKS cluster; by default none",
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
  };
}
