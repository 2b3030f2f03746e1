// Settings that are fine alone and wrong together: found at start, all at once.
import { isTrustDomain } from "../pki/identity.ts";
import { policyProblems } from "../policy/settings.ts";
import { policySettings } from "../policy/settings-table.ts";
import type { ServerSettings } from "./settings.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** One text for each problem, beginning with its flag; empty when there is none. */
export function crossCheck(settings: ServerSettings): string[] {
  const problems = [...policyProblems(policySettings(settings))];
  const { sessionDuration, maxSessionDuration, assumeRoleArn, certificateTtl, caTtl, caCert, caKey } = settings;
  if (assumeRoleArn !== undefined && maxSessionDuration !== undefined && maxSessionDuration > HOUR) {
    problems.push("--max-session-duration: with --assume-role-arn STS allows 1h at most (role chaining)");
  }
  for (const [flag, isSet] of [
    ["--fips", settings.fips],
    ["--dual-stack", settings.dualStack],
  ] as const) {
    if (isSet && settings.stsEndpoint !== undefined) {
      problems.push(`${flag}: it chooses an endpoint, and so does --sts-endpoint: give one of them`);
    }
  }
  if (assumeRoleArn !== undefined && sessionDuration > HOUR) {
    problems.push("--session-duration: with --assume-role-arn STS allows 1h at most (role chaining)");
  }
  if (!isTrustDomain(settings.trustDomain)) {
    problems.push(`--trust-domain: ${JSON.stringify(settings.trustDomain)} is not a DNS name in lower case`);
  }
  if (certificateTtl < 10 * MINUTE) problems.push("--certificate-ttl: must be 10m or longer");
  if (certificateTtl > caTtl / 6) problems.push("--certificate-ttl: must be a sixth of --ca-ttl or shorter");
  if ((caCert === undefined) !== (caKey === undefined)) problems.push("--ca-cert and --ca-key: give both or neither");
  return problems;
}
