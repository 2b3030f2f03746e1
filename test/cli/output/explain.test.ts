import assert from "node:assert/strict";
import { test } from "node:test";
import { explainText } from "../../../src/cli/output/explain.ts";
import type { Explanation } from "../../../src/operations/explain/model.ts";

const EXPLANATION: Explanation = {
  object: "pod/orders in namespace shop",
  cause: "a cause",
  remedy: "a remedy",
  scope: "no other pod",
  recovery: "needs a new pod",
  injected: true,
  now: { decision: "inject", reason: "ALREADY_INJECTED", message: "podrole is injected", warnings: ["a warning"] },
  existing: { injected: true, since: "2026-06-01T00:00:00Z", sidecar: "sidecar:1", sidecarNow: "sidecar:2" },
  containers: [
    { container: "app", role: "arn:r", allowed: true, namedBy: "pod", sessionName: "eu-orders" },
    { container: "job", allowed: false, code: "ROLE_FORBIDDEN", message: "not permitted" },
    { container: "web", allowed: false, undecided: true, message: "only the server has the base ARN" },
  ],
  next: ["podrole check --quiet"],
  notes: ["a note"],
  settings: ["Deployment podrole-webhook"],
};

test("explainText() prints one line for each fact", () => {
  assert.equal(
    explainText([EXPLANATION]),
    `pod/orders in namespace shop
  cause: a cause
  remedy: a remedy
  scope: no other pod
  recovery: needs a new pod
  next: podrole check --quiet
  injected (created 2026-06-01T00:00:00Z), sidecar image sidecar:1 (if created now: sidecar:2)
  container job: no credentials: ROLE_FORBIDDEN: not permitted
  container web: the server decides: only the server has the base ARN
  warning: a warning
  note: a note
`,
  );
});

test("explainText() shows what a new pod would get of a pod that is well", () => {
  const { cause: _cause, remedy: _remedy, ...well } = EXPLANATION;
  const text = explainText([{ ...well, next: [] }]);
  const created =
    /^ {2}a new pod, if created now: injected \(ALREADY_INJECTED\): podrole is injected; whether STS gives/m;
  assert.match(text, created);
  assert.match(text, /^ {2}container app asks for arn:r \(the pod's annotation\): session name eu-orders$/m);
  assert.match(text, /^ {2}settings from Deployment podrole-webhook$/m);
});

test("explainText() escapes control characters of names", () => {
  const text = explainText([{ ...EXPLANATION, object: "pod/\u001b[2Jorders\u202e\r in namespace shop" }]);
  assert.match(text, /^pod\/\\u\{1b\}\[2Jorders\\u\{202e\}\\u\{d\} in namespace shop$/m);
});
