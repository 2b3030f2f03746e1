// Rows of refusals and of CAs.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { suite, test } from "node:test";
import type { EventObject } from "../../../src/operations/blocked-workloads.ts";
import { refusalRows } from "../../../src/operations/status/refusal-rows.ts";
import { trustRows } from "../../../src/operations/status/trust-rows.ts";
import { base64, CA, knownFact, OTHER_CA, ownConfiguration } from "../check/healthy.ts";
import { DENIED, READ_AT, READY, seenWith } from "./pods.ts";

const UNKNOWN = { unknown: "403", needs: [] };

function eventWith(change: Partial<EventObject> = {}): EventObject {
  const involvedObject = { kind: "Pod", namespace: "shop", name: "orders" };
  return { involvedObject, reason: "ROLE_FORBIDDEN", message: "Cannot", count: 2, lastTimestamp: READ_AT, ...change };
}

const AT = { now: Date.parse(READ_AT) };

suite("refusalRows()", () => {
  const record = {
    ...{ time: READ_AT, since: READ_AT, count: 4, namespace: "shop", pod: "orders", uid: "u", container: "app" },
    ...{ code: "STS_DENIED", reason: "Cannot assume role" },
  };
  const records = { recordedSince: READ_AT, rows: [record] };

  test("refusalRows() returns the server's records, and no Events or ends of sidecars that say the same", () => {
    const seen = seenWith({ sidecar: DENIED });
    const known = { recordedSince: READ_AT, rows: [{ ...record, uid: seen.uid }] };
    const found = { records: knownFact(known), events: knownFact([eventWith()]) };
    const rows = refusalRows({ failures: UNKNOWN, ...found, seen: knownFact([seen]) }, AT);
    assert.deepEqual(
      rows.map(({ from, count, container, message }) => [from, count, container, message]),
      [["server", 4, "app", "Cannot assume role"]],
    );
  });

  test("refusalRows() adds to the records how sidecars ended that the server cannot know", () => {
    const message = "SERVER_UNTRUSTED: Cannot trust podrole's server";
    const ended = { state: { terminated: { exitCode: 0, finishedAt: "2026-06-01T11:59:00Z", message } } };
    const seen = [
      seenWith({ sidecar: ended }),
      seenWith({ name: "well", sidecar: { ...READY, lastState: ended.state } }),
    ];
    const rows = refusalRows(
      { records: knownFact(records), events: UNKNOWN, failures: UNKNOWN, seen: knownFact(seen) },
      AT,
    );
    assert.deepEqual(
      rows.map(({ from, code, pod }) => [from, code, pod]),
      [
        ["server", "STS_DENIED", "orders"],
        ["sidecar", "SERVER_UNTRUSTED", "orders"],
      ],
    );
  });

  test("refusalRows() returns Events and how sidecars ended without them, the newest first", () => {
    const seen = knownFact([seenWith({ sidecar: DENIED }), seenWith({ name: "well", sidecar: READY })]);
    const rows = refusalRows({ failures: UNKNOWN, records: UNKNOWN, events: knownFact([eventWith()]), seen }, AT);
    assert.deepEqual(
      rows.map(({ from, code, pod }) => [from, code, pod]),
      [
        ["event", "ROLE_FORBIDDEN", "orders"],
        ["sidecar", "STS_DENIED", "orders"],
      ],
    );
  });

  test("refusalRows() ignores Events of other programs and about other objects", () => {
    const others = [
      eventWith({ reason: "FailedScheduling" }),
      eventWith({ involvedObject: { kind: "ReplicaSet", name: "x" } }),
      {},
    ];
    assert.deepEqual(
      refusalRows({ failures: UNKNOWN, records: UNKNOWN, events: knownFact(others), seen: UNKNOWN }, AT),
      [],
    );
  });

  test("refusalRows() adds what the webhook refused, from the Events of workloads", () => {
    const denied =
      'Error creating: admission webhook "pods.podrole.io" denied the request: ROLE_FORBIDDEN: Cannot -- Permit';
    const involvedObject = { kind: "ReplicaSet", namespace: "shop", name: "web-1" };
    const events = [denied, 'Error creating: pods "x" is forbidden: exceeded quota'].map((message) =>
      eventWith({ involvedObject, reason: "FailedCreate", message }),
    );
    for (const known of [knownFact({ recordedSince: READ_AT, rows: [] }), UNKNOWN]) {
      const rows = refusalRows({ records: known, events: UNKNOWN, failures: knownFact(events), seen: UNKNOWN }, AT);
      assert.deepEqual(
        rows.map(({ pod, code, message, from }) => [pod, code, message, from]),
        [["replicaset/web-1", "ROLE_FORBIDDEN", "Cannot -- Permit", "event"]],
      );
    }
  });

  test("refusalRows() gives a workload's answer to the refusals that it is about, and to no others", () => {
    const message = (code: string) =>
      `Error creating: admission webhook "pods.podrole.io" denied the request: ${code}: x`;
    const involvedObject = { kind: "Deployment", namespace: "shop", name: "web" };
    const events = ["ROLE_FORBIDDEN", "KUBERNETES_UNAVAILABLE"].map((code) =>
      eventWith({ involvedObject, reason: "FailedCreate", message: message(code) }),
    );
    const cause = "podrole refuses them: ROLE_FORBIDDEN: x";
    const blocked = [{ namespace: "shop", workload: "deployment/web", time: READ_AT, count: 1, cause }];
    const input = { records: UNKNOWN, events: UNKNOWN, failures: knownFact(events), seen: UNKNOWN };
    const [forbidden, passing] = refusalRows(input, { ...AT, blocked });
    assert.deepEqual([forbidden?.code, forbidden?.cause], ["ROLE_FORBIDDEN", cause]);
    assert.deepEqual([passing?.code, passing?.cause], ["KUBERNETES_UNAVAILABLE", "KUBERNETES_UNAVAILABLE: x"]);
    assert.equal(passing?.remedy, "Nothing: it is over.");
    assert.match(
      passing?.recovery ?? "",
      /^it came 2 times, and is over since \S+: the last attempt, at \S+, was refused/,
    );
    assert.equal(passing?.next, undefined);
  });

  test("refusalRows() does not say that a fault is over while no later attempt was refused for another reason", () => {
    const message = 'Error creating: admission webhook "pods.podrole.io" denied the request: KUBERNETES_UNAVAILABLE: x';
    const involvedObject = { kind: "Deployment", namespace: "shop", name: "web" };
    const failures = knownFact([eventWith({ involvedObject, reason: "FailedCreate", message })]);
    const [row] = refusalRows({ records: UNKNOWN, events: UNKNOWN, failures, seen: UNKNOWN }, { ...AT, blocked: [] });
    assert.match(row?.remedy ?? "", /^Nothing, unless it comes again: /);
    assert.match(row?.recovery ?? "", /^by itself: the controller tries again, after waits of at most 17 min$/);
    assert.equal(row?.next, "podrole check --quiet");
  });

  test("refusalRows() returns when the first of equal refusals was, as far as it is known", () => {
    const [first, seen] = ["2026-06-01T09:00:00Z", knownFact([seenWith({ sidecar: DENIED })])];
    const sinceOf = (input: Partial<Parameters<typeof refusalRows>[0]>) =>
      refusalRows({ records: UNKNOWN, events: UNKNOWN, failures: UNKNOWN, seen: UNKNOWN, ...input }, AT).map(
        ({ since }) => since,
      );
    const known = knownFact({ recordedSince: READ_AT, rows: [{ ...record, since: first }] });
    assert.deepEqual(sinceOf({ records: known }), [first]);
    assert.deepEqual(sinceOf({ events: knownFact([eventWith({ firstTimestamp: first })]) }), [first]);
    assert.deepEqual(sinceOf({ events: knownFact([eventWith()]), seen }), [undefined, undefined]);
  });

  test("refusalRows() returns nothing if nothing may be read", () => {
    assert.deepEqual(refusalRows({ failures: UNKNOWN, records: UNKNOWN, events: UNKNOWN, seen: UNKNOWN }, AT), []);
  });
});

suite("trustRows()", () => {
  const fingerprint = new X509Certificate(CA).fingerprint256;
  const other = new X509Certificate(OTHER_CA).fingerprint256;
  const slot = { slot: "current", subject: "CN=podrole CA", fingerprint, expiresAt: READ_AT, since: READ_AT } as const;
  const trust = knownFact({ slots: [slot], leafSeconds: 3600, outlook: [], waitsFor: [] });
  const webhooks = knownFact([ownConfiguration()]);
  const common = { webhooks, namespace: "podrole" };

  test("trustRows() returns the server's slots, and where each CA is trusted", () => {
    const [row, ...rest] = trustRows({ ...common, trust, bundle: knownFact(CA) });
    assert.deepEqual([row?.slot, row?.inBundle, row?.inCaBundle, rest.length], ["current", true, true, 0]);
  });

  test("trustRows() adds the CAs that only the bundle has, without a slot", () => {
    const rows = trustRows({ ...common, trust, bundle: knownFact(`${CA}${OTHER_CA}`) });
    assert.deepEqual(
      rows.map((row) => [row.slot, row.fingerprint, row.inCaBundle]),
      [
        ["current", fingerprint, true],
        [undefined, other, false],
      ],
    );
  });

  test("trustRows() returns the bundle's CAs without the server, and leaves out what may not be read", () => {
    const rows = trustRows({ trust: UNKNOWN, bundle: knownFact(CA), webhooks: UNKNOWN, namespace: "podrole" });
    assert.deepEqual(
      rows.map((row) => [row.slot, row.inBundle, row.inCaBundle]),
      [[undefined, true, undefined]],
    );
  });

  test("trustRows() says that a CA is not in caBundle if one of podrole's webhooks lacks it, or there is none", () => {
    const lacking = ownConfiguration({ clientConfig: { caBundle: base64(OTHER_CA) } });
    const inCaBundle = (list: (typeof lacking)[]) =>
      trustRows({ ...common, trust, bundle: knownFact(CA), webhooks: knownFact(list) })[0]?.inCaBundle;
    assert.deepEqual(
      [inCaBundle([lacking]), inCaBundle([ownConfiguration(), lacking]), inCaBundle([])],
      [false, false, false],
    );
  });

  for (const [what, bundle] of [
    ["no bundle", knownFact(undefined)],
    ["a bundle that is no PEM", knownFact("nonsense")],
    ["a bundle that may not be read", UNKNOWN],
  ] as const) {
    test(`trustRows() returns no row for ${what} without the server's answer`, () => {
      assert.deepEqual(trustRows({ ...common, trust: UNKNOWN, bundle }), []);
    });
  }
});
