// podrole audit refusals: which refusals are one row, and how many each row counts.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { admission, certificate, credentials, SAMPLE_ROLE_ARN } from "../../operations/audit/samples.ts";
import { runAudit } from "./run-audit.ts";

const JSON_OUT = { output: "json" };

suite("podrole audit refusals", () => {
  const refuse = { decision: "refuse", reason: "ROLE_FORBIDDEN", message: "Cannot give role" };

  test("counts repeated refusals by pod and reason", async () => {
    const unnamed = { ...refuse, pod: undefined, generateName: "web-5d9f-" };
    const records = [
      ...Array.from({ length: 3 }, (_, minute) => admission({ ...unnamed, time: `2026-11-26T08:0${minute}:00Z` })),
      admission(),
      certificate({ decision: "refused", reason: "PROOF_REJECTED", namespace: undefined, pod: undefined }),
    ];
    const rows = (await runAudit(["refusals"], JSON_OUT, records)).json();
    assert.deepEqual(
      rows.map(({ kind, pod, reason, count }) => [kind, pod, reason, count]),
      [
        ["admission", "web-5d9f-*", "ROLE_FORBIDDEN", 3],
        ["certificate", "", "PROOF_REJECTED", 1],
      ],
    );
  });

  test("counts the refusals whose lines were left out, each with the line that stands for it", async () => {
    const forbidden = { decision: "refused", reason: "ROLE_FORBIDDEN", message: "Cannot give role" };
    const unproven = { decision: "refused", reason: "PROOF_REJECTED", namespace: undefined, pod: undefined };
    const records = [
      credentials(forbidden),
      credentials({ ...forbidden, time: "2026-11-26T08:01:02.000Z", omitted: 5_999 }),
      credentials({ ...forbidden, pod: "web", omitted: -7 }),
      certificate({ decision: "refused", reason: "POD_FINISHED", podCertificateRequest: "r-2", omitted: 3 }),
      certificate({ ...unproven, peer: "10.0.0.8:1" }),
      certificate({ ...unproven, peer: "10.0.0.9:1", omitted: 40 }),
      // Lines of unproven callers are left out of skipped pods alone, so a refusal stands for itself.
      admission({ ...refuse, omitted: 8 }),
    ];
    const rows = (await runAudit(["refusals"], JSON_OUT, records)).json();
    assert.deepEqual(
      rows.map(({ kind, pod, reason, count, caller }) => [kind, pod, reason, count, caller]),
      [
        ["admission", "orders", "ROLE_FORBIDDEN", 1, "unproven"],
        ["certificate", "orders", "POD_FINISHED", 4, undefined],
        ["certificate", "", "PROOF_REJECTED", 42, "unproven"],
        ["credentials", "orders", "ROLE_FORBIDDEN", 6_001, undefined],
        ["credentials", "web", "ROLE_FORBIDDEN", 1, undefined],
      ],
    );
    const { out } = await runAudit(["refusals"], {}, records);
    assert.match(out, / 42 +certificate +PROOF_REJECTED +callers without proof +\(unproven\)/);
  });

  test("filters by reason and role", async () => {
    const records = [
      admission(refuse),
      credentials({ decision: "refused", reason: "STS_DENIED" }),
      credentials({ decision: "refused", reason: "STS_DENIED", role: "arn:aws:iam::1:role/x" }),
    ];
    const rows = (
      await runAudit(["refusals"], { ...JSON_OUT, reason: "STS_DENIED", role: "shop-orders" }, records)
    ).json();
    assert.deepEqual(
      rows.map(({ reason, roles }) => [reason, roles]),
      [["STS_DENIED", [SAMPLE_ROLE_ARN]]],
    );
  });
});
