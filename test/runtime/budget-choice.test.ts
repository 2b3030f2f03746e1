import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  type CallerShare,
  type HeldConnection,
  type HeldRequest,
  type Holdings,
  heaviestConnection,
  type Observed,
  surplusConnection,
  surplusHandshake,
  surplusRequest,
} from "../../src/runtime/budget-choice.ts";

let sequence = 0;

const nobody: Observed = { silenceOf: () => 0, nowMs: 0 };
const silent: Observed = {
  silenceOf: (caller) => (caller.startsWith("silent") ? 2 : caller.startsWith("mixed") ? 1 : 0),
  nowMs: 0,
};
const BEGAN = { atMs: 0, heldBackMs: 0 };

/** A connection; a later one has made progress later. */
function held(caller: string, fields: Partial<HeldConnection> = {}): HeldConnection {
  return {
    caller,
    isExempt: false,
    close() {},
    requests: new Set(),
    isOpen: true,
    hasServed: false,
    bytes: 0,
    progress: ++sequence,
    since: 0,
    heldBackAt: 0,
    began: BEGAN,
    isHeldBack: () => false,
    heldBackMs: () => 0,
    isGreetingAwaited: () => false,
    ...fields,
  };
}

function begun(connection: HeldConnection, phase: HeldRequest["phase"], began = BEGAN): HeldRequest {
  const request = { connection, number: ++sequence, abort() {}, bytes: 0, phase, since: 0, began };
  connection.requests.add(request);
  return request;
}

function holdingsOf(...connections: readonly HeldConnection[]): Holdings {
  const shares = new Map<string, CallerShare>();
  for (const { caller, bytes, requests } of connections) {
    const share = shares.get(caller) ?? { connections: 0, bytes: 0, requests: 0 };
    share.connections += 1;
    share.bytes += bytes;
    share.requests += requests.size;
    shares.set(caller, share);
  }
  return { connections: new Set(connections), shares, maxConnections: 8, maxBytes: 100 };
}

suite("surplusConnection()", () => {
  test("chooses the idlest connection of the caller with most, not the newest and not another caller's", () => {
    const [other, first, second, newest] = [held("a"), held("b"), held("b"), held("c")];
    assert.equal(surplusConnection(newest, holdingsOf(other, second, first, newest), nobody), first);
  });

  test("chooses an idle connection if no caller has two, and the newest if none is idle", () => {
    const [busy, idle, newest] = [held("a"), held("b", { hasServed: true }), held("c")];
    begun(busy, "call");
    assert.equal(surplusConnection(newest, holdingsOf(busy, idle, newest), nobody), idle);
    assert.equal(surplusConnection(newest, holdingsOf(busy, newest), nobody), newest);
  });

  for (const [kind, fields] of [
    ["has served and is idle", { hasServed: true }],
    ["is held back", { heldBackMs: () => Number.POSITIVE_INFINITY }],
  ] as const) {
    test(`chooses one that ${kind} before one in flight, whose caller has more`, () => {
      const strangers = ["a", "a", "b", "b", "b"].map((caller) => held(caller, fields));
      const reviews = [1, 2, 3, 4].map(() => held("api-server", { hasServed: true }));
      for (const review of reviews) begun(review, "call");
      const newest = held("api-server", { began: { atMs: 5_000, heldBackMs: 0 } });
      const all = holdingsOf(...strangers, ...reviews, newest);
      assert.equal(surplusConnection(newest, all, { ...nobody, nowMs: 5_000 }), strangers[2]);
    });
  }

  test("chooses an exempt connection only for another exempt one", () => {
    const exempt = held("a", { isExempt: true, hasServed: true });
    const [stranger, kubelet] = [held("b"), held("c", { isExempt: true })];
    assert.equal(surplusConnection(stranger, holdingsOf(exempt, stranger), nobody), stranger);
    assert.equal(surplusConnection(kubelet, holdingsOf(exempt, kubelet), nobody), exempt);
  });
});

suite("surplusConnection() and silent callers", () => {
  test("chooses the idlest connection that waits for a silent caller if no caller has two and none is idle", () => {
    const [busy, body, headers] = [held("silent-a"), held("silent-b"), held("silent-c")];
    begun(busy, "call");
    begun(body, "body");
    const [honest, newest] = [held("b"), held("c")];
    assert.equal(surplusConnection(newest, holdingsOf(honest, busy, headers, body, newest), silent), body);
    assert.equal(surplusConnection(newest, holdingsOf(honest, busy, headers, newest), silent), headers);
    assert.equal(surplusConnection(newest, holdingsOf(honest, busy, newest), silent), newest);
  });

  test("chooses the idlest connection that waits for the group with most of these, and none that the port works on", () => {
    const [other, first, second, third, newest] = [
      held("a", { group: "small" }),
      ...["b", "c", "d"].map((caller) => held(caller, { group: "large" })),
      held("e"),
    ].map((connection) => [connection, begun(connection, "answer")] as const);
    assert.ok(other && first && second && third && newest);
    begun(first[0], "call");
    const all = holdingsOf(...[other, third, second, first, newest].map(([connection]) => connection));
    assert.equal(surplusConnection(newest[0], all, nobody), second[0]);
    second[1].phase = "call";
    assert.equal(surplusConnection(newest[0], all, nobody), newest[0], "one of the group may wait");
  });

  test("chooses the newest connection if it is a silent caller's too", () => {
    const [waiting, newest] = [held("silent-a"), held("silent-b")];
    assert.equal(surplusConnection(newest, holdingsOf(waiting, newest), silent), newest);
  });
});

suite("callers of whom only a part is silent", () => {
  test("make silent callers give way to them, and give way to those that are never silent", () => {
    const [mixed, another] = [held("mixed-a"), held("mixed-b")];
    const [wholly, honest] = [held("silent"), held("a")];
    assert.equal(surplusConnection(mixed, holdingsOf(honest, another, wholly, mixed), silent), wholly);
    assert.equal(surplusConnection(mixed, holdingsOf(honest, another, mixed), silent), mixed);
    assert.equal(surplusConnection(honest, holdingsOf(mixed, another, honest), silent), mixed);
    assert.equal(surplusHandshake(mixed, new Set([honest, another, wholly, mixed]), silent), wholly);
    assert.equal(surplusHandshake(honest, new Set([mixed, another, honest]), silent), mixed);
  });
});

suite("heaviestConnection()", () => {
  test("chooses the idlest connection with at least the average of the caller with most bytes", () => {
    const [light, heavy, heavier] = [held("a", { bytes: 1 }), held("a", { bytes: 60 }), held("a", { bytes: 70 })];
    const current = held("b", { bytes: 100 });
    assert.equal(heaviestConnection(current, holdingsOf(light, heavier, heavy, current), nobody), heavy);
  });

  test("chooses the largest request if no caller has an eighth, so that the API server's small ones are done", () => {
    const strangers = ["a", "b", "c"].map((caller) => held(caller, { bytes: 9 }));
    const reviews = [5, 5, 2].map((bytes) => held("api-server", { bytes }));
    for (const one of [...strangers, ...reviews]) begun(one, "call");
    const [, , current = held("api-server")] = reviews;
    assert.equal(heaviestConnection(current, holdingsOf(...strangers, ...reviews), nobody), strangers[0]);
  });

  test("chooses the current connection if only exempt ones hold bytes", () => {
    const [exempt, current] = [held("a", { isExempt: true, bytes: 9 }), held("b")];
    assert.equal(heaviestConnection(current, holdingsOf(exempt, current), nobody), current);
  });
});

suite("surplusRequest()", () => {
  test("chooses the oldest incomplete body of the caller with most requests, or else that caller's newest request", () => {
    const [many, few] = [held("a"), held("b")];
    const older = begun(many, "body");
    begun(many, "body");
    const last = begun(many, "call");
    const newest = begun(few, "body");
    assert.equal(surplusRequest(newest, holdingsOf(many, few), nobody), older);
    for (const request of many.requests) request.phase = "call";
    assert.equal(surplusRequest(newest, holdingsOf(many, few), nobody), last);
  });

  test("never chooses the newest for its own body while others wait", () => {
    const connection = held("a");
    const waiting = begun(connection, "body");
    const newest = begun(connection, "body");
    assert.equal(surplusRequest(newest, holdingsOf(connection), nobody), waiting);
  });
});

suite("surplusHandshake()", () => {
  test("is the new connection while no caller has many, so that handshakes that have begun are finished", () => {
    const others = ["a", "a", "a", "b"].map((caller) => held(caller));
    const newest = held("a");
    const starting = new Set([...others.slice(0, 3), newest]);
    assert.equal(surplusHandshake(newest, starting, nobody), newest);
  });

  test("is the oldest connection of the caller with most if the new one's caller has fewer", () => {
    const [first, second, alone, newest] = [held("a"), held("a"), held("b"), held("c")];
    assert.equal(surplusHandshake(newest, new Set([alone, first, second, newest]), nobody), first);
    assert.equal(surplusHandshake(newest, new Set([alone, first, newest]), nobody), newest);
  });

  test("is the oldest connection of the caller with most if it has more than four", () => {
    const hog = Array.from({ length: 5 }, () => held("hog"));
    const newest = held("honest");
    assert.equal(surplusHandshake(newest, new Set([held("other"), ...hog, newest]), nobody), hog[0]);
  });

  test("is one that waits for a step if nobody has many and nobody is silent, but never an exempt one", () => {
    const newest = held("honest");
    const [exempt, waiting] = [
      held("b", { isExempt: true, isHeldBack: () => true }),
      held("c", { isHeldBack: () => true }),
    ];
    assert.equal(surplusHandshake(newest, new Set([held("a"), exempt, waiting, newest]), nobody), waiting);
    assert.equal(surplusHandshake(newest, new Set([held("a"), exempt, newest]), nobody), newest);
  });

  test("is the oldest one whose client has not begun a handshake if there is no other reason, but never an exempt one", () => {
    const isGreetingAwaited = () => true;
    const newest = held("honest", { isGreetingAwaited });
    const exempt = held("b", { isExempt: true, isGreetingAwaited });
    const [older, later] = [held("c", { isGreetingAwaited }), held("d", { isGreetingAwaited })];
    assert.equal(surplusHandshake(newest, new Set([held("a"), exempt, older, later, newest]), nobody), older);
    assert.equal(surplusHandshake(newest, new Set([held("a"), exempt, newest]), nobody), newest);
  });

  test("is the oldest connection of a silent caller if nobody has many, and the newest if that is one too", () => {
    const [honest, older, later, newest] = [held("a"), held("silent-a"), held("silent-b"), held("b")];
    assert.equal(surplusHandshake(newest, new Set([honest, older, later, newest]), silent), older);
    const another = held("silent-c");
    assert.equal(surplusHandshake(another, new Set([honest, older, another]), silent), another);
  });
});

suite("who lets the process wait for longest", () => {
  const after = (nowMs: number): Observed => ({ ...nobody, nowMs });
  const since = (atMs: number) => ({ atMs, heldBackMs: 0 });

  test("loses its connection first, however few it has, and not before 100 ms", () => {
    const [later, longest] = [held("a", { began: since(100) }), held("b")];
    const newest = held("api-server", { began: since(100) });
    const reviews = ["1", "2"].map(() => held("api-server", { hasServed: true }));
    for (const review of reviews) begun(review, "call");
    const all = holdingsOf(later, longest, ...reviews, newest);
    const starting = new Set([longest, later, newest]);
    assert.equal(surplusConnection(newest, all, after(100)), reviews[0], "the caller with most");
    assert.equal(surplusConnection(newest, all, after(101)), longest);
    assert.equal(surplusHandshake(newest, starting, after(100)), newest);
    assert.equal(surplusHandshake(newest, starting, after(101)), longest);
    begun(longest, "call");
    assert.equal(surplusConnection(newest, all, after(201)), later);
  });

  test("does not count what its bytes have waited in this process, nor exempt or idle connections", () => {
    const back = held("a", { heldBackMs: () => 1_000 });
    const [exempt, idle] = [held("b", { isExempt: true }), held("c", { hasServed: true })];
    const newest = held("d", { began: since(1_100) });
    const others = new Set([back, exempt, newest]);
    assert.equal(surplusHandshake(newest, others, after(1_100)), newest);
    assert.equal(surplusHandshake(newest, others, after(1_101)), back);
    const later = held("d", { began: since(9_000) });
    assert.equal(surplusConnection(later, holdingsOf(exempt, idle, later), after(9_000)), idle, "idle, by its share");
  });

  test("of those with bytes, the one with most of them goes, and a request whose body is complete never does", () => {
    const [light, heavy, current] = [held("a", { bytes: 1 }), held("b", { bytes: 2 }), held("c", { bytes: 900 })];
    const [body] = [light, heavy].map((connection) => begun(connection, "body"));
    begun(current, "call");
    const all = holdingsOf(light, heavy, current);
    assert.equal(heaviestConnection(current, all, after(100)), current);
    assert.equal(heaviestConnection(current, all, after(101)), heavy);
    assert.equal(surplusRequest(begun(current, "body", since(101)), all, after(101)), body);
  });
});
