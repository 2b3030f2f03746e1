import assert from "node:assert/strict";
import { createServer, type OutgoingHttpHeaders } from "node:http";
import { type TestContext, test } from "node:test";
import type { PodroleError } from "../../../src/protocol/errors.ts";
import { type Clock, systemClock as clock } from "../../../src/runtime/clock.ts";
import { createSts } from "../../../src/server/aws/sts.ts";
import { listenOnLoopback } from "../../loopback.ts";
import { EMULATED_REGION, SERVER, startEmulatedSts } from "./emulated-sts.ts";

const roleArn = (name: string) => `arn:aws:iam::123456789012:role/${name}`;
const input = (name: string) => ({ roleArn: roleArn(name), sessionName: "team.web", durationSeconds: 900 });

const PLAIN = { usesFips: false, usesDualStack: false };

async function setUp(context: TestContext, options: { hopRoleArn?: string; timeoutMs?: number } = {}) {
  const emulator = await startEmulatedSts(context, {
    roles: [
      { arn: roleArn("orders"), trust: { principals: [SERVER] } },
      { arn: roleArn("broken"), trust: { principals: [] } },
      { arn: roleArn("hop"), trust: { principals: [SERVER] } },
      { arn: roleArn("behind"), trust: { principals: [roleArn("hop")] } },
    ],
  });
  const { hopRoleArn, timeoutMs = 5_000 } = options;
  const sts = createSts(
    { clock },
    { region: EMULATED_REGION, endpoint: emulator.url, ...PLAIN, hopRoleArn, timeoutMs },
  );
  context.after(() => sts.close());
  return { emulator, sts };
}

test("assumeRole() returns a session whose secrets do not print", async (context) => {
  const { emulator, sts } = await setUp(context);
  const session = await sts.assumeRole(input("orders"));
  assert.match(session.accessKeyId, /^ASIA/);
  // The header Date has whole seconds, and Node's server writes one that may be a second old.
  const lifetimeMs = session.expiresAtMs - session.issuedAtMs;
  assert.ok(lifetimeMs > 0 && lifetimeMs <= 902_000, String(lifetimeMs));
  assert.doesNotMatch(JSON.stringify(session), new RegExp(session.secretAccessKey.reveal().slice(0, 8)));
  const [call] = emulator.calls.assumed();
  assert.deepEqual([call?.callerArn, call?.sessionName, call?.durationSeconds], [SERVER, "team.web", 900]);
});

test("assumeRole() sends tags, transitive on request, and returns the packed size that STS reports", async (context) => {
  const { emulator, sts } = await setUp(context);
  emulator.roles.put({ arn: roleArn("orders"), trust: { principals: [SERVER], tagSession: true } });
  const tags = [{ key: "kubernetes-namespace", value: "team" }];
  const { packedPolicySize } = await sts.assumeRole({ ...input("orders"), tags, transitiveTags: true });
  assert.ok(packedPolicySize !== undefined && packedPolicySize > 0 && packedPolicySize <= 100);
  await sts.assumeRole({ ...input("orders"), tags });
  assert.deepEqual(
    emulator.calls.assumed().map((call) => [call.tags, call.transitiveTagKeys]),
    [
      [tags, ["kubernetes-namespace"]],
      [tags, []],
    ],
  );
  assert.equal((await sts.assumeRole(input("orders"))).packedPolicySize, undefined);
});

test("assumeRole() rejects with STS_DENIED and the missing statement when the role's trust policy does not allow tags", async (context) => {
  const { sts } = await setUp(context);
  const tagged = { ...input("orders"), tags: [{ key: "team", value: "a" }] };
  await assert.rejects(sts.assumeRole(tagged), {
    code: "STS_DENIED",
    message: /"Action":\["sts:AssumeRole","sts:TagSession"\]/,
  });
});

test("assumeRole() rejects with STS_INVALID and names what to shorten when the packed tags and policies are too large", async (context) => {
  const { emulator, sts } = await setUp(context);
  emulator.roles.put({ arn: roleArn("orders"), trust: { principals: [SERVER], tagSession: true } });
  const noise = (n: number) =>
    Buffer.from(`${n}${"z".repeat(n % 7)}`)
      .toString("hex")
      .repeat(4)
      .slice(0, 200);
  const tags = Array.from({ length: 50 }, (_, n) => ({
    key: `key-${n}-${noise(n).slice(0, 60)}`,
    value: noise(n * 31),
  }));
  await assert.rejects(sts.assumeRole({ ...input("orders"), tags }), {
    code: "STS_INVALID",
    message: /PackedPolicyTooLarge.*--session-tag-labels/,
  });
});

for (const [what, via, target, code] of [
  ["assumes a role through its own first hop", "hop", "behind", undefined],
  ["rejects with STS_DENIED when that hop may not assume the role", "hop", "orders", "STS_DENIED"],
  [
    "rejects with the retryable STS_UNAVAILABLE when the role's first hop is denied",
    "broken",
    "behind",
    "STS_UNAVAILABLE",
  ],
] as const) {
  test(`assumeRole() ${what}`, async (context) => {
    const { emulator, sts } = await setUp(context);
    const assumed = sts.assumeRole({ ...input(target), via: roleArn(via) });
    if (code !== undefined) return assert.rejects(assumed, { code });
    await assumed;
    assert.match(emulator.calls.assumed(roleArn(target))[0]?.callerArn ?? "", /assumed-role\/hop\/podrole-server$/);
  });
}

test("assumeRole() rejects with STS_DENIED, STS's message and what may be wrong", async (context) => {
  const { sts } = await setUp(context);
  await assert.rejects(sts.assumeRole(input("broken")), {
    code: "STS_DENIED",
    message:
      /AccessDenied: podrole's server is not authorized.*role broken does not exist; or its trust policy has no statement for /,
  });
});

for (const [fault, code] of [
  [{ kind: "throttle" }, "STS_THROTTLED"],
  [{ kind: "down" }, "STS_UNAVAILABLE"],
  [{ kind: "error", status: 503 }, "STS_UNAVAILABLE"],
  [{ kind: "expired" }, "STS_UNAVAILABLE"],
  [{ kind: "stall", ms: 60_000 }, "STS_UNAVAILABLE"],
] as const) {
  test(`assumeRole() rejects with ${code} when STS has the fault ${fault.kind}`, async (context) => {
    const { emulator, sts } = await setUp(context, fault.kind === "stall" ? { timeoutMs: 200 } : {});
    emulator.faults.set(fault);
    await assert.rejects(sts.assumeRole(input("orders")), { code });
  });
}

test("assumeRole() rejects with STS_INVALID for a session duration that STS does not support", async (context) => {
  const { sts } = await setUp(context);
  await assert.rejects(sts.assumeRole({ ...input("orders"), durationSeconds: 1 }), { code: "STS_INVALID" });
});

test("assumeRole() rejects with the retryable STS_UNAVAILABLE when the server's own credentials are invalid", async (context) => {
  const { sts } = await setUp(context);
  process.env["AWS_SECRET_ACCESS_KEY"] = "another-key";
  await assert.rejects(sts.assumeRole(input("orders")), { code: "STS_UNAVAILABLE", message: /own AWS credentials/ });
});

test("assumeRole() assumes roles through the hop of --assume-role-arn", async (context) => {
  const { sts } = await setUp(context, { hopRoleArn: roleArn("hop") });
  assert.match((await sts.assumeRole(input("behind"))).accessKeyId, /^ASIA/);
  assert.match(await sts.callerArn(), /assumed-role\/hop\/podrole-server$/);
  await assert.rejects(sts.assumeRole(input("orders")), { code: "STS_DENIED" });
});

test("assumeRole() rejects with the retryable STS_UNAVAILABLE when that hop is denied", async (context) => {
  const { sts } = await setUp(context, { hopRoleArn: roleArn("broken") });
  await assert.rejects(sts.assumeRole(input("behind")), ({ code, message, cause }: PodroleError) => {
    assert.equal(code, "STS_UNAVAILABLE");
    assert.match(message, /the server's own role \S+role\/broken: STS_DENIED; the server's log has the details$/);
    assert.match(
      String(cause),
      /is not authorized.*role broken does not exist; or its trust policy has no statement for /,
    );
    return true;
  });
});

/** A client of something before STS that gives one answer; `calls` counts the requests. */
async function behindProxy(
  context: TestContext,
  { status, headers, body }: { readonly status: number; readonly headers?: OutgoingHttpHeaders; readonly body: string },
  own: Clock = clock,
) {
  await setUp(context);
  const counts = { calls: 0 };
  const proxy = createServer((_request, response) => {
    counts.calls += 1;
    response.writeHead(status, { "content-type": "text/xml", ...headers }).end(body);
  });
  const endpoint = `http://127.0.0.1:${await listenOnLoopback(context, proxy)}`;
  const sts = createSts(
    { clock: own },
    { region: EMULATED_REGION, endpoint, ...PLAIN, hopRoleArn: undefined, timeoutMs: 5_000 },
  );
  context.after(() => sts.close());
  return { counts, sts };
}

test("assumeRole() rejects with STS_THROTTLED at once when a proxy before STS asks for a long wait", async (context) => {
  const error = "<Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error>";
  const headers = { "retry-after": "600" };
  const body = `<ErrorResponse>${error}</ErrorResponse>`;
  const { sts, counts } = await behindProxy(context, { status: 400, headers, body });
  await assert.rejects(sts.assumeRole(input("orders")), { code: "STS_THROTTLED", retryAfterMs: 30_000 });
  assert.equal(counts.calls, 1);
});

function sessionUntil(expiration: number): string {
  const keys = "<AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>k</SecretAccessKey><SessionToken>t</SessionToken>";
  const credentials = `<Credentials>${keys}<Expiration>${new Date(expiration).toISOString()}</Expiration></Credentials>`;
  return `<AssumeRoleResponse><AssumeRoleResult>${credentials}</AssumeRoleResult></AssumeRoleResponse>`;
}

test("assumeRole() rejects with SESSION_EXPIRED when STS returns a session that has expired by its own clock", async (context) => {
  const { sts, counts } = await behindProxy(context, { status: 200, body: sessionUntil(Date.now() - 60_000) });
  await assert.rejects(sts.assumeRole(input("orders")), {
    code: "SESSION_EXPIRED",
    message: /STS answered at .*Z with a session that expired at .*Z; expected one that is valid$/,
  });
  assert.equal(counts.calls, 1);
});

test("assumeRole() returns a session that is valid by the clock of STS, whatever the server's clock shows", async (context) => {
  const expiration = Math.floor(Date.now() / 1000) * 1000 + 900_000;
  const ahead: Clock = { ...clock, now: () => Date.now() + 7_200_000 };
  const { sts } = await behindProxy(context, { status: 200, body: sessionUntil(expiration) }, ahead);
  const { issuedAtMs, expiresAtMs } = await sts.assumeRole(input("orders"));
  assert.equal(expiresAtMs, expiration);
  assert.ok(Math.abs(expiration - 900_000 - issuedAtMs) <= 2_000, `${issuedAtMs}`);
});

test("assumeRole() returns the lifetime that is left when a session is shorter than requested", async (context) => {
  const expiration = Math.floor(Date.now() / 1000) * 1000 + 60_000;
  const { sts } = await behindProxy(context, { status: 200, body: sessionUntil(expiration) });
  const { issuedAtMs, expiresAtMs } = await sts.assumeRole(input("orders"));
  assert.ok(expiresAtMs - issuedAtMs <= 60_000 && expiresAtMs - issuedAtMs >= 50_000, `${expiresAtMs - issuedAtMs}`);
});
