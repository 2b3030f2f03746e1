import assert from "node:assert/strict";
import { test } from "node:test";
import { HOUR_MS } from "../../src/runtime/clock.ts";
import { readSettings } from "../../src/runtime/settings.ts";
import { crossCheckServer } from "../../src/settings/cross-check.ts";
import { rotationOptions, SERVER_SETTINGS } from "../../src/settings/server.ts";

function problemsOf(flags: Readonly<Record<string, string>>): readonly string[] {
  const read = readSettings(SERVER_SETTINGS, flags, {});
  return read.ok ? crossCheckServer(read.value) : read.problems;
}

test("SERVER_SETTINGS requires no setting", () => {
  assert.deepEqual(problemsOf({}), []);
});

for (const [what, flags, about] of [
  ["a session below STS's 15m", { sessionDuration: "14m" }, /--session-duration/],
  ["a session above STS's 12h", { sessionDuration: "13h" }, /--session-duration/],
  [
    "a session above the hour of a hop",
    { sessionDuration: "2h", assumeRoleArn: "arn:aws:iam::123456789012:role/hop" },
    /role chaining/,
  ],
  [
    "a maximum session above the hour of a hop",
    { maxSessionDuration: "2h", assumeRoleArn: "arn:aws:iam::123456789012:role/hop" },
    /--max-session-duration: .*role chaining/,
  ],
  [
    "FIPS with an own endpoint",
    { fips: "true", stsEndpoint: "https://sts.internal" },
    /--fips: .*--sts-endpoint is set too/,
  ],
  [
    "dual stack with an own endpoint",
    { dualStack: "true", stsEndpoint: "https://s" },
    /--dual-stack: .*--sts-endpoint is set too/,
  ],
  [
    "an endpoint with http:// alone",
    { stsEndpoint: "http://sts.internal" },
    /--sts-endpoint: "http:\/\/sts\.internal" .*clear text; expected https:\/\/, or --allow-insecure-sts-endpoint/,
  ],
  ["an endpoint with http:// on a loopback address", { stsEndpoint: "http://127.0.0.1:4566" }, /--sts-endpoint: /],
  ["an endpoint that is not a URL", { stsEndpoint: "sts.internal" }, /--sts-endpoint: .*is not a URL/],
  ["a CA of 5 hours with pod certificates", { caTtl: "5h", certificateTtl: "30m", podCertificates: "on" }, /--ca-ttl/],
  ["a CA of 5 hours with auto", { caTtl: "5h", certificateTtl: "30m", podCertificates: "auto" }, /--ca-ttl.* is auto/],
  [
    "a renewal of pod certificates after 5 minutes",
    { podCertificateRenewal: "5m" },
    /--pod-certificate-renewal: .* below 10m/,
  ],
  [
    "a renewal in the last 10 minutes of pod certificates",
    { podCertificateRenewal: "51m", certificateTtl: "30m" },
    /--pod-certificate-renewal: it leaves less than 10m/,
  ],
  ["a certificate of five minutes", { certificateTtl: "5m" }, /10m or longer/],
  [
    "a certificate that lasts longer than a sixth of its CA",
    { certificateTtl: "5h", caTtl: "24h" },
    /a sixth of --ca-ttl/,
  ],
  ["a CA without its key", { caCert: "/ca.crt" }, /both or neither/],
  ["a base ARN that is not one", { roleBaseArn: "role/" }, /--role-base-arn: "role\/" is not a base ARN/],
] as const) {
  test(`crossCheckServer() refuses ${what}`, () => {
    const problems = problemsOf(flags);
    assert.equal(problems.length, 1, problems.join("; "));
    assert.match(problems[0] ?? "", about);
  });
}

for (const flags of [
  { sessionDuration: "15m" },
  { sessionDuration: "12h" },
  { sessionDuration: "1h", assumeRoleArn: "arn:aws:iam::123456789012:role/hop" },
  { roleBaseArn: "arn:aws:iam::123456789012:role/", roleBaseArnAutodetect: "true" },
  { fips: "true", dualStack: "true" },
  { stsEndpoint: "https://vpce-0123456789abcdef0-01234567.sts.eu-central-1.vpce.amazonaws.com" },
  { stsEndpoint: "http://127.0.0.1:4566", allowInsecureStsEndpoint: "true" },
  { certificateTtl: "4h", caTtl: "24h" },
  { podCertificateRenewal: "10m" },
  { podCertificateRenewal: "50m", certificateTtl: "30m" },
  { podCertificateRenewal: "110m", certificateTtl: "2h" },
  { caCert: "/ca.crt", caKey: "/ca.key" },
]) {
  test(`crossCheckServer() accepts ${JSON.stringify(flags)}`, () => {
    assert.deepEqual(problemsOf(flags), []);
  });
}

test("crossCheckServer() reports every problem at once", () => {
  assert.equal(problemsOf({ sessionDuration: "1m", certificateTtl: "1m", caKey: "/ca.key" }).length, 3);
});

test("rotationOptions() counts pod certificates, which have at least an hour, among the leaf certificates", () => {
  const lifetimeOf = (podCertificates: "on" | "off", certificateTtl: number) =>
    rotationOptions({ caTtl: 24 * HOUR_MS, certificateTtl, podCertificates }).leafLifetimeMs;
  assert.equal(lifetimeOf("off", HOUR_MS / 2), HOUR_MS / 2);
  assert.equal(lifetimeOf("on", HOUR_MS / 2), HOUR_MS);
  assert.equal(lifetimeOf("on", 3 * HOUR_MS), 3 * HOUR_MS);
});
