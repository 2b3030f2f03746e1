// Who may call /mutate with --api-server-ca, over real TLS: certificates of the CA and of others, expired ones, other
// names, and open connections while the file changes.
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { createAuthority } from "../../src/pki/certificate.ts";
import * as oids from "../../src/pki/oids.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/runtime/clock.ts";
import { readSettings } from "../../src/runtime/settings.ts";
import { crossCheckWebhook as crossCheck } from "../../src/settings/cross-check.ts";
import { WEBHOOK_SETTINGS } from "../../src/settings/webhook.ts";
import { createWebhookApp } from "../../src/webhook/app.ts";
import { createRejectionLog, startCallerVerifier } from "../../src/webhook/callers.ts";
import type { AdmissionRequest } from "../../src/webhook/review.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";
import { newLeaf } from "../pki/samples.ts";
import { createTemporaryDirectory } from "../temporary-files.ts";
import { type Ca, type Client, clientOf, newCa } from "./client-certificates.ts";
import { annotatedPod, reviewOf } from "./requests.ts";

const now = Date.now();

const CA = newCa("api server");
const OTHER = newCa("others");
const IMPOSTOR = newCa("api server");

async function openDoor(context: TestContext, { name, ca = CA }: { readonly name?: string; readonly ca?: Ca } = {}) {
  const directory = createTemporaryDirectory(context);
  const caFile = join(directory, "ca.pem");
  await writeFile(caFile, ca.pem);
  const clock = createFakeClock(now);
  const { log, lines } = createKeptLog();
  const stop = new AbortController();
  const callers = await startCallerVerifier({ clock, log, signal: stop.signal }, { caFile, name });
  const admitted: AdmissionRequest[] = [];
  const rejected: string[] = [];
  const serving = createAuthority({ commonName: "webhook", now, lifetimeMs: 10 * HOUR_MS });
  const { pem, key } = newLeaf(serving, { kind: "serving", dnsNames: [], ipAddresses: ["127.0.0.1"] }, now);
  const app = createWebhookApp(
    {
      // Its own, because the budget closes idle connections by it.
      clock: createFakeClock(),
      admit: async (review) => {
        admitted.push(review);
        return { decision: "skip", reason: "NO_ROLE", response: { uid: review.uid, allowed: true } };
      },
      log,
      callers,
      tls: { current: () => ({ certificatePem: pem, privateKey: key }), onChange: () => () => {} },
      onUnreadable: () => {},
      onRejected: (reason) => rejected.push(reason),
    },
    { host: "127.0.0.1", port: 0 },
  );
  const port = await app.listen();
  const agents: Agent[] = [];
  context.after(async () => {
    stop.abort();
    for (const agent of agents) agent.destroy();
    await app.close();
  });

  /**
   * One client with one connection, kept open between its calls. Returns the HTTP status, or the connection's error.
   */
  function connect(client?: Client): () => Promise<number | string> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: serving.certificatePem, ...client });
    agents.push(agent);
    return () =>
      new Promise((resolve) => {
        const headers = { "content-type": "application/json" };
        const options = { host: "127.0.0.1", port, path: "/mutate", method: "POST", agent, headers };
        const call = request(options, (response) =>
          response.resume().on("end", () => resolve(response.statusCode ?? 0)),
        );
        call.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
        call.end(JSON.stringify(reviewOf(annotatedPod())));
      });
  }
  return { admitted, rejected, lines, clock, caFile, connect };
}

suite("startCallerVerifier()", () => {
  const served: readonly { readonly what: string; readonly client: Client; readonly name?: string }[] = [
    { what: "the CA's certificate, any name", client: clientOf(CA, "kube-apiserver") },
    { what: "the expected common name", client: clientOf(CA, "kube-apiserver"), name: "kube-apiserver" },
    {
      what: "the expected DNS name",
      client: clientOf(CA, "x", { dnsName: "apiserver.example" }),
      name: "apiserver.example",
    },
  ];
  for (const { what, client, name } of served) {
    test(`serves a caller with ${what}, and marks it as the API server`, async (context) => {
      const { connect, admitted, rejected } = await openDoor(context, name === undefined ? {} : { name });
      assert.equal(await connect(client)(), 200);
      assert.deepEqual([admitted.map(({ caller }) => caller), rejected], [["api-server"], []]);
    });
  }

  test("serves a caller whose certificate is of a CA below, which it shows", async (context) => {
    const below = newCa("below", 10 * HOUR_MS, CA);
    const { connect, admitted } = await openDoor(context);
    const client = clientOf(below, "kube-apiserver");
    assert.equal(await connect({ ...client, cert: client.cert + below.pem })(), 200);
    assert.deepEqual(
      admitted.map(({ caller }) => caller),
      ["api-server"],
    );
  });

  const refused: readonly { readonly what: string; readonly client?: Client; readonly reason: string }[] = [
    { what: "no certificate", reason: "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE" },
    { what: "a certificate of another CA", client: clientOf(OTHER, "kube-apiserver"), reason: "UNABLE" },
    { what: "a certificate of a CA with the same name", client: clientOf(IMPOSTOR, "kube-apiserver"), reason: "" },
    {
      what: "an expired certificate",
      client: clientOf(CA, "kube-apiserver", { lifeMs: -MINUTE_MS }),
      reason: "CERT_HAS",
    },
    {
      what: "a certificate for servers",
      client: clientOf(CA, "kube-apiserver", { purpose: oids.SERVER_AUTH }),
      reason: "INVALID_PURPOSE",
    },
  ];
  for (const { what, client, reason } of refused) {
    test(`closes the connection of a caller with ${what} before it reads a request`, async (context) => {
      const { connect, admitted, rejected } = await openDoor(context);
      assert.equal(typeof (await connect(client)()), "string");
      assert.deepEqual(admitted, []);
      assert.ok(
        rejected.every((code) => code.startsWith(reason)),
        rejected.join(),
      );
      if (client !== undefined) assert.equal(rejected.length, 1);
    });
  }

  for (const [what, client] of [
    ["another common name", clientOf(CA, "kubelet")],
    ["another DNS name", clientOf(CA, "x", { dnsName: "other.example" })],
    ["a wildcard for the name", clientOf(CA, "x", { dnsName: "*.example" })],
    ["a name that only contains it", clientOf(CA, "kube-apiserver.example")],
  ] as const) {
    test(`answers 403 to a caller with ${what}`, async (context) => {
      const { connect, admitted, rejected, lines } = await openDoor(context, { name: "kube-apiserver" });
      assert.equal(await connect(client)(), 403);
      assert.deepEqual([admitted, rejected], [[], ["CERTIFICATE_REJECTED"]]);
      assert.match(JSON.stringify(lines), /its certificate is for .*expected .*kube-apiserver/);
    });
  }

  for (const [what, lifeMs, caLifeMs] of [
    ["its certificate", HOUR_MS, 10 * HOUR_MS],
    ["the CA of its certificate", 10 * HOUR_MS, HOUR_MS],
  ] as const) {
    test(`refuses an open connection once ${what} has expired`, async (context) => {
      const ca = newCa("its own", caLifeMs);
      const { connect, clock, admitted } = await openDoor(context, { ca });
      const call = connect(clientOf(ca, "kube-apiserver", { lifeMs }));
      assert.equal(await call(), 200);
      await clock.advance(HOUR_MS + 2 * MINUTE_MS);
      assert.equal(await call(), 403);
      assert.equal(admitted.length, 1);
    });
  }

  test("follows the file: another CA holds for open connections and for new ones", async (context) => {
    const { connect, clock, caFile, lines } = await openDoor(context);
    const [old, next] = [clientOf(CA, "kube-apiserver"), clientOf(OTHER, "kube-apiserver")];
    const open = connect(old);
    assert.equal(await open(), 200);
    await writeFile(caFile, OTHER.pem);
    await followed(clock, () => lines.some((line) => JSON.stringify(line).includes("changed")));
    assert.equal(await open(), 403);
    assert.equal(typeof (await connect(old)()), "string");
    assert.equal(await connect(next)(), 200);
  });

  test("refuses an open connection whose peer shows the new CA behind its certificate of the former one", async (context) => {
    const { connect, clock, caFile, lines, admitted } = await openDoor(context);
    const client = clientOf(CA, "kube-apiserver");
    const open = connect({ ...client, cert: client.cert + OTHER.pem });
    assert.equal(await open(), 200);
    await writeFile(caFile, OTHER.pem);
    await followed(clock, () => lines.some((line) => JSON.stringify(line).includes("changed")));
    assert.equal(await open(), 403);
    assert.equal(admitted.length, 1);
  });

  test("keeps the last CA while the file is absent or holds no certificate", async (context) => {
    const { connect, clock, caFile, lines } = await openDoor(context);
    for (const content of ["", "not PEM"]) {
      const before = lines.length;
      await writeFile(caFile, content);
      await followed(clock, () => lines.length > before);
    }
    const before = lines.length;
    await rm(caFile);
    await followed(clock, () => lines.length > before);
    assert.equal(await connect(clientOf(CA, "kube-apiserver"))(), 200);
  });

  for (const [what, content] of [
    ["does not exist", undefined],
    ["has no certificate", "x"],
  ] as const) {
    test(`rejects when the file ${what}`, async (context) => {
      const { caFile, clock } = await openDoor(context);
      const file = `${caFile}.other`;
      if (content !== undefined) await writeFile(file, content);
      const { log } = createKeptLog();
      const signal = AbortSignal.abort();
      await assert.rejects(startCallerVerifier({ clock, log, signal }, { caFile: file, name: undefined }), {
        name: "Error",
        message: new RegExp(`^Cannot use --api-server-ca ".*ca.*": it ${what}; expected a PEM file with`),
      });
    });
  }
});

test("createRejectionLog() logs once a minute, with the number of callers", async () => {
  const clock = createFakeClock(now);
  const { log, lines } = createKeptLog();
  const reject = createRejectionLog({ clock, log });
  for (let index = 0; index < 100; index += 1) reject("CERT_HAS_EXPIRED");
  await clock.advance(MINUTE_MS);
  reject("CERT_HAS_EXPIRED");
  assert.deepEqual(
    lines.map((line) => (line as unknown as { count: number }).count),
    [1, 100],
  );
});

test("crossCheckWebhook() refuses --api-server-name without --api-server-ca", () => {
  const problems = (flags: Record<string, string>) => {
    const read = readSettings(WEBHOOK_SETTINGS, flags, {});
    return read.ok ? crossCheck(read.value) : read.problems;
  };
  assert.match(problems({ apiServerName: "x" }).join(), /^--api-server-name: --api-server-ca is not set/);
  assert.deepEqual(problems({ apiServerName: "x", apiServerCa: "/ca.pem" }), []);
  assert.deepEqual(problems({ apiServerCa: "/ca.pem" }), []);
});

/** Advances the clock until the file has been read again. */
async function followed(clock: { advance(ms: number): Promise<void> }, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    await clock.advance(MINUTE_MS);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
