// The server's settings. kiam's flag names are kept where the meaning is kept.
import type { RotationOptions } from "../pki/authorities.ts";
import type { Settings } from "../runtime/settings.ts";
import * as type from "../runtime/settings.ts";
import { COMMON_SETTINGS } from "../runtime/common-settings.ts";
import { parseBaseArn, parseRoleArn } from "../policy/role.ts";

const baseArn: type.Parser<string> = {
  expects: 'a base ARN such as "arn:aws:iam::123456789012:role/"',
  parse: parseBaseArn,
};

const roleArn: type.Parser<string> = {
  expects: 'a role ARN such as "arn:aws:iam::123456789012:role/podrole-server"',
  parse: (text) => parseRoleArn(text)?.arn,
};

const url: type.Parser<string> = {
  expects: 'a URL such as "https://vpce-0123456789abcdef0-01234567.sts.eu-central-1.vpce.amazonaws.com"',
  parse: (text) => (/^https?:\/\/[^/?#\s]+\/?$/.test(text) && URL.canParse(text) ? text : undefined),
};

/** "role ARN=hop ARN", as many as there are, separated by commas. */
const firstHops: type.Parser<Readonly<Record<string, string>>> = {
  expects: "pairs of role ARNs, role=hop, separated by commas",
  parse(text) {
    const pairs = text.split(",").map((pair) => pair.split("=").map((arn) => arn.trim()));
    const isUsable = pairs.every((pair) => pair.length === 2 && pair.every((arn) => parseRoleArn(arn)));
    return isUsable ? Object.fromEntries(pairs as [string, string][]) : undefined;
  },
};

export const SERVER_SETTINGS = {
  ...COMMON_SETTINGS,
  bind: { type: type.address, default: "[::]:8444", help: "Address of the credentials port (gRPC, mutual TLS)" },
  identityBind: { type: type.address, default: "[::]:8443", help: "Address of the identity port (gRPC, server TLS)" },
  pagesBind: { type: type.address, default: "[::]:8080", help: "Address of /metrics, /healthz and /readyz (HTTP)" },
  serverNames: {
    type: type.list,
    default: "podrole-server.podrole.svc,podrole-server.podrole.svc.cluster.local",
    help: "DNS names and IP addresses in the server's own certificate",
  },
  webhookNames: {
    type: type.list,
    default: "podrole-webhook.podrole.svc,podrole-webhook.podrole.svc.cluster.local",
    help: "DNS names and IP addresses in the webhook's certificate",
  },
  webhookServiceAccount: {
    type: type.namespacedName,
    default: "podrole/podrole-webhook",
    help: "The ServiceAccount that gets the webhook's certificate instead of a pod's",
  },
  webhookConfiguration: {
    type: type.text,
    default: "podrole",
    help: "The MutatingWebhookConfiguration whose caBundle the server keeps",
  },
  roleBaseArn: { type: baseArn, default: null, help: "What is put before role names that are not full ARNs" },
  roleBaseArnAutodetect: {
    type: type.flag,
    default: "false",
    help: "Find the base ARN by asking STS for the server's own account, or else the instance for its profile",
  },
  instanceMetadata: {
    type: type.text,
    default: "http://169.254.169.254",
    help: "Where --role-base-arn-autodetect asks for the instance profile while STS does not answer",
  },
  assumeRoleArn: {
    type: roleArn,
    default: null,
    help: "Role the server assumes first; it then assumes the pods' roles",
  },
  sessionDuration: {
    type: type.duration,
    default: "1h",
    help: "Life of issued credentials, 15m to 12h; at most 1h with --assume-role-arn or --first-hops",
  },
  maxSessionDuration: {
    type: type.duration,
    default: null,
    help: "Longest life that a pod may ask for by annotation; by default the life that all get",
  },
  firstHops: {
    type: firstHops,
    default: null,
    help: "Roles to assume first for certain roles, instead of --assume-role-arn",
  },
  sessionTagLabels: { type: type.list, default: null, help: "Labels of pods that become tags of their sessions" },
  sessionName: {
    type: type.text,
    default: "{namespace}.{pod}",
    help: "Template of the session name: {namespace} {pod} {serviceAccount} {uid} {cluster}",
  },
  session: {
    type: type.text,
    default: null,
    help: "Name sessions as kiam does, kiam-<this or the pod's annotation>, instead of by the template",
  },
  sessionTags: {
    type: type.flag,
    default: "false",
    help: "Tag sessions with cluster, namespace, service account and pod (needs sts:TagSession)",
  },
  sourceIdentity: {
    type: type.flag,
    default: "false",
    help: "Set the source identity of sessions (needs sts:SetSourceIdentity)",
  },
  sessionTagsTransitive: {
    type: type.flag,
    default: "false",
    help: "Keep the tags of sessions through role chaining, as EKS Pod Identity does",
  },
  clusterName: { type: type.text, default: null, help: "Name of this cluster, for session names and tags" },
  clusterArn: { type: type.text, default: null, help: "ARN of this cluster on EKS, for the tag eks-cluster-arn" },
  region: { type: type.text, default: null, help: "AWS region of the STS endpoint; by default the SDK's own search" },
  credentialProcess: {
    type: type.list,
    default: null,
    help: "Program and arguments that print the server's own AWS credentials, such as Roles Anywhere's helper; run without a shell",
  },
  stsEndpoint: {
    type: url,
    default: null,
    help: "URL of an STS VPC endpoint; with private DNS the regional name leads there and nothing need be set",
  },
  fips: { type: type.flag, default: "false", help: "Use the FIPS endpoint of STS" },
  dualStack: { type: type.flag, default: "false", help: "Use the endpoint of STS that has IPv6 addresses too" },
  stsTimeout: { type: type.duration, default: "10s", help: "Longest time of one call to STS" },
  stsRate: { type: type.integer(1, 10_000), default: "50", help: "AssumeRole calls a second in the long run" },
  stsBurst: { type: type.integer(1, 100_000), default: "200", help: "AssumeRole calls at once after a quiet time" },
  credentialCacheSize: { type: type.integer(1, 10_000_000), default: "50000", help: "Sessions held in memory at most" },
  disableStrictNamespaceRegexp: {
    type: type.flag,
    default: "false",
    help: "Let iam.amazonaws.com/permitted match anywhere in the ARN, as kiam's flag of this name does",
  },
  allowedRolesFormat: {
    type: type.oneOf(["glob", "regexp"]),
    default: "glob",
    help: "How patterns in iam.amazonaws.com/allowed-roles are read (kube2iam's --namespace-restriction-format)",
  },
  defaultRole: { type: type.text, default: null, help: "Role of pods for which nothing else names one" },
  certificateTtl: { type: type.duration, default: "1h", help: "Life of pod and serving certificates" },
  caTtl: { type: type.duration, default: "8760h", help: "Life of a CA that podrole makes" },
  caSecret: { type: type.namespacedName, default: "podrole/podrole-ca", help: "Secret that holds podrole's CA" },
  owner: {
    type: type.namespacedName,
    default: "podrole/podrole-server",
    help: "ServiceAccount whose deletion takes the CA's Secret and the trust ConfigMap along, where it has their namespace",
  },
  caCert: {
    type: type.text,
    default: null,
    help: "File with a CA certificate of your own (PEM): its chain up to the root, then other roots to believe",
  },
  caKey: { type: type.text, default: null, help: "File with the key of --ca-cert (PEM)" },
  trustConfigMap: {
    type: type.namespacedName,
    default: "podrole/podrole-trust",
    help: "ConfigMap that publishes the trust bundle",
  },
  grpcShutdownGrace: {
    type: type.duration,
    default: "10s",
    help: "How long running calls may take when the server stops",
  },
} as const satisfies type.SettingTable;

export type ServerSettings = Settings<typeof SERVER_SETTINGS>;

/** Options of the CA's rotation; commands that rotate the CA use the same ones. */
export function rotationOptions({
  caTtl,
  certificateTtl,
}: Pick<ServerSettings, "caTtl" | "certificateTtl">): RotationOptions {
  return { lifetimeMs: caTtl, leafLifetimeMs: certificateTtl, commonName: "podrole CA" };
}
