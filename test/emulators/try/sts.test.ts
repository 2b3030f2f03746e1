// The emulated STS of a try installation on the wire, called by an AWS SDK: whom it serves, and when it ends.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import type { RegisteredConfiguration } from "../../../emulators/try/installation-guard.ts";
import { runTrySts } from "../../../emulators/try/sts.ts";
import { until } from "../../../emulators/until.ts";
import { createLog } from "../../../src/runtime/log.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { sessionOf } from "../sts/harness.ts";

const KEY = { accessKeyId: "AKIAPODROLETRYSERVER", secretAccessKey: "emulated/by/podrole-try/grants/nothing00" };
const REAL: RegisteredConfiguration = { metadata: { name: "podrole" }, webhooks: [{ name: "pods.podrole.io" }] };
const roleArn = (name: string) => `arn:aws:iam::000000000000:role/${name}`;

/** `failures`: how many of the first lists fail. */
function start(t: TestContext, registered: readonly RegisteredConfiguration[] = [], failures = 0) {
  const clock = createFakeClock(Date.now());
  const stop = new AbortController();
  t.after(() => stop.abort());
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  const cluster = { configurations: registered, failures };
  const listConfigurations = async () => {
    if (cluster.failures > 0) {
      cluster.failures -= 1;
      throw new Error("the API server does not answer");
    }
    return cluster.configurations;
  };
  const deps = {
    clock,
    log: createLog("podrole-try", "info", destination),
    interrupted: stop.signal,
    listConfigurations,
  };
  const options = { accessKeyId: KEY.accessKeyId, secretAccessKey: new Secret(KEY.secretAccessKey), port: 0 };
  const ended = runTrySts(deps, { ...options, host: "127.0.0.1" });
  const url = () => lines.find(({ message }) => String(message).includes("is up"))?.["url"];
  const up = () => until(() => url() !== undefined, "STS is up");
  const client = (credentials: typeof KEY & { readonly sessionToken?: string } = KEY) => {
    const sts = new STSClient({
      ...{ region: "us-east-1", endpoint: String(url()), credentials, maxAttempts: 1 },
      systemClockOffset: clock.now() - Date.now(),
    });
    t.after(() => sts.destroy());
    return sts;
  };
  return { clock, cluster, lines, stop, ended, up, client };
}

const assume = (name: string) => new AssumeRoleCommand({ RoleArn: roleArn(name), RoleSessionName: "try" });

suite("runTrySts()", () => {
  test("issues a session of its account to the server's key, which expires", async (t) => {
    const sts = start(t);
    await sts.up();
    const session = sessionOf(await sts.client().send(assume("try-orders")));
    const { Arn: arn } = await sts.client(session).send(new GetCallerIdentityCommand({}));
    assert.equal(arn, "arn:aws:sts::000000000000:assumed-role/try-orders/try");
    await sts.clock.advance(3_601_000);
    await assert.rejects(sts.client(session).send(new GetCallerIdentityCommand({})), { name: "ExpiredToken" });
  });

  test("denies an unknown role, a wrong secret, an unknown key, and a session that assumes a role", async (t) => {
    const sts = start(t);
    await sts.up();
    await assert.rejects(sts.client().send(assume("shop-orders")), { name: "AccessDenied" });
    const wrong = { ...KEY, secretAccessKey: "wrong" };
    await assert.rejects(sts.client(wrong).send(assume("try-orders")), { name: "SignatureDoesNotMatch" });
    const unknown = { ...KEY, accessKeyId: "AKIAIOSFODNN7EXAMPLE" };
    await assert.rejects(sts.client(unknown).send(assume("try-orders")), { name: "InvalidClientTokenId" });
    const session = sessionOf(await sts.client().send(assume("try-orders")));
    await assert.rejects(sts.client(session).send(assume("try-payroll")), { name: "AccessDenied" });
  });

  test("logs that its credentials work nowhere in AWS, and each call without a secret", async (t) => {
    const sts = start(t);
    await sts.up();
    const { Credentials: issued } = await sts.client().send(assume("try-orders"));
    const [first, ...calls] = sts.lines;
    assert.match(String(first?.["message"]), /its credentials work nowhere in AWS$/);
    assert.deepEqual(
      calls.map(({ action, outcome, roleArn: arn }) => [action, outcome, arn]),
      [["AssumeRole", "ok", roleArn("try-orders")]],
    );
    const text = JSON.stringify(sts.lines);
    for (const secret of [KEY.secretAccessKey, issued?.SecretAccessKey, issued?.SessionToken]) {
      assert.ok(secret !== undefined && !text.includes(secret));
    }
  });

  test("does not listen in a cluster with podrole, and ends with 1", async (t) => {
    const sts = start(t, [REAL]);
    assert.equal(await sts.ended, 1);
    assert.deepEqual(
      sts.lines.map(({ message }) => /podrole is installed in this cluster/.test(String(message))),
      [true],
    );
  });

  test("rejects while the API server cannot say whether podrole is installed", async (t) => {
    const sts = start(t, [], 1);
    await assert.rejects(sts.ended, /the API server does not answer/);
    assert.deepEqual(sts.lines, []);
  });

  test("ends with 1 when podrole is installed later, also after a list that failed", async (t) => {
    const sts = start(t);
    await sts.up();
    const client = sts.client();
    await client.send(new GetCallerIdentityCommand({}));
    sts.cluster.failures = 1;
    sts.cluster.configurations = [REAL];
    await sts.clock.advance(5_000);
    await sts.clock.advance(5_000);
    assert.equal(await sts.ended, 1);
    const messages = sts.lines.map(({ message }) => String(message));
    assert.equal(messages.filter((message) => message.startsWith("cannot look for an installation")).length, 1);
    assert.match(messages.at(-1) ?? "", /podrole is installed in this cluster/);
    await assert.rejects(client.send(assume("try-orders")), { code: "ECONNREFUSED" });
  });

  test("ends with 0 when it is interrupted", async (t) => {
    const sts = start(t);
    await sts.up();
    sts.stop.abort();
    assert.equal(await sts.ended, 0);
  });
});
