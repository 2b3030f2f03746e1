// Settings of the server and of the webhook that are valid alone and conflict with each other: found at start, all at
// once.
import { parseQuantity } from "../kubernetes/quantity.ts";
import { isTrustDomain } from "../pki/identity.ts";
import { MIN_SIDECAR_MEMORY } from "../policy/annotations.ts";
import { findPolicyProblems } from "../policy/settings.ts";
import { policySettings } from "../policy/settings-table.ts";
import { HOUR_MS, MINUTE_MS } from "../runtime/clock.ts";
import { MIN_RENEWAL_DISTANCE_MS, podCertificateLifetimeMs, type ServerSettings } from "./server.ts";
import type { WebhookSettings } from "./webhook.ts";

/** Returns one text for each problem of the webhook's settings, beginning with its flag; empty if there is none. */
export function crossCheckWebhook(settings: WebhookSettings): readonly string[] {
  const isNameAlone = settings.apiServerName !== undefined && settings.apiServerCa === undefined;
  return [
    ...findPolicyProblems(policySettings(settings)),
    ...(isNameAlone ? ["--api-server-name: --api-server-ca is not set; expected both or neither"] : []),
    ...findSizeProblems(settings),
  ];
}

function findSizeProblems({ sidecarMemory }: WebhookSettings): readonly string[] {
  const amount = parseQuantity(sidecarMemory) ?? 0n;
  const isTooSmall = sidecarMemory !== "none" && amount < (parseQuantity(MIN_SIDECAR_MEMORY) ?? 0n);
  return isTooSmall
    ? [`--sidecar-memory: it is ${sidecarMemory}; expected at least ${MIN_SIDECAR_MEMORY}, or none`]
    : [];
}

/** Returns one text for each problem of the server's settings, beginning with its flag; empty if there is none. */
export function crossCheckServer(settings: ServerSettings): readonly string[] {
  return [
    ...findPolicyProblems(policySettings(settings)),
    ...findChainingProblems(settings),
    ...findEndpointProblems(settings),
    ...findCertificateProblems(settings),
  ];
}

/** STS limits sessions that a role session starts to one hour (AssumeRole, DurationSeconds). */
function findChainingProblems({ assumeRoleArn, sessionDuration, maxSessionDuration }: ServerSettings): string[] {
  if (assumeRoleArn === undefined) return [];
  const expected = "expected at most 1h, the limit of STS for role chaining";
  return [
    ...(maxSessionDuration !== undefined && maxSessionDuration > HOUR_MS
      ? [`--max-session-duration: it is above 1h and --assume-role-arn is set; ${expected}`]
      : []),
    ...(sessionDuration > HOUR_MS
      ? [`--session-duration: it is above 1h and --assume-role-arn is set; ${expected}`]
      : []),
  ];
}

function findEndpointProblems({
  stsEndpoint,
  allowInsecureStsEndpoint,
  fips,
  dualStack,
}: ServerSettings): readonly string[] {
  if (stsEndpoint === undefined) return [];
  const flags = [...(fips ? ["--fips"] : []), ...(dualStack ? ["--dual-stack"] : [])];
  const isInsecure = !stsEndpoint.startsWith("https://") && !allowInsecureStsEndpoint;
  const expected = "expected https://, or --allow-insecure-sts-endpoint as well (loopback addresses too)";
  return [
    ...(isInsecure ? [`--sts-endpoint: ${JSON.stringify(stsEndpoint)} sends sessions in clear text; ${expected}`] : []),
    ...flags.map((flag) => `${flag}: --sts-endpoint is set too, and each chooses the endpoint; expected one of them`),
  ];
}

function findCertificateProblems(settings: ServerSettings): string[] {
  const { trustDomain, certificateTtl, podCertificates, podCertificateRenewal, caTtl, caCert, caKey } = settings;
  const problems: string[] = [];
  if (!isTrustDomain(trustDomain)) {
    problems.push(`--trust-domain: it is ${JSON.stringify(trustDomain)}; expected a DNS name in lower case`);
  }
  if (certificateTtl < 10 * MINUTE_MS) problems.push("--certificate-ttl: it is below 10m; expected 10m or longer");
  if (certificateTtl > caTtl / 6) {
    problems.push("--certificate-ttl: it is above a sixth of --ca-ttl; expected a sixth of it or shorter");
  }
  if (podCertificates !== "off" && caTtl < 6 * HOUR_MS) {
    problems.push(`--ca-ttl: it is below 6h and --pod-certificates is ${podCertificates}; expected 6h or longer`);
  }
  const renewal = podCertificateRenewal ?? MIN_RENEWAL_DISTANCE_MS;
  if (renewal < MIN_RENEWAL_DISTANCE_MS)
    problems.push("--pod-certificate-renewal: it is below 10m; expected 10m or longer");
  if (renewal > podCertificateLifetimeMs(settings) - MIN_RENEWAL_DISTANCE_MS) {
    const expected = "expected 10m less than the longer of --certificate-ttl and 1h";
    problems.push(`--pod-certificate-renewal: it leaves less than 10m of the lifetime; ${expected}`);
  }
  if ((caCert === undefined) !== (caKey === undefined)) {
    problems.push("--ca-cert and --ca-key: only one of them is set; expected both or neither");
  }
  return problems;
}
