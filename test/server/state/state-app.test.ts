// The state port without a socket: statuses, bad requests, and what a caller without the right sees.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../../src/kubernetes/errors.ts";
import { createAuthority } from "../../../src/pki/certificate.ts";
import { refuse } from "../../../src/protocol/errors.ts";
import type { AuditLine } from "../../../src/runtime/audit-line.ts";
import { HOUR_MS } from "../../../src/runtime/clock.ts";
import { createRepeatSampler } from "../../../src/server/issue/repeat-sampler.ts";
import type { AuthorizeReader } from "../../../src/server/state/authorize-reader.ts";
import { createStateAnswer } from "../../../src/server/state/state-answer.ts";
import { createStateApp } from "../../../src/server/state/state-app.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { examplePage, exampleRefusal } from "../../protocol/state/pages.ts";

const ALLOWED: AuthorizeReader = async () => ({ username: "system:serviceaccount:podrole:podrole-reader" });
const { refusals, trust, sts } = examplePage("a");

function setUp(authorize: AuthorizeReader = ALLOWED) {
  const clock = createFakeClock();
  const { log } = createKeptLog();
  const audit: AuditLine[] = [];
  const seen: (readonly [string, string | undefined])[] = [];
  const records = refusals ?? assert.fail("the example has refusals");
  const other = exampleRefusal({ namespace: "bank" });
  const answer = createStateAnswer(
    {
      clock,
      audit: (line) => audit.push(line),
      repeats: createRepeatSampler({ clock }, { most: 10 }),
      authorize(token, namespace, peer) {
        seen.push([token.reveal(), namespace]);
        return authorize(token, namespace, peer);
      },
      sources: {
        knownPods: () => [],
        holdingsOf: () => undefined,
        refusals: () => ({ ...records, rows: [...records.rows, other] }),
        trust: () => trust ?? assert.fail("the example has trust"),
        sts: () => sts ?? assert.fail("the example has STS"),
        account: () => "123456789012",
        problems: () => [],
      },
    },
    { name: "podrole-server-a", version: "0.1.0", startedAt: "2026-01-01T00:00:00.000Z" },
  );
  const { certificatePem, key: privateKey } = createAuthority({
    commonName: "CA",
    now: clock.now(),
    lifetimeMs: HOUR_MS,
  });
  const tls = { current: () => ({ certificatePem, privateKey }), onChange: () => () => {} };
  const app = createStateApp({ clock, log, tls, answer });
  const get = async (url: string, headers: Readonly<Record<string, string>> = { "x-podrole-token": "a.b.c" }) => {
    const response = await app.inject({ method: "GET", url, headers });
    return {
      status: response.statusCode,
      headers: response.headers,
      body: JSON.parse(response.payload) as Record<string, unknown>,
    };
  };
  return { clock, audit, seen, app, get };
}

test("GET /podrole/state answers with the whole state, and is not to be stored", async () => {
  const { get, seen } = setUp();
  const { status, headers, body } = await get("/podrole/state");
  assert.deepEqual([status, headers["cache-control"]], [200, "no-store"]);
  assert.deepEqual(Object.keys(body).toSorted(), [
    "podCount",
    "pods",
    "refusals",
    "replica",
    "sts",
    "trust",
    "version",
  ]);
  assert.deepEqual(seen, [["a.b.c", undefined]]);
});

test("GET /podrole/state of one namespace has neither trust nor STS nor refusals of other namespaces", async () => {
  const { body } = await setUp().get("/podrole/state?namespace=shop");
  assert.deepEqual([body["trust"], body["sts"], body["namespace"]], [undefined, undefined, "shop"]);
  const { rows } = body["refusals"] as { rows: readonly { namespace: string }[] };
  assert.deepEqual(
    rows.map(({ namespace }) => namespace),
    ["shop"],
  );
});

for (const [code, status] of [
  ["PROOF_REJECTED", 401],
  ["READER_FORBIDDEN", 403],
  ["SERVER_OVERLOADED", 503],
] as const) {
  test(`GET /podrole/state answers ${code} with ${status}, code, message and remedy, and nothing else`, async () => {
    const { get } = setUp(async () => ({ refusal: refuse(code, "Cannot do it") }));
    const { status: found, body } = await get("/podrole/state");
    assert.equal(found, status);
    assert.deepEqual([Object.keys(body), body["code"]], [["code", "message", "remedy"], code]);
  });
}

test("GET /podrole/state answers 503 while the API server cannot be asked", async () => {
  const { get } = setUp(async () => {
    throw new ApiError(0, "", "Cannot create tokenreviews: no response");
  });
  const { status, body } = await get("/podrole/state");
  assert.deepEqual([status, body["code"]], [503, "KUBERNETES_UNAVAILABLE"]);
});

for (const [what, url] of [
  ["a namespace that is no DNS label", "/podrole/state?namespace=../shop"],
  ["two namespaces", "/podrole/state?namespace=shop&namespace=bank"],
  ["an empty namespace", "/podrole/state?namespace="],
  ["a position that is too long", `/podrole/state?continue=${"a".repeat(500)}`],
] as const) {
  test(`GET /podrole/state refuses ${what}, without asking who the caller is`, async () => {
    const { get, seen } = setUp();
    const { status, body } = await get(url);
    assert.deepEqual([status, body["code"], seen], [400, "REQUEST_INVALID", []]);
  });
}

test("GET /podrole/state is the only path and method", async () => {
  const { app, get } = setUp();
  assert.equal((await get("/metrics")).body["code"], "PATH_UNKNOWN");
  assert.equal((await app.inject({ method: "POST", url: "/podrole/state" })).statusCode, 404);
});

test("createStateAnswer() bounds how often one caller asks, and no other caller notices", async () => {
  const { clock, get } = setUp(async (token) => ({ username: token.reveal() }));
  const statuses = [];
  for (let times = 0; times < 45; times++) statuses.push((await get("/podrole/state")).status);
  assert.equal(statuses.filter((status) => status === 200).length, 40);
  assert.equal((await get("/podrole/state", { "x-podrole-token": "d.e.f" })).status, 200);
  await clock.advance(250);
  assert.equal((await get("/podrole/state")).status, 200);
});

test("createStateAnswer() records one line for a caller, a namespace and a minute", async () => {
  const { clock, audit, get } = setUp();
  for (const url of ["/podrole/state", "/podrole/state?continue=shop/a", "/podrole/state?namespace=shop"])
    await get(url);
  assert.deepEqual(
    audit.map((line) => [line.audit, line.decision, line.namespace]),
    [
      ["state", "answered", undefined],
      ["state", "answered", "shop"],
    ],
  );
  await clock.advance(60_000);
  await get("/podrole/state?continue=shop/a");
  assert.equal(audit.length, 3);
});

test("createStateAnswer() records some refusals of each namespace's callers, and of callers that proved nothing", async () => {
  const forbidden = refuse("READER_FORBIDDEN", "Cannot show it");
  const names = ["shop:default", ...Array.from({ length: 20 }, (_, index) => `shop:sa-${index}`), "bank:default"];
  const known = setUp(async () => ({ username: `system:serviceaccount:${names.shift()}`, refusal: forbidden }));
  for (let times = 0; times < 22; times++) await known.get("/podrole/state");
  assert.equal(known.audit.length, 11);
  const last = known.audit.at(-1);
  assert.equal(last && "user" in last && last.user, "system:serviceaccount:bank:default");
  assert.equal(
    known.audit[0]?.decision === "refused" && "user" in known.audit[0] && known.audit[0].user,
    "system:serviceaccount:shop:default",
  );
  const unknown = setUp(async () => ({ refusal: refuse("PROOF_REJECTED", "Cannot accept it") }));
  for (let times = 0; times < 20; times++) await unknown.get("/podrole/state");
  assert.equal(unknown.audit.length, 10);
});
