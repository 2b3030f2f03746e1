// The budget as a pure state machine: cases for each rule.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type BudgetConnection, type BudgetLimits, type CloseReason, createBudget } from "../../src/runtime/budget.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { TESTED_LIMITS as LIMITS } from "./budget-limits.ts";

const ANSWER_MS = 1_000;

function setUp(limits: Partial<BudgetLimits> = {}) {
  const clock = createFakeClock();
  const reasons: CloseReason[] = [];
  const closed: string[] = [];
  const budget = createBudget({ clock, onClose: (reason) => reasons.push(reason) }, { ...LIMITS, ...limits });
  const open = (name: string, caller: string, exempt = false) =>
    budget.open({ caller, isExempt: exempt, close: () => closed.push(name) });
  return { clock, budget, open, closed, reasons };
}

const serve = (connection: BudgetConnection) => connection.begin()?.end();

test("open() closes the connection without progress for longest, of the caller with most connections", () => {
  const { open, closed, reasons, budget } = setUp();
  open("few", "a");
  const [idle, busy] = [open("idle", "b"), open("busy", "b")];
  serve(idle);
  serve(busy);
  open("fresh", "b");
  open("newest", "c");
  assert.deepEqual([closed, reasons, budget.held().connections], [["idle"], ["connections"], 4]);
});

test("open() with all connections behind one address closes the one without progress for longest, not the newest", () => {
  const { open, closed } = setUp();
  const [first] = ["0", "1", "2", "3"].map((name) => open(name, "one"));
  first?.begin();
  open("newest", "one");
  assert.deepEqual(closed, ["1"]);
});

test("open() closes the new connection if no caller has two and none is idle, so that work that has begun is finished", () => {
  const { open, closed } = setUp();
  const [first] = ["0", "1", "2", "3"].map((name) => open(name, name));
  const newest = open("newest", "newest");
  assert.deepEqual(closed, ["newest"]);
  assert.equal(newest.begin(), undefined);
  if (first) serve(first);
  open("later", "later");
  assert.deepEqual(closed, ["newest", "0"]);
});

test("open() closes exempt connections only if there are no others", () => {
  const { open, closed } = setUp();
  for (const name of ["0", "1", "2"]) open(name, "server", true);
  open("stranger", "a");
  open("3", "server", true);
  assert.deepEqual(closed, ["stranger"]);
  open("4", "server", true);
  assert.deepEqual(closed, ["stranger", "4"]);
});

for (const [phase, wait] of [
  ["headers", () => {}],
  ["body", (connection: BudgetConnection) => connection.begin()],
  ["reading", (connection: BudgetConnection) => connection.begin()?.answered()],
] as const) {
  test(`open() closes a connection whose caller keeps the budget waiting for ${phase}, rather than the new one`, async () => {
    const { open, closed, clock } = setUp({ headersMs: 10_000, bodyMs: 10_000 });
    for (const name of ["0", "1", "2", "3"]) wait(open(name, name));
    open("early", "early");
    assert.deepEqual(closed, ["early"]);
    await clock.advance(2 * LIMITS.sweepMs);
    open("newest", "newest");
    assert.deepEqual(closed, ["early", "0"]);
    open("again", "0");
    assert.deepEqual(closed, ["early", "0", "1"]);
  });
}

test("open() closes a handshake that waits for its turn in this process before the new one, and does not call its caller silent", async () => {
  const { clock, budget, open, closed } = setUp({ handshakes: 2, headersMs: 10_000 });
  let isHeldBack = true;
  const heldBackMs = () => 4 * LIMITS.sweepMs;
  for (const caller of ["a", "b"])
    budget.open({ caller, heldBackMs, isHeldBack: () => isHeldBack, close: () => closed.push(caller) });
  await clock.advance(4 * LIMITS.sweepMs);
  isHeldBack = false;
  open("newest", "c");
  assert.deepEqual(closed, ["newest"], "nobody is silent");
  isHeldBack = true;
  open("next", "d");
  assert.deepEqual(closed, ["newest", "a"]);
});

test("open() serves newcomers while addresses with few connections each let it wait for less than a sweep", async () => {
  const { budget, clock } = setUp({ connections: 64, handshakes: 16, requests: 64, headersMs: 10_000 });
  /** Begins its request after a time, unless its connection is closed before. */
  function come(caller: string, afterMs: number, onEnd: (isServed: boolean) => void): void {
    let isOpen = true;
    const close = () => {
      isOpen = false;
      clock.schedule(() => onEnd(false), 20);
    };
    const connection = budget.open({ caller, close });
    clock.schedule(() => {
      if (!isOpen) return;
      connection.begin()?.end();
      connection.closed();
      onEnd(true);
    }, afterMs);
  }
  const attack = (address: string): void => come(address, 900, () => attack(address));
  for (let slot = 0; slot < 18; slot++) clock.schedule(() => attack(`address ${slot % 6}`), slot * 50);
  await clock.advance(1_500);
  const served: boolean[] = [];
  for (let newcomer = 0; newcomer < 20; newcomer++) {
    come(`newcomer ${newcomer}`, 30, (isServed) => served.push(isServed));
    await clock.advance(70);
  }
  assert.deepEqual([served.length, served.filter((isServed) => !isServed)], [20, []]);
});

test("open() with too many handshakes closes that of a caller who opened many connections without a request", () => {
  const { open, closed } = setUp({ handshakes: 2 });
  for (let count = 0; count < 6; count++) open("brief", "silent").closed();
  open("silent", "silent");
  open("honest", "a");
  open("newest", "b");
  assert.deepEqual(closed, ["silent"]);
});

test("open() closes the connection of a caller who left several requests without a body, rather than the new one", () => {
  const { open, closed } = setUp({ connections: 2 });
  for (let count = 0; count < 6; count++) {
    const brief = open("brief", "unsent");
    brief.begin();
    brief.closed();
  }
  open("unsent", "unsent").begin();
  open("honest", "a").begin();
  open("newest", "b");
  assert.deepEqual(closed, ["unsent"]);
});

test("open() serves a caller whose address is shared with a silent one, while silent addresses hold every connection", async () => {
  const { open, closed, clock } = setUp({ headersMs: 10_000 });
  const served = open("served", "nat");
  served.begin()?.end();
  served.closed();
  const silent = open("nat's silent client", "nat");
  for (const name of ["1", "2", "3"]) open(name, name);
  await clock.advance(2 * LIMITS.sweepMs);
  silent.closed();
  open("4", "4");
  await clock.advance(2 * LIMITS.sweepMs);
  open("honest", "nat").begin();
  assert.deepEqual(closed, ["1"]);
});

test("receive() closes the slowest large request of the caller with most bytes, and no small one", () => {
  const { open, closed, reasons, budget } = setUp();
  const requestOf = (name: string, caller: string) => open(name, caller).begin();
  requestOf("other", "b")?.receive(30);
  const small = requestOf("small", "a");
  small?.receive(1);
  requestOf("slow", "a")?.receive(35);
  requestOf("fast", "a")?.receive(35);
  assert.deepEqual([closed, reasons], [["slow"], ["bytes"]]);
  assert.equal(budget.held().bytes, 66);
});

test("receive() closes a request that alone is larger than the budget", () => {
  const { open, closed, budget } = setUp();
  open("other", "b").begin()?.receive(1);
  open("huge", "a").begin()?.receive(101);
  assert.deepEqual([closed, budget.held().bytes], [["huge"], 1]);
});

test("begin() aborts the newest request of the caller with most, and refuses more of that caller", () => {
  const { open, closed, reasons } = setUp();
  const aborted: string[] = [];
  const [one, two, other] = [open("one", "a"), open("two", "a"), open("other", "b")];
  for (const [connection, name] of [
    [one, "1"],
    [one, "2"],
    [two, "3"],
    [two, "4"],
  ] as const) {
    connection.begin(() => aborted.push(name))?.received();
  }
  other.begin()?.received();
  assert.equal(open("third", "a").begin(), undefined);
  assert.ok(other.begin());
  assert.deepEqual([aborted, closed, reasons], [["4"], [], ["requests", "requests"]]);
});

test("begin() aborts first the oldest request whose body is not complete, so that stalled ones keep no one out", () => {
  const { open } = setUp();
  const aborted: string[] = [];
  const connections = ["0", "1", "2"].map((name) => open(name, "one"));
  for (const [index, connection] of [...connections, ...connections].entries()) {
    const request = connection.begin(() => aborted.push(`${index}`));
    if (index === 0) request?.received();
  }
  assert.deepEqual(aborted, ["1"]);
});

test("begin() refuses more requests of one connection than it may have", () => {
  const { open, reasons } = setUp();
  const connection = open("one", "a");
  assert.ok(connection.begin());
  assert.ok(connection.begin());
  assert.equal(connection.begin(), undefined);
  assert.deepEqual(reasons, ["requests"]);
});

test("identify() moves a connection and what it holds to the share of another caller", () => {
  const { open, closed } = setUp();
  const proven = open("proven", "unknown");
  proven.begin()?.receive(60);
  proven.identify("pod");
  for (const name of ["0", "1", "2"]) open(name, "unknown");
  open("newest", "unknown");
  assert.deepEqual(closed, ["0"]);
});

for (const [phase, limitMs, prepare] of [
  ["headers", LIMITS.headersMs, () => {}],
  ["body", LIMITS.bodyMs, (connection: BudgetConnection) => connection.begin()],
  ["call", LIMITS.callMs, (connection: BudgetConnection) => connection.begin()?.received()],
  [
    "answer",
    ANSWER_MS,
    (connection: BudgetConnection) => {
      connection.begin(() => assert.fail("aborted: what is written to the connection would remain"))?.answered();
      connection.begin(() => assert.fail("aborted after its connection"))?.answered();
    },
  ],
  ["keepAlive", LIMITS.keepAliveMs, serve],
] as const) {
  test(`createBudget(): the sweep closes a connection whose phase "${phase}" is over its limit, and none before`, async () => {
    const { open, closed, clock, reasons, budget } = setUp({ answerMs: ANSWER_MS });
    prepare(open("one", "a"));
    await clock.advance(limitMs);
    assert.deepEqual(closed, []);
    await clock.advance(LIMITS.sweepMs);
    assert.deepEqual([closed, reasons, budget.held()], [["one"], [phase], { connections: 0, bytes: 0, requests: 0 }]);
  });
}
