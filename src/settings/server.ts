// The server's settings. Settings that mean the same as in kiam have the names of kiam's flags.
import type { RotationOptions } from "../pki/authorities.ts";
import { parseRoleArn } from "../policy/role.ts";
import { POLICY_SETTINGS } from "../policy/settings-table.ts";
import { HOUR_MS, MINUTE_MS } from "../runtime/clock.ts";
import { COMMON_SETTINGS } from "../runtime/common-settings.ts";
import type { Settings } from "../runtime/settings.ts";
import * as type from "../runtime/settings.ts";

const roleArnParser: type.Parser<string> = {
  expects: 'a role ARN such as "arn:aws:iam::123456789012:role/podrole-server"',
  placeholder: "arn",
  parse: (text) => parseRoleArn(text)?.arn,
};

const urlParser: type.Parser<string> = {
  expects: 'a URL such as "https://vpce-0123456789abcdef0-01234567.sts.eu-central-1.vpce.amazonaws.com"',
  placeholder: "url",
  parse: (text) => (/^https?:\/\/[^/?#\s]+\/?$/.test(text) && URL.canParse(text) ? text : undefined),
};

/**
 * Table of the server's settings; flags, variables, --help, docs/configuration.md and the chart's schema come from it.
 */
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
    stateBind: {
      type: type.address,
      default: "[::]:8445",
      help: "Serve the state port (HTTPS) at this address: what pods hold and what was refused, to callers whom Kubernetes authorizes",
    },
  }),
  ...POLICY_SETTINGS,
  ...type.group("Roles and policy:", {
    assumeRoleArn: {
      type: roleArnParser,
      default: null,
      help: "Assume this role first, and use its credentials to assume the pods' roles (role chaining)",
    },
    instanceMetadata: {
      type: type.text,
      placeholder: "url",
      default: "http://169.254.169.254",
      help: "For --role-base-arn-autodetect, query the instance metadata service at this URL while STS does not respond",
    },
  }),
  ...type.group("AWS:", {
    region: {
      type: type.text,
      placeholder: "region",
      default: null,
      unset: "the region that the AWS SDK finds",
      help: "Call the STS endpoint of this AWS region",
    },
    credentialProcess: {
      type: type.list,
      placeholder: "program,argument,…",
      default: null,
      unset: "the AWS SDK's default credential provider chain",
      help: "Run this program, without a shell, to get the server's own AWS credentials (for example, the credential helper of IAM Roles Anywhere)",
    },
    stsEndpoint: {
      type: urlParser,
      default: null,
      unset: "the STS endpoint of the region",
      help: "Call STS at this URL, for example that of a VPC endpoint; not needed if private DNS resolves the regional STS name to the VPC endpoint",
    },
    allowInsecureStsEndpoint: {
      type: type.flag,
      default: "false",
      help: "Accept an --sts-endpoint with http://, which sends sessions in clear text: for emulators and tests",
    },
    fips: { type: type.flag, default: "false", help: "Use the FIPS endpoint of STS" },
    dualStack: { type: type.flag, default: "false", help: "Use the dual-stack endpoint of STS (IPv4 and IPv6)" },
    stsTimeout: {
      type: type.duration,
      default: "10s",
      help: "Abort a call to STS after this time, which includes finding the server's own AWS credentials",
    },
    stsRate: {
      type: type.wholeNumber(1, 10_000),
      default: "50",
      help: "Make at most this many AssumeRole calls per second over time, for each replica and each AWS account that calls STS",
    },
    stsBurst: {
      type: type.wholeNumber(1, 100_000),
      default: "200",
      help: "Make at most this many AssumeRole calls at once after an idle period, for each replica and each AWS account that calls STS",
    },
    credentialCacheSize: {
      type: type.wholeNumber(1, 10_000_000),
      default: "50000",
      help: "Cache at most this many sessions in memory; when the cache is full, the namespace with most loses its least recently used one",
    },
  }),
  ...type.group("Certificates and trust:", {
    certificateTtl: {
      type: type.duration,
      default: "1h",
      help: "Issue pod and serving certificates with this lifetime, at least 10m and at most one sixth of --ca-ttl",
    },
    podCertificates: {
      type: type.oneOf(["auto", "on", "off"]),
      default: "off",
      help: "Sign pod certificates (Kubernetes 1.37): answer PodCertificateRequests for the signer podrole.io/pod. Their lifetime is --certificate-ttl, and at least 1h. With auto, the server looks each minute whether the API server and the kubelets of all schedulable nodes know pod certificates, and publishes the result for webhooks with auto",
    },
    podCertificateRenewal: {
      type: type.duration,
      default: null,
      unset: "half of the lifetime",
      help: "Let kubelets renew a pod certificate when this much of its lifetime has passed: at least 10m, and at most all but 10m of it. They begin up to 7 minutes later",
    },
    caTtl: {
      type: type.duration,
      default: "8760h",
      help: "Create podrole's CA with this lifetime; the server creates the next CA after half of this time",
    },
    caSecret: { type: type.namespacedName, default: "podrole/podrole-ca", help: "Store podrole's CA in this Secret" },
    caCert: {
      type: type.text,
      placeholder: "file",
      default: null,
      unset: "podrole creates its CA",
      help: "Sign with the CA in this file instead of one that podrole creates; the file (PEM) contains the CA's certificate, its chain up to the root, and any other roots to trust, in this order",
    },
    caKey: {
      type: type.text,
      placeholder: "file",
      default: null,
      help: "Read the private key of the CA in --ca-cert from this file (PEM)",
    },
    trustConfigMap: {
      type: type.namespacedName,
      default: "podrole/podrole-trust",
      help: "Publish the trust bundle in this ConfigMap",
    },
    refusalsConfigMap: {
      type: type.namespacedName,
      default: "podrole/podrole-refusals",
      help: "Share the records of refusals of the last 24 hours among the replicas in this ConfigMap",
    },
    owner: {
      type: type.namespacedName,
      default: "podrole/podrole-server",
      help: "Make this ServiceAccount the owner of the CA's Secret and of the ConfigMaps that the server writes; Kubernetes deletes them with the ServiceAccount if they are in the same namespace",
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
      help: "Issue the webhook's certificate, instead of a pod certificate, to pods of this ServiceAccount",
    },
    webhookConfiguration: {
      type: type.text,
      placeholder: "name",
      default: "podrole",
      help: "Keep caBundle of this MutatingWebhookConfiguration up to date",
    },
  }),
  ...type.group("Shutdown:", {
    grpcShutdownGrace: {
      type: type.duration,
      default: "10s",
      help: "When the server stops, give calls in flight this much time to finish",
    },
  }),
  ...COMMON_SETTINGS,
} as const satisfies type.SettingTable;

/** The server's settings as parsed; durations are milliseconds. */
export type ServerSettings = Settings<typeof SERVER_SETTINGS>;

/** Settings that determine how long certificates of pods are valid. */
type LifetimeSettings = Pick<ServerSettings, "certificateTtl" | "podCertificates">;

/** Returns the longest lifetime of the certificates that a server issues, in milliseconds. */
export function longestLeafLifetimeMs({ certificateTtl, podCertificates }: LifetimeSettings): number {
  return podCertificates === "off" ? certificateTtl : podCertificateLifetimeMs({ certificateTtl });
}

/** How far from both ends of a pod certificate's validity its renewal begins: the API server accepts no less. */
export const MIN_RENEWAL_DISTANCE_MS = 10 * MINUTE_MS;

/** Returns the lifetime of pod certificates, in milliseconds: the API server accepts none below an hour. */
export function podCertificateLifetimeMs({ certificateTtl }: Pick<ServerSettings, "certificateTtl">): number {
  return Math.max(certificateTtl, HOUR_MS);
}

/** Options of the CA's rotation; commands that rotate the CA use the same ones. */
export function rotationOptions(settings: Pick<ServerSettings, "caTtl"> & LifetimeSettings): RotationOptions {
  return {
    lifetimeMs: settings.caTtl,
    leafLifetimeMs: longestLeafLifetimeMs(settings),
    commonName: "podrole CA",
  };
}
