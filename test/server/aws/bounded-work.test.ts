import assert from "node:assert/strict";
import { exec } from "node:child_process";
import { once } from "node:events";
import { createServer, get } from "node:http";
import { suite, type TestContext, test } from "node:test";
import { createBoundedWork } from "../../../src/server/aws/bounded-work.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { listenOnLoopback } from "../../loopback.ts";

const TIMEOUT_MS = 10_000;

function setUp(context: TestContext) {
  const clock = createFakeClock();
  const bounded = createBoundedWork({ clock }, { timeoutMs: TIMEOUT_MS });
  context.after(() => bounded.close());
  return { clock, bounded };
}

/** A server that answers nothing; `closed` counts the connections that its clients have ended. */
async function startSilentServer(context: TestContext) {
  const counts = { requests: 0, closed: 0 };
  const server = createServer((request) => {
    counts.requests += 1;
    request.socket.once("close", () => counts.closed++);
  });
  const url = `http://127.0.0.1:${await listenOnLoopback(context, server)}/`;
  const request = () => new Promise<string>((resolve) => void get(url).on("error", (error) => resolve(error.name)));
  return { counts, request, server };
}

suite("createBoundedWork()", () => {
  test("passes on what work that ends in time returns, or throws", async (context) => {
    const { bounded } = setUp(context);
    assert.equal(await bounded.run(async () => "found"), "found");
    await assert.rejects(
      bounded.run(() => Promise.reject(new RangeError("none"))),
      RangeError,
    );
  });

  test("rejects work that never settles, at the deadline", async (context) => {
    const { clock, bounded } = setUp(context);
    const work = assert.rejects(
      bounded.run(() => new Promise(() => {})),
      { name: "TimeoutError" },
    );
    await clock.advance(TIMEOUT_MS);
    await work;
  });

  test("ends the requests of work, also those of later attempts, and no others", async (context) => {
    const { clock, bounded } = setUp(context);
    const { counts, request, server } = await startSilentServer(context);
    const attempts: string[] = [];
    const work = assert.rejects(
      bounded.run(async () => {
        attempts.push(await request(), await request());
        return new Promise(() => {});
      }),
      { name: "TimeoutError" },
    );
    void request();
    while (counts.requests < 2) await once(server, "request");
    await clock.advance(TIMEOUT_MS);
    await work;
    while (attempts.length < 2) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(attempts, ["TimeoutError", "TimeoutError"]);
    while (counts.closed === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(counts, { requests: 2, closed: 1 });
  });

  test("ends what work has left in the background", async (context) => {
    const { clock, bounded } = setUp(context);
    const { counts, request, server } = await startSilentServer(context);
    let background: Promise<string> | undefined;
    await bounded.run(async () => {
      background = request();
    });
    while (counts.requests === 0) await once(server, "request");
    await clock.advance(TIMEOUT_MS);
    assert.equal(await background, "TimeoutError");
  });

  test("kills the processes of work, also one whose child holds its output open", async (context) => {
    const { clock, bounded } = setUp(context);
    const ended = Promise.withResolvers<string | null>();
    const work = assert.rejects(
      bounded.run(async () => {
        const child = exec("sleep 60 & sleep 61");
        child.once("close", (_code, signal) => ended.resolve(signal));
        await once(child, "spawn");
        return new Promise(() => {});
      }),
      { name: "TimeoutError" },
    );
    await clock.advance(TIMEOUT_MS);
    await work;
    assert.equal(await ended.promise, "SIGKILL");
  });
});
