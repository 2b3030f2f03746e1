import assert from "node:assert/strict";
import { test } from "node:test";
import { createSidecarMetrics } from "../../src/sidecar/metrics.ts";

const NOTHING = { ready: false, credentialsMs: undefined, certificateMs: undefined };

function samplesOf(text: string): Readonly<Record<string, string>> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(lines.map((line) => line.split(/ (?=[^ ]+$)/) as [string, string]));
}

test("expose() returns every counter from the start, and no expiry while there are no credentials", () => {
  const samples = samplesOf(createSidecarMetrics().expose(NOTHING));
  for (const outcome of ["renewed", "refused", "failed"])
    assert.equal(samples[`podrole_sidecar_renewals_total{outcome="${outcome}"}`], "0");
  assert.equal(samples["podrole_sidecar_ready"], "0");
  assert.equal(samples["podrole_sidecar_credentials_expiry_seconds"], undefined);
  assert.match(Object.keys(samples)[0] ?? "", /^podrole_build_info\{version="\d+\.\d+\.\d+[^"]*",node="v\d+/);
});

test("expose() counts a duration in every bucket whose bound it does not exceed", () => {
  const metrics = createSidecarMetrics();
  for (const ms of [0, 1, 900, 901, 5_000]) metrics.countRequest("OK", ms);
  const samples = samplesOf(metrics.expose({ ready: true, credentialsMs: 1_500, certificateMs: -500 }));
  const bucket = (le: string) => samples[`podrole_sidecar_request_duration_seconds_bucket{le="${le}"}`];
  assert.deepEqual(["0.001", "0.005", "0.9", "1", "+Inf"].map(bucket), ["2", "2", "3", "4", "5"]);
  assert.equal(samples["podrole_sidecar_request_duration_seconds_sum"], "6.802");
  assert.equal(samples["podrole_sidecar_credentials_expiry_seconds"], "1.5");
  assert.equal(samples["podrole_sidecar_certificate_expiry_seconds"], "-0.5");
});

test("expose() counts a negative duration as 0", () => {
  const metrics = createSidecarMetrics();
  metrics.countRenewal("renewed", -3_600_000);
  const samples = samplesOf(metrics.expose(NOTHING));
  assert.equal(samples["podrole_sidecar_renewal_duration_seconds_sum"], "0");
  assert.equal(samples['podrole_sidecar_renewal_duration_seconds_bucket{le="0.1"}'], "1");
});
