// The server's settings. kiam's flag names are kept where the meaning is kept.
import type { RotationOptions } from "../pki/authorities.ts";
import type { Settings } from "../runtime/settings.ts";
import * as type from "../runtime/settings.ts";
import { COMMON_SETTINGS } from "../runtime/common-settings.ts";
import { parseRoleArn } from "../policy/role.ts";
import { POLICY_SETTINGS } from "../policy/settings-table.ts";

const roleArn: type.Parser<string> = {
  expects: 'a role ARN such as "arn:aws:iam::123456789012:role/podrole-server"',
  placeholder: "arn",
  parse: (text) => parseRoleArn(text)?.arn,
};

const url: type.Parser<string> = {
  expects: 'a URL such as "https://vpce-0123456789abcdef0-01234567.sts.eu-central-1.vpce.amazonaws.com"',
  placeholder: "url",
  parse: (text) => (/^https?:\/\/[^/?#\s]+\/?$/.test(text) && URL.canParse(text) ? text : undefined),
};

export const SERVER_SETTINGS = {
  ...type.group("Listening:", {
    bind: { type: type.address, default: "[::]:8444", help: "Address of the credentials port (gRPC, mutual TLS)" },
    identityBind: { type: type.address, default: "[::]:8443", help: "Address of the identity port (gRPC, server TLS)" },
    pagesBind: { type: type.address, default: "[::]:8080", help: "Address of /metrics, /healthz and /readyz (HTTP)" },
  }),
  ...POLICY_SETTINGS,
  ...type.group("Roles and policy:", {
    assumeRoleArn: {
      type: roleArn,
      default: null,
      help: "Assume this role first, and the pods' roles with its credentials (role chaining)",
    },
    instanceMetadata: {
      type: type.text,
      placeholder: "url",
      default: "http://169.254.169.254",
      help: "Instance metadata service that --role-base-arn-autodetect queries while STS does not respond",
    },
  }),
  ...type.group("AWS:", {
    region: {
      type: type.text,
      placeholder: "region",
      default: null,
      help: "AWS region of the STS endpoint; by default the region that the AWS SDK finds",
    },
    credentialProcess: {
      type: type.list,
      placeholder: "program,argument,…",
      default: null,
      help: "Program and arguments that print the server's own AWS credentials, such as the helper of IAM Roles Anywhere; run without a shell",
    },
    stsEndpoint: {
      type: url,
      default: null,
      help: "URL of an STS VPC endpoint; not needed if private DNS resolves the regional name to it",
    },
    fips: { type: type.flag, default: "false", help: "Use the FIPS endpoint of STS" },
    dualStack: { type: type.flag, default: "false", help: "Use the dual-stack endpoint of STS (IPv4 and IPv6)" },
    stsTimeout: { type: type.duration, default: "10s", help: "Longest time of one call to STS" },
    stsRate: { type: type.integer(1, 10_000), default: "50", help: "AssumeRole calls per second, sustained" },
    stsBurst: { type: type.integer(1, 100_000), default: "200", help: "AssumeRole calls at once after an idle period" },
    credentialCacheSize: {
      type: type.integer(1, 10_000_000),
      default: "50000",
      help: "Largest number of sessions that are cached in memory",
    },
  }),
  ...type.group("Certificates and trust:", {
    certificateTtl: { type: type.duration, default: "1h", help: "Lifetime of pod and serving certificates" },
    caTtl: { type: type.duration, default: "8760h", help: "Lifetime of a CA that podrole creates" },
    caSecret: { type: type.namespacedName, default: "podrole/podrole-ca", help: "Secret that stores podrole's CA" },
    caCert: {
      type: type.text,
      placeholder: "file",
      default: null,
      help: "File with your own CA certificate (PEM), followed by its chain up to the root and by other roots to trust",
    },
    caKey: { type: type.text, placeholder: "file", default: null, help: "File with the key of --ca-cert (PEM)" },
    trustConfigMap: {
      type: type.namespacedName,
      default: "podrole/podrole-trust",
      help: "ConfigMap in which the server publishes the trust bundle",
    },
    owner: {
      type: type.namespacedName,
      default: "podrole/podrole-server",
      help: "ServiceAccount that owns the CA's Secret and the trust ConfigMap: if they are in its namespace, they are deleted with it",
    },
    serverNames: {
      type: type.list,
      placeholder: "name,…",
      default: "podrole-server.podrole.svc,podrole-server.podrole.svc.cluster.local",
      help: "DNS names and IP addresses in the server's own certificate",
    },
    webhookNames: {
      type: type.list,
      placeholder: "name,…",
      default: "podrole-webhook.podrole.svc,podrole-webhook.podrole.svc.cluster.local",
      help: "DNS names and IP addresses in the webhook's certificate",
    },
    webhookServiceAccount: {
      type: type.namespacedName,
      default: "podrole/podrole-webhook",
      help: "ServiceAccount that receives the webhook's certificate instead of a pod certificate",
    },
    webhookConfiguration: {
      type: type.text,
      placeholder: "name",
      default: "podrole",
      help: "MutatingWebhookConfiguration whose caBundle the server keeps up to date",
    },
  }),
  ...type.group("Shutdown:", {
    grpcShutdownGrace: {
      type: type.duration,
      default: "10s",
      help: "Time that calls in flight get to finish when the server stops",
    },
  }),
  ...COMMON_SETTINGS,
} as const satisfies type.SettingTable;

export type ServerSettings = Settings<typeof SERVER_SETTINGS>;

/** Options of the CA's rotation; commands that rotate the CA use the same ones. */
export function rotationOptions({
  caTtl,
  certificateTtl,
}: Pick<ServerSettings, "caTtl" | "certificateTtl">): RotationOptions {
  return { lifetimeMs: caTtl, leafLifetimeMs: certificateTtl, commonName: "podrole CA" };
}
