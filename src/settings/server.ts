// The server's settings. Settings that mean the same as in kiam have the names of kiam's flags.
import type { RotationOptions } from "../pki/authorities.ts";
import { parseRoleArn } from "../policy/role.ts";
import { POLICY_SETTINGS } from "../policy/settings-table.ts";
import { COMMON_SETTINGS } from "../runtime/common-settings.ts";
import type { Settings } from "../runtime/settings.ts";
import * as type from "../runtime/settings.ts";

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

/** Table of the server's settings; flags, variables, --help, docs/configuration.md and the chart's schema come from it. */
export const SERVER_SETTINGS = {
  ...type.group("Listening:", {
    bind: {
      type: type.address,
      default: "[::]:8444",
      help: "Serve the credentials port (gRPC, mutual TLS) at this address",
    },
    identityBind: {
      type: type.address,
      default: "[::]:8443",
      help: "Serve the identity port (gRPC, server TLS) at this address",
    },
    pagesBind: {
      type: type.address,
      default: "[::]:8080",
      help: "Serve /metrics, /healthz and /readyz (HTTP) at this address",
    },
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
      help: "Query this instance metadata service for --role-base-arn-autodetect while STS does not respond",
    },
  }),
  ...type.group("AWS:", {
    region: {
      type: type.text,
      placeholder: "region",
      default: null,
      help: "Call the STS endpoint of this AWS region; by default the region that the AWS SDK finds",
    },
    credentialProcess: {
      type: type.list,
      placeholder: "program,argument,…",
      default: null,
      help: "Run this program, without a shell, to get the server's own AWS credentials, such as the helper of IAM Roles Anywhere; by default the AWS SDK's default chain",
    },
    stsEndpoint: {
      type: url,
      default: null,
      help: "Call STS at this URL, such as a VPC endpoint; not needed if private DNS resolves the regional name to it",
    },
    fips: { type: type.flag, default: "false", help: "Use the FIPS endpoint of STS" },
    dualStack: { type: type.flag, default: "false", help: "Use the dual-stack endpoint of STS (IPv4 and IPv6)" },
    stsTimeout: {
      type: type.duration,
      default: "10s",
      help: "Time out a call to STS after this, including the search for the server's own credentials",
    },
    stsRate: {
      type: type.integer(1, 10_000),
      default: "50",
      help: "Make at most this many AssumeRole calls per second, sustained, for each calling account",
    },
    stsBurst: {
      type: type.integer(1, 100_000),
      default: "200",
      help: "Make at most this many AssumeRole calls at once after an idle period, for each calling account",
    },
    credentialCacheSize: {
      type: type.integer(1, 10_000_000),
      default: "50000",
      help: "Cache at most this many sessions in memory; beyond that the least recently used is evicted",
    },
  }),
  ...type.group("Certificates and trust:", {
    certificateTtl: {
      type: type.duration,
      default: "1h",
      help: "Issue pod and serving certificates with this lifetime, at least 10m and at most a sixth of --ca-ttl",
    },
    caTtl: {
      type: type.duration,
      default: "8760h",
      help: "Create podrole's CA with this lifetime; the next CA is created when half of it has passed",
    },
    caSecret: { type: type.namespacedName, default: "podrole/podrole-ca", help: "Store podrole's CA in this Secret" },
    caCert: {
      type: type.text,
      placeholder: "file",
      default: null,
      help: "Sign with your own CA instead: file with its certificate (PEM), followed by its chain up to the root and by other roots to trust",
    },
    caKey: {
      type: type.text,
      placeholder: "file",
      default: null,
      help: "Read the key of --ca-cert from this file (PEM)",
    },
    trustConfigMap: {
      type: type.namespacedName,
      default: "podrole/podrole-trust",
      help: "Publish the trust bundle in this ConfigMap",
    },
    owner: {
      type: type.namespacedName,
      default: "podrole/podrole-server",
      help: "Make this ServiceAccount the owner of the CA's Secret and the trust ConfigMap: if they are in its namespace, they are deleted with it",
    },
    serverNames: {
      type: type.list,
      placeholder: "name,…",
      default: "podrole-server.podrole.svc,podrole-server.podrole.svc.cluster.local",
      help: "Issue the server's own certificate for these DNS names and IP addresses",
    },
    webhookNames: {
      type: type.list,
      placeholder: "name,…",
      default: "podrole-webhook.podrole.svc,podrole-webhook.podrole.svc.cluster.local",
      help: "Issue the webhook's certificate for these DNS names and IP addresses",
    },
    webhookServiceAccount: {
      type: type.namespacedName,
      default: "podrole/podrole-webhook",
      help: "Issue the webhook's certificate to pods of this ServiceAccount, instead of a pod certificate",
    },
    webhookConfiguration: {
      type: type.text,
      placeholder: "name",
      default: "podrole",
      help: "Keep caBundle up to date in this MutatingWebhookConfiguration",
    },
  }),
  ...type.group("Shutdown:", {
    grpcShutdownGrace: {
      type: type.duration,
      default: "10s",
      help: "Let calls in flight finish for this long when the server stops",
    },
  }),
  ...COMMON_SETTINGS,
} as const satisfies type.SettingTable;

/** The server's settings as parsed; durations are milliseconds. */
export type ServerSettings = Settings<typeof SERVER_SETTINGS>;

/** Options of the CA's rotation; commands that rotate the CA use the same ones. */
export function rotationOptions({
  caTtl,
  certificateTtl,
}: Pick<ServerSettings, "caTtl" | "certificateTtl">): RotationOptions {
  return { lifetimeMs: caTtl, leafLifetimeMs: certificateTtl, commonName: "podrole CA" };
}
