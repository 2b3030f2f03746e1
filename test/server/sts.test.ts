import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createStsEmulator } from "../../src/emulators/sts/emulator.ts";
import { systemClock as clock } from "../../src/runtime/clock.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { baseArnOf, createSts } from "../../src/server/sts.ts";

const REGION = "eu-central-1";
const KEY = { accessKeyId: "AKIAPODROLESERVER001", secretAccessKey: "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00" };
const SERVER = "arn:aws:iam::123456789012:user/podrole-server";
const roleArn = (name: string) => `arn:aws:iam::123456789012:role/${name}`;
const input = (name: string) => ({ roleArn: roleArn(name), sessionName: "team.web", durationSeconds: 900 });

/** The SDK's default chain reads the environment first; nothing else of this machine is asked. */
const OWN = { AWS_ACCESS_KEY_ID: KEY.accessKeyId, AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey };

async function stage(context: TestContext, options: { hopRoleArn?: string; timeoutMs?: number } = {}) {
  const before = { ...process.env };
  Object.assign(process.env, OWN);
  const emulator = createStsEmulator(
    { clock },
    {
      region: REGION,
      keys: [{ accessKeyId: KEY.accessKeyId, secretAccessKey: new Secret(KEY.secretAccessKey), arn: SERVER }],
      roles: [
        { arn: roleArn("orders"), trust: { principals: [SERVER] } },
        { arn: roleArn("broken"), trust: { principals: [] } },
        { arn: roleArn("hop"), trust: { principals: [SERVER] } },
        { arn: roleArn("behind"), trust: { principals: [roleArn("hop")] } },
      ],
    },
  );
  await emulator.listen();
  const { hopRoleArn, timeoutMs = 5_000 } = options;
  const sts = createSts({ clock }, { region: REGION, endpoint: emulator.url, fips: false, hopRoleArn, timeoutMs });
  context.after(async () => {
    sts.close();
    await emulator.close();
    for (const name of Object.keys(OWN)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  });
  return { emulator, sts };
}

test("assumeRole() turns an input into a session, whose secrets do not print", async (context) => {
  const { emulator, sts } = await stage(context);
  const session = await sts.assumeRole(input("orders"));
  assert.match(session.accessKeyId, /^ASIA/);
  assert.ok(session.expiresAt > session.issuedAt && session.expiresAt <= session.issuedAt + 901_000);
  assert.doesNotMatch(JSON.stringify(session), new RegExp(session.secretAccessKey.reveal().slice(0, 8)));
  const [call] = emulator.calls.assumed();
  assert.deepEqual([call?.callerArn, call?.sessionName, call?.durationSeconds], [SERVER, "team.web", 900]);
});

test("assumeRole() says STS_DENIED in STS's words, and whose trust policy is missing", async (context) => {
  const { sts } = await stage(context);
  await assert.rejects(sts.assumeRole(input("broken")), {
    code: "STS_DENIED",
    message: /AccessDenied: User: \S+podrole-server is not authorized.*the trust policy of broken must allow/,
  });
});

for (const [fault, code] of [
  [{ kind: "throttle" }, "STS_THROTTLED"],
  [{ kind: "down" }, "STS_UNAVAILABLE"],
  [{ kind: "error", status: 503 }, "STS_UNAVAILABLE"],
  [{ kind: "stall", ms: 60_000 }, "STS_UNAVAILABLE"],
] as const) {
  test(`assumeRole() says ${code} when STS has the fault ${fault.kind}`, async (context) => {
    const { emulator, sts } = await stage(context, fault.kind === "stall" ? { timeoutMs: 200 } : {});
    emulator.faults.set(fault);
    await assert.rejects(sts.assumeRole(input("orders")), { code });
  });
}

test("assumeRole() says STS_INVALID for a session that STS never gives", async (context) => {
  const { sts } = await stage(context);
  await assert.rejects(sts.assumeRole({ ...input("orders"), durationSeconds: 1 }), { code: "STS_INVALID" });
});

test("assumeRole() says STS_UNAVAILABLE when the server's own credentials are bad: no pod is to blame", async (context) => {
  const { sts } = await stage(context);
  process.env["AWS_SECRET_ACCESS_KEY"] = "another-key";
  await assert.rejects(sts.assumeRole(input("orders")), { code: "STS_UNAVAILABLE", message: /own AWS credentials/ });
});

test("assumeRole() goes through the hop", async (context) => {
  const { sts } = await stage(context, { hopRoleArn: roleArn("hop") });
  assert.match((await sts.assumeRole(input("behind"))).accessKeyId, /^ASIA/);
  assert.match(await sts.callerArn(), /assumed-role\/hop\/podrole-server$/);
  await assert.rejects(sts.assumeRole(input("orders")), { code: "STS_DENIED" });
});

test("assumeRole() says STS_UNAVAILABLE when the hop is denied: no pod is to blame", async (context) => {
  const { sts } = await stage(context, { hopRoleArn: roleArn("broken") });
  await assert.rejects(sts.assumeRole(input("behind")), {
    code: "STS_UNAVAILABLE",
    message: /the server's own role \S+role\/broken/,
  });
});

test("baseArnOf() takes account and partition of what the server is", () => {
  assert.equal(baseArnOf("arn:aws-cn:sts::123456789012:assumed-role/a/b"), "arn:aws-cn:iam::123456789012:role/");
  assert.equal(baseArnOf(SERVER), "arn:aws:iam::123456789012:role/");
  for (const text of ["", "arn:aws:s3:::bucket", "arn:aws:iam::12:user/a"]) assert.equal(baseArnOf(text), undefined);
});
