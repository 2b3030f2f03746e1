// How long a pod waits for its first credentials, and what ends the wait.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "../../src/protocol/errors.ts";
import { SECOND_MS } from "../../src/runtime/clock.ts";
import { watchPodStart } from "../../src/sidecar/pod-start.ts";
import type { Renewal } from "../../src/sidecar/renewal/outcome.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";

function refusal(code: ErrorCode) {
  return { code, message: `Cannot: ${code}`, retryAfterMs: 0 };
}

function setUp({ ready = false } = {}) {
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  const state = { ready, refusals: new Map<number, ErrorCode>() };
  const listeners = new Set<(renewal: Renewal) => void>();
  const start = watchPodStart(
    {
      clock,
      log,
      store: {
        isReady: () => state.ready,
        refusal(index) {
          const code = state.refusals.get(index);
          return code && refusal(code);
        },
      },
      renewals: {
        onEnd(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
    },
    {
      containers: ["app", "worker"],
      podName: "web",
      podNamespace: "team",
      serverAddress: { host: "podrole-server", port: 8444 },
    },
  );
  let refused: string | undefined;
  void start.refused.then(({ code, message }) => {
    refused = `${code} ${message}`;
  });
  return {
    clock,
    lines,
    state,
    start,
    listeners,
    ends: async (renewal: Renewal): Promise<string | undefined> => {
      for (const listener of listeners) listener(renewal);
      await Promise.resolve();
      return refused;
    },
  };
}

test("watchPodStart() waits while refusals are retryable, and logs the last one every 10 s", async () => {
  const { clock, lines, start, ends } = setUp();
  assert.equal(await ends({ outcome: "failed", ...refusal("SERVER_UNREACHABLE") }), undefined);
  await clock.advance(25 * SECOND_MS);
  assert.deepEqual(
    lines.map(({ message, code, waitedSeconds }) => [message, code, waitedSeconds]),
    [10, 20].map((seconds) => ["waiting for credentials", "SERVER_UNREACHABLE", seconds]),
  );
  assert.match(
    start.waitingFor()?.message ?? "",
    /^Cannot start pod "team\/web": stopped while waiting for credentials/,
  );
});

test("watchPodStart() resolves with the permanent refusal of one container, also beside a retryable one", async () => {
  const { state, ends, listeners } = setUp();
  state.refusals.set(0, "STS_THROTTLED").set(1, "STS_DENIED");
  const renewal: Renewal = { outcome: "refused", ...refusal("STS_THROTTLED") };
  assert.equal(await ends(renewal), 'STS_DENIED container "worker": Cannot: STS_DENIED');
  assert.equal(listeners.size, 0);
});

test("watchPodStart() resolves when the pod as a whole is permanently refused", async () => {
  const { ends } = setUp();
  assert.equal(await ends({ outcome: "failed", ...refusal("POD_UNKNOWN") }), "POD_UNKNOWN Cannot: POD_UNKNOWN");
});

test("watchPodStart() ignores refusals once the pod has been ready, in this process or an earlier one", async () => {
  const { state, start, ends, listeners } = setUp();
  state.ready = true;
  assert.equal(await ends({ outcome: "renewed" }), undefined);
  assert.deepEqual([listeners.size, start.waitingFor()], [0, undefined]);
  const again = setUp({ ready: true });
  assert.equal(again.listeners.size, 0);
  assert.equal(await again.ends({ outcome: "failed", ...refusal("ROLE_FORBIDDEN") }), undefined);
  await again.clock.advance(60 * SECOND_MS);
  assert.deepEqual(again.lines, []);
});
