// The command line, and the sidecar as a process: signals, children, exit codes.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buildSidecar } from "../../scripts/build-sidecar.ts";
import { runSidecar } from "../../src/sidecar/modes.ts";
import { ROOT } from "../files.ts";
import { freePorts } from "../loopback.ts";
import { createTemporaryDirectory } from "../temporary-files.ts";
import { createTestPod } from "./fake-pod.ts";
import { startFakeServer } from "./fake-server.ts";
import { sendRequest } from "./send-request.ts";

const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill("SIGKILL");
});
const directory = createTemporaryDirectory({ after });

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  let out = "";
  let err = "";
  const exitCode = await runSidecar(
    {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      env,
      interrupted: new AbortController().signal,
    },
    args,
  );
  return { exitCode, out, err };
}

test("runSidecar() prints help and version, with and without dashes", async () => {
  for (const mode of ["help", "--help"]) {
    const { out } = await run([mode]);
    assert.match(out, /PODROLE_SERVER_ADDRESS \(required\)/);
    assert.match(out, /PODROLE_PORT \(default: 9763\)/);
    assert.match(out, /PODROLE_REGION \(default: ""\)/);
    assert.doesNotMatch(out, /.{90}/);
  }
  assert.match((await run([])).out, /podrole-sidecar <mode>/);
  for (const mode of ["version", "--version"]) assert.match((await run([mode])).out, /^podrole \d+\.\d+\.\d+\n$/);
});

test("runSidecar() returns 2 for an unknown mode", async () => {
  const { exitCode, err } = await run(["server"]);
  assert.equal(exitCode, 2);
  assert.match(err, /unknown mode server \(did you mean serve\?\); expected one of init, serve, wait/);
});

test("runSidecar() suggests the mode that is misspelt, and none for another word", async () => {
  assert.match((await run(["sreve"])).err, /unknown mode sreve \(did you mean serve\?\);/);
  assert.match((await run(["deploy"])).err, /unknown mode deploy; expected/);
});

test("runSidecar() reports all invalid settings at once, and starts nothing", async () => {
  const { exitCode, err } = await run(["serve", "--port=no"], {
    PODROLE_SERVER_ADRESS: "a:1",
    PODROLE_CONTAINERS: "app,../other",
    PODROLE_TRUST_BUNDLE: "none",
  });
  assert.equal(exitCode, 2);
  for (const part of ["--port: ", "PODROLE_SERVER_ADRESS: ", "PODROLE_CONTAINERS: ", "PODROLE_TRUST_BUNDLE: "]) {
    assert.ok(err.includes(part), part);
  }
  assert.ok(err.includes("did you mean PODROLE_SERVER_ADDRESS?"));
});

test("runSidecar() runs wait with directory and containers, and no required setting of the other modes", async () => {
  const env = { PODROLE_POD_NAME: "web", PODROLE_IDENTITY_DIRECTORY: directory, PODROLE_CONTAINERS: "app" };
  assert.equal((await run(["wait", "--init-timeout=1ms"], env)).exitCode, 1);
});

function start(entry: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [entry, ...args], { env, stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    out += chunk;
  });
  const ended = new Promise<number | string | null>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? code));
  });
  return { child, ended, log: () => out };
}

test("buildSidecar() puts gRPC into no bundle that the serving process loads", async () => {
  const { sizes } = await buildSidecar(join(directory, "sidecar"));
  const names = await readdir(join(directory, "sidecar"));
  assert.deepEqual(Object.keys(sizes).toSorted(), names.toSorted());
  for (const name of names.filter((one) => !one.endsWith(".cache"))) {
    const text = await readFile(join(directory, "sidecar", name), "utf8");
    const isExchange = ["init.js", "renew.js", "wait.js"].includes(name);
    assert.equal(/require\("(node:)?http2"\)/.test(text), isExchange, name);
    const required = [...text.matchAll(/require\("\.\/([^"]+)"\)/g)].map(([, file]) => file ?? "");
    const missing = required.filter((file) => !names.includes(file));
    assert.deepEqual(new Set(missing).difference(OF_OTHER_MODES), new Set(), name);
  }
  // Of these, 8 kB are texts of the error table; a module that is loaded on demand would add 400 kB.
  assert.ok((sizes["serve.js"] ?? 0) < 73_000, "serve.js stays small");
});

/** What the program of one mode requires in other modes only, which it never runs. */
const OF_OTHER_MODES = new Set(
  ["init", "serve", "wait", "hook-renewal", "early-renewal", "renew", "help"].map((name) => `${name}.cjs`),
);

test("buildSidecar() makes a program that has every mode, with and without dashes", () => {
  const entry = join(directory, "sidecar", "main.cjs");
  const runBundle = (...args: string[]) => spawnSync(process.execPath, [entry, ...args], { encoding: "utf8", env: {} });
  for (const mode of ["init", "serve", "wait", "hold", "renew", "--serve", "--wait"]) {
    const { status, stderr } = runBundle(mode);
    assert.equal(status, 2, mode);
    assert.match(stderr, /^podrole-sidecar: --identity-directory \(PODROLE_IDENTITY_DIRECTORY\) is required/m, mode);
  }
  for (const mode of ["version", "--version"]) assert.match(runBundle(mode).stdout, /^podrole \d+\.\d+\.\d+\n$/);
  for (const args of [[], ["help"]]) assert.match(runBundle(...args).stdout, /^Usage: podrole-sidecar <mode>/);
  assert.match(runBundle("sreve").stderr, /unknown mode sreve \(did you mean serve\?\)/);
});

test("runSidecar() runs as a bundle as in a pod: serve, wait, renewal by a child process, SIGKILL, SIGTERM", async (t) => {
  const entry = join(directory, "sidecar", "main.cjs");
  const server = await startFakeServer();
  t.after(() => server.stop());
  const [port, healthPort] = await freePorts();
  const pod = await createTestPod(t, server, { port, healthPort });
  const begun = start(entry, ["serve"], pod.env);
  assert.equal(await start(entry, ["wait"], pod.env).ended, 0);
  const accessKeyId = async () => (await sendRequest(port, { token: await pod.token("app") })).body["AccessKeyId"];
  assert.equal(await accessKeyId(), "ASIAAPP1");
  begun.child.kill("SIGTERM");
  assert.equal(await begun.ended, 0);
  // In classic mode init runs first; in a restarted pod it finds valid credentials.
  assert.equal(await start(entry, ["init"], pod.env).ended, 0);

  // Makes the renewal due immediately, so that the sidecar begins with a child process.
  const file = join(pod.settings.identityDirectory, "credentials.json");
  await writeFile(file, (await readFile(file, "utf8")).replaceAll(/"renewAtMs":\d+/g, '"renewAtMs":0'));
  const first = start(entry, ["serve"], pod.env);
  assert.equal(await start(entry, ["wait"], pod.env).ended, 0);
  while ((await accessKeyId()) !== "ASIAAPP2") await sleep(10);
  assert.match((await sendRequest(healthPort, { path: "/metrics" })).text, /renewals_total\{outcome="renewed"\} 1/);

  first.child.kill("SIGKILL");
  assert.equal(await first.ended, "SIGKILL");
  await server.stop();
  const second = start(entry, ["serve"], pod.env);
  assert.equal(await start(entry, ["wait"], pod.env).ended, 0);
  // A restarted sidecar replaces the tokens once it listens: like an SDK, read the token file again after
  // TOKEN_REPLACED.
  let response = await sendRequest(port, { token: await pod.token("app") });
  while (response.body["code"] === "TOKEN_REPLACED") {
    await sleep(10);
    response = await sendRequest(port, { token: await pod.token("app") });
  }
  assert.equal(response.body["AccessKeyId"], "ASIAAPP2", response.text);
  second.child.kill("SIGTERM");
  assert.equal(await second.ended, 0);
  const logged = begun.log() + first.log() + second.log();
  for (const line of logged.trim().split("\n")) assert.ok(JSON.parse(line));
  assert.ok(!logged.includes("session-of"));
});

test("runSidecar() does the first renewal in the hook if the sidecar expects one, and later ones in child processes", async (t) => {
  const entry = join(directory, "sidecar", "main.cjs");
  const server = await startFakeServer();
  t.after(() => server.stop());
  const [port, healthPort] = await freePorts();
  const pod = await createTestPod(t, server, { port, healthPort, startHook: true });
  const serve = start(entry, ["serve"], pod.env);
  const metrics = async () => (await sendRequest(healthPort, { path: "/metrics" })).text;
  while (!serve.log().includes("podrole-sidecar is up")) await sleep(10);
  assert.deepEqual(server.calls, [], "no child renews while the sidecar expects the hook");
  assert.equal(await start(entry, ["wait"], pod.env).ended, 0);
  assert.deepEqual(server.calls, ["certificate", "credentials"]);
  while (!/renewals_total\{outcome="renewed"\} 1/.test(await metrics())) await sleep(10);
  assert.equal((await sendRequest(port, { token: await pod.token("app") })).body["AccessKeyId"], "ASIAAPP1");
  assert.ok(serve.log().includes("received a certificate"), "the hook's log lines are the sidecar's");
  serve.child.kill("SIGTERM");
  assert.equal(await serve.ended, 0);
});

test("runSidecar() does the first renewal in podrole-init, which goes on when the sidecar is killed meanwhile", async (t) => {
  const entry = join(directory, "sidecar", "main.cjs");
  const server = await startFakeServer();
  t.after(() => server.stop());
  const [port, healthPort] = await freePorts();
  const pod = await createTestPod(t, server, { port, healthPort, startHook: true });
  const killed = start(entry, ["serve"], pod.env);
  while (!killed.log().includes("podrole-sidecar is up")) await sleep(10);
  killed.child.kill("SIGKILL");
  await killed.ended;
  const init = start(entry, ["hold"], pod.env);
  while (server.calls.length < 1) await sleep(10);
  assert.deepEqual(await readdir(pod.settings.identityDirectory), ["hook.sock"], "nothing is stored unrequested");
  const serve = start(entry, ["serve"], pod.env);
  assert.equal(await init.ended, 0);
  assert.equal((await sendRequest(port, { token: await pod.token("app") })).body["AccessKeyId"], "ASIAAPP1");
  serve.child.kill("SIGTERM");
  assert.equal(await serve.ended, 0);
});

for (const [mode, appGrace, exitCode] of [
  ["native", 0, 0],
  ["classic", 28_000, 1],
] as const) {
  test(`runSidecar() exits with ${exitCode} and a termination message on SIGTERM while the first renewal hangs, in ${mode} mode`, async (t) => {
    const server = await startFakeServer();
    t.after(() => server.stop());
    const [port, healthPort] = await freePorts();
    const pod = await createTestPod(t, server, { port, healthPort, appGrace });
    const reached = new Promise<void>((resolve) => {
      server.grant = () => {
        resolve();
        return new Promise(() => {});
      };
    });
    const serve = start(join(ROOT, "src/sidecar/main.ts"), ["serve"], pod.env);
    await reached;
    serve.child.kill("SIGTERM");
    assert.equal(await serve.ended, exitCode);
    const message = await readFile(pod.settings.terminationMessageFile ?? "", "utf8");
    assert.match(message, /^NOT_READY: Cannot start pod "team\/web"/);
  });
}
