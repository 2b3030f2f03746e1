// Reading of records and events: wrapped lines of podrole, and arbitrary text.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readApiEvent } from "../../../../src/operations/audit/records/api-events.ts";
import { readCalls } from "../../../../src/operations/audit/records/aws-calls.ts";
import { readRecord } from "../../../../src/operations/audit/records/podrole-records.ts";
import type { AuditLine } from "../../../../src/runtime/audit-line.ts";
import { createAudit } from "../../../../src/runtime/log.ts";
import { runAudit } from "../../../cli/commands/run-audit.ts";
import { fc } from "../../../property.ts";
import { admission, call, certificate, creation, credentials, SAMPLE_ROLE_ARN } from "../samples.ts";

const POD_FIELDS = { namespace: "shop", pod: "orders", podUid: "u-1", serviceAccount: "default" };

suite("readRecord()", () => {
  const line = JSON.stringify(credentials());
  const quoting = JSON.stringify({ level: 40, program: "server", message: `Cannot read it: ${line}` });
  for (const [name, wrapped] of [
    ["as podrole wrote it", quoting],
    ["as Docker keeps it", JSON.stringify({ log: `${quoting}\n`, stream: "stdout" })],
  ] as const) {
    test(`ignores a record that podrole's own log quotes, ${name}`, () => {
      assert.equal(readRecord(wrapped), undefined);
    });
  }

  for (const [name, wrapped] of [
    ["as podrole wrote it", line],
    ["after kubectl logs --prefix", `[pod/podrole-server-5d9f/server] ${line}`],
    ["in a container runtime's file", `2026-11-26T08:00:02.000000000Z stdout F ${line}`],
    ["as Docker keeps it", JSON.stringify({ log: `${line}\n`, stream: "stdout" })],
    ["as journald keeps it", JSON.stringify({ MESSAGE: line, PRIORITY: "6" })],
    ["as a collector keeps it", JSON.stringify({ message: line, kubernetes: { pod_name: "podrole-server" } })],
    ["as Cloud Logging keeps it", JSON.stringify({ jsonPayload: credentials(), severity: "INFO" })],
  ] as const) {
    test(`reads a record ${name}`, () => {
      const record = readRecord(wrapped);
      assert.ok(record?.kind === "credentials", JSON.stringify(record));
      assert.deepEqual([record.accessKeyId, record.at], ["ASIAEXAMPLE000000001", Date.parse("2026-11-26T08:00:02Z")]);
    });
  }

  for (const [name, other] of [
    ["an audit event of the API server", JSON.stringify(creation())],
    ["a record of an unknown kind", JSON.stringify(credentials({ audit: "login" }))],
    ["a record without a time", JSON.stringify(credentials({ time: undefined }))],
    ["a record without a decision", JSON.stringify(admission({ decision: 7 }))],
    ["a truncated record", line.slice(0, -5)],
    ["an array", `[${line}]`],
  ] as const) {
    test(`ignores ${name}`, () => assert.equal(readRecord(other), undefined));
  }
});

/** One line of each kind, with every field that the type has. */
const WRITTEN: readonly AuditLine[] = [
  {
    audit: "admission",
    caller: "api-server",
    request: "r-1",
    user: "alice@example.com",
    groups: ["devs"],
    groupsOmitted: 1,
    namespace: "shop",
    pod: undefined,
    generateName: "orders-",
    owner: { kind: "ReplicaSet", name: "orders-1" },
    dryRun: true,
    roles: [{ container: "app", asked: "orders", resolved: SAMPLE_ROLE_ARN, origin: "pod", allowed: true }],
    rolesOmitted: 1,
    decision: "inject",
    reason: "INJECTED",
    message: undefined,
    warnings: ["a warning"],
    warningsOmitted: 1,
    patchDigest: "sha256:00",
    durationMs: 2,
  },
  {
    audit: "certificate",
    decision: "issued",
    ...POD_FIELDS,
    credentialId: "JTI=t-1",
    subject: "spiffe://cluster.local/ns/shop/sa/default/pod/orders/u-1",
    serial: "01AB",
    expiration: "2026-11-26T09:00:00.000Z",
    peer: "10.0.0.7:40000",
  },
  {
    audit: "credentials",
    decision: "issued",
    ...POD_FIELDS,
    container: "app",
    role: SAMPLE_ROLE_ARN,
    sessionName: "shop.orders",
    outcome: "miss",
    accessKeyId: "ASIAEXAMPLE000000001",
    expiration: "2026-11-26T09:00:00.000Z",
    packedPolicySize: 4,
    omitted: 3,
    peer: "10.0.0.7:40000",
  },
  {
    audit: "credentials",
    decision: "refused",
    reason: "ROLE_FORBIDDEN",
    message: "Cannot give role",
    ...POD_FIELDS,
    container: "app",
    role: SAMPLE_ROLE_ARN,
    containersOmitted: 2,
    peer: "10.0.0.7:40000",
  },
];

test("readRecord() reads what createAudit() writes, field by field", () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const audit = createAudit({ clock: { now: () => 0 }, destination }, { program: "server" });
  for (const line of WRITTEN) audit(line);
  const [admitted, certified, issued, refused] = lines.map((line) =>
    readRecord(line.replace(/"time":"[^"]+"/, '"time":"2026-11-26T08:00:00.000Z"')),
  );
  const common = { at: Date.parse("2026-11-26T08:00:00Z"), reason: undefined, message: undefined };
  const instance = { namespace: "shop", pod: "orders", podUid: "u-1", serviceAccount: "default" };
  const call = { ...instance, peer: "10.0.0.7:40000", expiration: "2026-11-26T09:00:00.000Z" };
  assert.deepEqual(admitted, {
    ...common,
    kind: "admission",
    decision: "inject",
    reason: "INJECTED",
    namespace: "shop",
    pod: undefined,
    isProven: true,
    request: "r-1",
    user: "alice@example.com",
    groups: ["devs"],
    generateName: "orders-",
    owner: "ReplicaSet/orders-1",
    dryRun: true,
    roles: [{ container: "app", requested: "orders", resolved: SAMPLE_ROLE_ARN }],
  });
  assert.deepEqual(certified, {
    ...common,
    ...call,
    kind: "certificate",
    decision: "issued",
    credentialId: "JTI=t-1",
    podCertificateRequest: undefined,
    serial: "01AB",
    evidence: undefined,
    omitted: 0,
  });
  const container = { kind: "credentials", container: "app", role: SAMPLE_ROLE_ARN } as const;
  const session = { sessionName: "shop.orders", outcome: "miss", accessKeyId: "ASIAEXAMPLE000000001", omitted: 3 };
  assert.deepEqual(issued, { ...common, ...call, ...container, ...session, decision: "issued" });
  assert.deepEqual(refused, {
    ...common,
    ...call,
    ...container,
    decision: "refused",
    reason: "ROLE_FORBIDDEN",
    message: "Cannot give role",
    expiration: undefined,
    sessionName: undefined,
    outcome: undefined,
    accessKeyId: undefined,
    omitted: 0,
  });
});

suite("arbitrary input", () => {
  /** Records with arbitrary values in any field. */
  const bent = fc
    .tuple(
      fc.constantFrom(admission, certificate, credentials, creation, call),
      fc.dictionary(fc.string(), fc.jsonValue()),
    )
    .map(([make, fields]) => JSON.stringify({ ...make(), ...fields }));
  const misplaced = fc
    .tuple(
      fc.constantFrom(
        ...[admission(), certificate(), credentials(), creation(), call()].flatMap((record) =>
          Object.keys(record).map((key) => [record, key] as const),
        ),
      ),
      fc.jsonValue(),
    )
    .map(([[record, key], value]) => JSON.stringify({ ...record, [key]: value }));
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    bent,
    misplaced,
    misplaced.map((line) => line.slice(0, line.length / 2)),
  );

  test("makes no reader throw", () => {
    fc.assert(
      fc.property(text, (line) => {
        readRecord(line);
        readApiEvent(line);
        readCalls(line);
      }),
      { numRuns: 2_000 },
    );
  });

  test("is answered by every question, and no output controls a terminal", async () => {
    const question = fc.constantFrom(["who"], ["pod", "shop/orders"], ["key", "ASIAEXAMPLE000000001"], ["refusals"]);
    const property = fc.asyncProperty(
      question,
      fc.constantFrom("table", "json"),
      fc.array(text),
      async (args, output, lines) => {
        const { exitCode, out } = await runAudit(args, { role: "shop-orders", output }, lines);
        const isBlank = lines.every((line) => line.trim() === "");
        if (isBlank && exitCode === 2) return assert.equal(out, "");
        assert.equal(exitCode, 0);
        if (output === "json") assert.ok(Array.isArray(JSON.parse(out)));
        // oxlint-disable-next-line no-control-regex
        else assert.doesNotMatch(out.replaceAll("\n", ""), /[\u0000-\u001f\u007f-\u009f]/);
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });
});

suite("readCalls()", () => {
  const expected = [{ accessKeyId: "ASIAEXAMPLE000000001", action: "s3:GetObject" }];
  for (const [name, document] of [
    ["one record", call()],
    ["a file of CloudTrail", { Records: [call()] }],
    ["a list", [call()]],
    ["the output of lookup-events", { Events: [{ EventName: "GetObject", CloudTrailEvent: JSON.stringify(call()) }] }],
  ] as const) {
    test(`reads ${name}`, () => {
      const calls = readCalls(JSON.stringify(document))?.map(({ accessKeyId, action }) => ({ accessKeyId, action }));
      assert.deepEqual(calls, expected);
    });
  }

  test("skips calls without an access key, and returns undefined for other text", () => {
    assert.deepEqual(readCalls(JSON.stringify(call({ userIdentity: { type: "AWSService" } }))), []);
    for (const other of ['{"kind":"Event"}', "{", "7"]) assert.equal(readCalls(other), undefined);
  });
});
