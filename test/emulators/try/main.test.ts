// The programs of image podrole-try as processes: the app beside an STS on loopback, and what the entry refuses.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { suite, type TestContext, test } from "node:test";
import { startSts } from "../../../emulators/cluster.ts";
import { until } from "../../../emulators/until.ts";
import { systemClock as clock } from "../../../src/runtime/clock.ts";
import { ROOT } from "../../files.ts";
import { freePort } from "../../loopback.ts";

function start(t: TestContext, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [join(ROOT, "emulators/try/main.ts"), ...args], {
    env: { AWS_REGION: "us-east-1", AWS_EC2_METADATA_DISABLED: "true", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  return { child, out: text(child.stdout), err: text(child.stderr), exit: once(child, "exit") };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => socket.destroy() && resolve(true)).once("error", () => resolve(false));
  });
}

suite("podrole-try", () => {
  test("app prints who STS says it is, then opens its port, and ends with 0 on SIGTERM", async (t) => {
    const { sts, serverEnv } = await startSts({ clock }, { region: "us-east-1", accountId: "000000000000", roles: [] });
    t.after(() => sts.close());
    const port = await freePort();
    const app = start(t, ["app"], { ...serverEnv, AWS_ENDPOINT_URL_STS: sts.url, PORT: String(port) });
    await until(() => isListening(port), "the app's port is open");
    app.child.kill("SIGTERM");
    assert.deepEqual(await app.exit, [0, null], await app.err);
    assert.match(await app.out, /^\S+Z the emulated STS says that this pod is arn:aws:iam::000000000000:user\/\S+\n$/);
  });

  test("app ends with 1 when STS does not accept its credentials, and opens no port", async (t) => {
    const { sts } = await startSts({ clock }, { region: "us-east-1", accountId: "000000000000", roles: [] });
    t.after(() => sts.close());
    const keys = { AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY: "unknown" };
    const port = await freePort();
    const app = start(t, ["app"], { ...keys, AWS_ENDPOINT_URL_STS: sts.url, PORT: String(port) });
    assert.deepEqual(await app.exit, [1, null]);
    assert.match(await app.err, /security token included in the request is invalid/);
    assert.equal(await app.out, "");
  });

  test("refuses a program that it does not have", async (t) => {
    const { exit, err } = start(t, ["server"]);
    assert.deepEqual(await exit, [2, null]);
    assert.equal(await err, "Cannot run server: it is no program of podrole-try; expected sts or app\n");
  });

  test("sts ends with 1 outside of a cluster, where it cannot look for an installation", async (t) => {
    const { exit, out } = start(t, ["sts"]);
    assert.deepEqual(await exit, [1, null]);
    assert.doesNotMatch(await out, /is up/);
  });
});
