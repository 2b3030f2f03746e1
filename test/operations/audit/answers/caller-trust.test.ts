// Admission records that anyone who reaches the webhook may have caused: believed only if the API server's log has
// them.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, suite, test } from "node:test";
import { callerTrustOf } from "../../../../src/operations/audit/answers/caller-trust.ts";
import { createApiJoin, readApiEvent } from "../../../../src/operations/audit/records/api-events.ts";
import { readRecord } from "../../../../src/operations/audit/records/podrole-records.ts";
import { partOf, runAudit } from "../../../cli/commands/run-audit.ts";
import { writeTemporaryFile } from "../../../temporary-files.ts";
import { admission, creation, credentials, linesOf } from "../samples.ts";

const PROVEN = { caller: "api-server" };
/** A line that mallory wrote by calling the webhook herself, later than the real one. */
const FORGED = { caller: "unproven", request: "r-9", user: "bob", time: "2026-11-26T08:00:01.000Z" };
const JSON_OUT = { output: "json" };

suite("callerTrustOf()", () => {
  for (const [what, record, event, expected] of [
    ["a record whose caller proved itself", PROVEN, undefined, "api-server"],
    ["a record that the API server's log has", {}, {}, "confirmed"],
    ["a record without the API server's log", {}, undefined, "unproven"],
    ["a record of an earlier version, which has no caller", { caller: undefined }, undefined, "unproven"],
    ["a record with a text that looks like a proof", { caller: "API-SERVER" }, undefined, "unproven"],
    ["a request that the API server's log does not have", { request: "r-9" }, {}, "unproven"],
    ["a record without a request", { request: undefined }, {}, "unproven"],
    ["a real request with another user", { user: "bob" }, {}, "unproven"],
    ["a real request with another namespace", { namespace: "payments" }, {}, "unproven"],
    ["a real request with another pod", { pod: "ghost" }, {}, "unproven"],
    ["a pod that is named after its admission", { pod: undefined, generateName: "orders-" }, {}, "confirmed"],
    [
      "an impersonated user, as the webhook sees it",
      {},
      { user: { username: "root" }, impersonatedUser: { username: "alice@example.com" } },
      "confirmed",
    ],
    [
      "a user's name that the webhook cut",
      { user: "u".repeat(256) },
      { user: { username: "u".repeat(300) } },
      "confirmed",
    ],
  ] as const) {
    test(`returns ${expected} for ${what}`, () => {
      const read = readRecord(JSON.stringify(admission(record)));
      assert.ok(read?.kind === "admission");
      const api =
        event && createApiJoin({ requests: new Set(["r-1", "r-9"]), credentialIds: new Set(), pods: new Set() });
      const line = event && readApiEvent(JSON.stringify(creation(event)));
      if (line) api?.add(line);
      assert.equal(callerTrustOf(read, api), expected);
    });
  }
});

suite("podrole audit", () => {
  const refused = creation({ annotations: { "pods.podrole.io/request": "r-2" } });
  const apiAuditLog = writeTemporaryFile({ after }, "api.log", linesOf([creation(), refused]));

  const creator = (row: Record<string, unknown> | undefined) => {
    const { user, caller } = partOf(row, "admission");
    return [user, caller];
  };
  const who = async (flags: object, records: readonly object[]) =>
    runAudit(["who"], { role: "shop-orders", ...flags }, [...records, credentials()]);

  for (const [what, flags, real, expected] of [
    ["the record of a proven caller", {}, PROVEN, ["alice@example.com", "api-server"]],
    ["the record that the API server confirms", { log: true }, {}, ["alice@example.com", "confirmed"]],
    ["the latest record, marked, if none is proven", {}, {}, ["bob", "unproven"]],
  ] as const) {
    test(`who: of two admissions of a pod, names the creator from ${what}`, async () => {
      const options = { ...JSON_OUT, ...("log" in flags && { apiAuditLog }) };
      const records = [admission(real), admission(FORGED)];
      for (const order of [records, records.toReversed()]) {
        assert.deepEqual(creator((await who(options, order)).json()[0]), expected);
      }
    });
  }

  test("who: a forged line with the pod's full name does not hide the controller's admission", async () => {
    const real = admission({ ...PROVEN, pod: undefined, generateName: "o", user: "replicaset-controller" });
    const { json } = await who(JSON_OUT, [real, admission(FORGED)]);
    assert.deepEqual(creator(json()[0]), ["replicaset-controller", "ambiguous"]);
  });

  test("who: the table marks an unproven creator, and takes nothing about it from the API server's log", async () => {
    const marked = (await who({}, [admission()])).out;
    assert.match(marked, /alice@example\.com \(unproven\)/);
    const confirmed = (await who({ apiAuditLog }, [admission()])).out;
    assert.match(confirmed, /alice@example\.com {2}/);
    assert.doesNotMatch(confirmed, /unproven/);
    const stolen = await who({ ...JSON_OUT, apiAuditLog }, [admission({ user: "bob" })]);
    assert.equal(stolen.json()[0]?.["apiServer"], undefined);
  });

  const LATER = { request: "r-2", user: "statefulset-controller", time: "2026-11-26T08:00:01.000Z" };

  test("who: an admitted pod that the API server then refused names no creator", async (context) => {
    const rival = { annotations: { "pods.podrole.io/request": "r-2" }, user: { username: LATER.user } };
    const conflict = { ...rival, responseStatus: { code: 409, reason: "AlreadyExists" } };
    for (const caller of [{}, PROVEN]) {
      const records = [admission(caller), admission({ ...caller, ...LATER })];
      const log = writeTemporaryFile(context, "rivals.log", linesOf([creation(), creation(conflict)]));
      const [user] = creator((await who({ ...JSON_OUT, apiAuditLog: log }, records)).json()[0]);
      assert.equal(user, "alice@example.com");
      await writeFile(log, linesOf([creation(), creation(rival)]));
      const [recreated] = creator((await who({ ...JSON_OUT, apiAuditLog: log }, records)).json()[0]);
      assert.equal(recreated, LATER.user);
    }
  });

  test("who: of proven admissions by two users, the creator is ambiguous without the API server's log", async () => {
    const records = [admission(PROVEN), admission({ ...PROVEN, ...LATER })];
    assert.deepEqual(creator((await who(JSON_OUT, records)).json()[0]), [LATER.user, "ambiguous"]);
    assert.match((await who({}, records)).out, /statefulset-controller \(ambiguous\)/);
    const forged = [admission(PROVEN), admission(FORGED)];
    assert.deepEqual(creator((await who(JSON_OUT, forged)).json()[0]), ["alice@example.com", "api-server"]);
  });

  test("who: a proven attempt with a generated pod's name leaves the creator ambiguous", async () => {
    const real = admission({ ...PROVEN, pod: undefined, generateName: "o", user: "replicaset-controller" });
    const attempt = admission({ ...PROVEN, ...LATER });
    const [, caller] = creator((await who(JSON_OUT, [real, attempt])).json()[0]);
    assert.equal(caller, "ambiguous");
  });

  test("who: a pod that the webhook skipped has its own creator, not that of a pod with a similar name", async (context) => {
    const real = admission({ ...PROVEN, pod: undefined, generateName: "o", user: "replicaset-controller" });
    const skipped = admission({ ...PROVEN, ...LATER, decision: "skip", reason: "NO_CONTAINER" });
    assert.equal(creator((await who(JSON_OUT, [real, skipped])).json()[0])[1], "ambiguous");
    const event = creation({ annotations: { "pods.podrole.io/request": "r-2" }, user: { username: LATER.user } });
    const log = writeTemporaryFile(context, "skipped.log", linesOf([event]));
    const [user] = creator((await who({ ...JSON_OUT, apiAuditLog: log }, [real, skipped])).json()[0]);
    assert.equal(user, LATER.user);
  });

  for (const [what, controllers, others] of [
    ["the log has the pod's own creation", {}, [{ user: { username: "mallory" }, auditID: "a-2" }]],
    ["the event names another pod", { objectRef: { resource: "pods", namespace: "shop", name: "oxxxxx" } }, []],
  ] as const) {
    test(`who: does not name the creator of a pod with a similar name if ${what}`, async (context) => {
      const generated = { pod: undefined, generateName: "o", user: "replicaset-controller" };
      const event = { user: { username: "replicaset-controller" }, objectRef: { resource: "pods", namespace: "shop" } };
      const own = others.map((each) => creation({ ...each, annotations: { "pods.podrole.io/request": "r-9" } }));
      const log = writeTemporaryFile(context, "own.log", linesOf([creation({ ...event, ...controllers }), ...own]));
      for (const caller of [{}, PROVEN]) {
        const records = [admission({ ...caller, ...generated })];
        const { json, out } = await who({ ...JSON_OUT, apiAuditLog: log }, records);
        assert.equal(creator(json()[0])[0], undefined);
        assert.equal(out.includes("mallory"), own.length > 0);
      }
    });
  }

  const controller = {
    user: { username: "replicaset-controller" },
    objectRef: { resource: "pods", namespace: "shop" },
  };
  const mallory = { user: { username: "mallory" }, auditID: "a-2", annotations: {} };
  const generated = { ...mallory, objectRef: controller.objectRef };
  const afterwards = { ...generated, requestReceivedTimestamp: "2026-11-26T10:00:00.000Z" };
  for (const [what, events, unproven, proven] of [
    ["nobody if another user created the pod by its name", [controller, mallory], undefined, undefined],
    ["the controller, marked, without its request in the log", [], "unproven", "ambiguous"],
    ["the controller if only its request may have created the pod", [controller], "confirmed", "api-server"],
    ["the controller if others created pods later", [controller, afterwards], "confirmed", "api-server"],
    [
      "the controller, marked, if a pod of another user may have the name",
      [controller, generated],
      "ambiguous",
      "ambiguous",
    ],
  ] as const) {
    // The shipped matchConditions keep the API server from calling the webhook for a pod that opts out.
    test(`who: of a pod with a generated name, names ${what}`, async (context) => {
      const log = writeTemporaryFile(context, "opted-out.log", linesOf(events.map(creation)));
      for (const [caller, expected] of [
        [{}, unproven],
        [PROVEN, proven],
      ] as const) {
        const real = admission({ ...caller, pod: undefined, generateName: "o", user: "replicaset-controller" });
        const { json, out } = await who({ ...JSON_OUT, apiAuditLog: log }, [real]);
        const named = expected === undefined ? [undefined, undefined] : ["replicaset-controller", expected];
        assert.deepEqual(creator(json()[0]), named);
        assert.equal(out.includes("mallory"), expected === undefined);
      }
    });
  }

  test("who: an admission of an earlier pod does not name the creator of one that opted out", async (context) => {
    const later = creation({ ...mallory, requestReceivedTimestamp: "2026-11-26T08:30:00.000Z" });
    const log = writeTemporaryFile(context, "recreated.log", linesOf([creation(), later]));
    const granted = [admission(PROVEN), credentials({ time: "2026-11-26T08:31:00.000Z" })];
    const { json, out } = await runAudit(["who"], { role: "shop-orders", ...JSON_OUT, apiAuditLog: log }, granted);
    assert.equal(creator(json()[0])[0], undefined);
    assert.match(out, /mallory/);
  });

  const refuse = { decision: "refuse", reason: "ROLE_FORBIDDEN", message: "Cannot give role" };

  test("refusals: separates those that are believed from those that are not", async () => {
    const records = [
      admission({ ...refuse, ...PROVEN, request: "r-5" }),
      admission({ ...refuse, request: "r-2" }),
      admission({ ...refuse, request: "r-7" }),
      admission({ ...refuse, request: "r-8" }),
      credentials({ decision: "refused", reason: "STS_DENIED" }),
    ];
    const rows = (await runAudit(["refusals"], { ...JSON_OUT, apiAuditLog }, records)).json();
    assert.deepEqual(
      rows.map(({ caller, count }) => [caller, count]),
      [
        ["api-server", 1],
        ["confirmed", 1],
        ["unproven", 2],
        [undefined, 1],
      ],
    );
    const { out } = await runAudit(["refusals"], { apiAuditLog }, records);
    assert.equal(out.match(/alice@example\.com \(unproven\)/g)?.length, 1);
  });

  test("pod: marks an admission and a refusal that are not believed", async () => {
    const records = [admission(), admission({ ...refuse, request: "r-7" }), credentials()];
    const { out } = await runAudit(["pod", "shop/orders"], {}, records);
    assert.match(out, /admitted +by alice@example\.com \(unproven\)/);
    assert.match(out, /refused +admission \(unproven\): ROLE_FORBIDDEN/);
    const { json } = await runAudit(["pod", "shop/orders"], { ...JSON_OUT, apiAuditLog }, records);
    assert.deepEqual(
      json().map(({ what, admission: admitted, caller }) => [what, (admitted as { caller: string })?.caller ?? caller]),
      [
        ["admitted", "confirmed"],
        ["refused", "unproven"],
        ["credentials", undefined],
      ],
    );
  });
});
