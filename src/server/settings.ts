// The server's settings. kiam's flag names are kept where the meaning is kept.
import type { RotationOptions } from "../pki/authorities.ts";
import type { Settings } from "../runtime/settings.ts";
import * as type from "../runtime/settings.ts";
import { COMMON_SETTINGS } from "../runtime/common-settings.ts";
import { parseRoleArn } from "../policy/role.ts";
import { POLICY_SETTINGS } from "../policy/settings-table.ts";

const roleArn: type.Parser<string> = {
  expects: 'a role ARN such as "arn:aws:iam::123456789012:role/podrole-server"',
  parse: (text) => parseRoleArn(text)?.arn,
};

const url: type.Parser<string> = {
  expects: 'a URL such as "https://vpce-0123456789abcdef0-01234567.sts.eu-central-1.vpce.amazonaws.com"',
  parse: (text) => (/^https?:\/\/[^/?#\s]+\/?$/.test(text) && URL.canParse(text) ? text : undefined),
};

export const SERVER_SETTINGS = {
  ...COMMON_SETTINGS,
  ...POLICY_SETTINGS,
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
