// The end of a pod in classic mode: podrole-sidecar serves until the app's sockets are gone.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { suite, test } from "node:test";
import { hasAppSocket, untilAppEnded } from "../../src/sidecar/app-end.ts";
import { createFakeClock } from "../fakes/clock.ts";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

/** A row of /proc/net/tcp with the inode of the socket. */
function rowOf(inode: number, address = "0100007F"): string {
  const addresses = `${address}:1F90 ${address}:2623`;
  return `   0: ${addresses} 01 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0000000000000000 20 4 30 10 -1`;
}

const sourceOf = (table: "tcp" | "tcp6", rows: readonly string[], own: readonly string[] = []) => ({
  linesOf: (path: string) => (path.endsWith(`/${table}`) ? [HEAD, ...rows] : []),
  ownInodes: () => new Set(own),
});

suite("hasAppSocket()", () => {
  for (const [what, rows, own, expected] of [
    ["a socket of another process", [rowOf(4711)], ["4712"], true],
    ["only this process's sockets", [rowOf(4712), rowOf(4713)], ["4712", "4713"], false],
    ["connections that only the kernel still closes", [rowOf(0), rowOf(0)], [], false],
    ["no socket", [], [], false],
  ] as const) {
    test(`returns ${expected} for ${what}`, () => {
      assert.equal(hasAppSocket(sourceOf("tcp", rows, own)), expected);
    });
  }

  test("reads IPv6 sockets as well", () => {
    assert.equal(hasAppSocket(sourceOf("tcp6", [rowOf(4711, "00000000000000000000000000000000")])), true);
  });

  test("finds the socket of another process in the kernel's tables", async (t) => {
    const child = spawn(process.execPath, ["-e", LISTEN], { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => child.kill());
    await once(child.stdout, "data");
    assert.equal(hasAppSocket(), true);
  });
});

const LISTEN = 'require("node:net").createServer().listen(0, "127.0.0.1", () => console.log("up"))';

suite("untilAppEnded() resolves", () => {
  /** The app has sockets until `endsAtMs`. */
  function start(endsAtMs: number, graceMs = 28_000) {
    const clock = createFakeClock();
    const state = { hasEnded: false };
    const hasSocket = () => clock.elapsedMs() < endsAtMs;
    void untilAppEnded({ clock, hasSocket }, { graceMs }).then(() => {
      state.hasEnded = true;
    });
    return { clock, state };
  }

  test("2 s after the last socket of the app, and not before", async () => {
    const { clock, state } = start(10_000);
    await clock.advance(11_500);
    assert.equal(state.hasEnded, false);
    await clock.advance(1_000);
    assert.equal(state.hasEnded, true);
  });

  test("after 2 s for an app without a socket", async () => {
    const { clock, state } = start(0);
    await clock.advance(1_500);
    assert.equal(state.hasEnded, false);
    await clock.advance(1_000);
    assert.equal(state.hasEnded, true);
  });

  test("when the time is up, whatever the app does", async () => {
    const { clock, state } = start(Number.POSITIVE_INFINITY, 5_000);
    await clock.advance(4_500);
    assert.equal(state.hasEnded, false);
    await clock.advance(1_000);
    assert.equal(state.hasEnded, true);
  });
});
