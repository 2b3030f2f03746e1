import assert from "node:assert/strict";
import { test } from "node:test";
import { createShutdown } from "../../src/runtime/shutdown.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";

function setUp() {
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  return { clock, lines, shutdown: createShutdown({ clock, log }, { deadlineMs: 1_000 }) };
}

test("stop() aborts the signal, then closes one part after the other in reverse order", async () => {
  const { shutdown } = setUp();
  const closed: string[] = [];
  shutdown.onClose("client", () => void closed.push(`client, aborted: ${shutdown.signal.aborted}`));
  shutdown.onClose("port", async () => {
    await Promise.resolve();
    closed.push("port");
  });
  await shutdown.stop("signal");
  assert.deepEqual(closed, ["port", "client, aborted: true"]);
});

test("stop() continues if a part cannot be closed, and logs which", async () => {
  const { shutdown, lines } = setUp();
  let closed = false;
  shutdown.onClose("client", () => {
    closed = true;
  });
  shutdown.onClose("port", () => Promise.reject(new TypeError("stuck")));
  await shutdown.stop("signal");
  assert.ok(closed);
  assert.ok(lines.some((line) => line["part"] === "port"));
});

test("stop() ends at the deadline if a part never closes", async () => {
  const { clock, shutdown } = setUp();
  shutdown.onClose("port", () => new Promise(() => {}));
  let stopped = false;
  const stopping = shutdown.stop("signal").then(() => {
    stopped = true;
  });
  await clock.advance(999);
  assert.equal(stopped, false);
  await clock.advance(1);
  await stopping;
});

test("stop() closes everything once, however often it is called", async () => {
  const { shutdown } = setUp();
  let closed = 0;
  shutdown.onClose("port", () => void closed++);
  await Promise.all([shutdown.stop("one"), shutdown.stop("two")]);
  assert.equal(closed, 1);
});

test("onClose() closes at once what is registered after stop()", async () => {
  const { clock, shutdown } = setUp();
  await shutdown.stop("signal");
  const closed: string[] = [];
  shutdown.onClose("port", () => void closed.push("port"));
  await clock.advance(0);
  assert.deepEqual(closed, ["port"]);
});
