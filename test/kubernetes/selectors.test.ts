import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type LabelSelector, matchesLabels, parseLabelSelector } from "../../src/kubernetes/selectors.ts";

const LABELS = { tier: "web", env: "prod", size: "5", "app.kubernetes.io/name": "shop", empty: "" };

const OBJECTS: readonly (readonly [LabelSelector | undefined, boolean])[] = [
  [undefined, true],
  [{}, true],
  [{ matchLabels: { tier: "web", env: "prod" } }, true],
  [{ matchLabels: { tier: "web", env: "test" } }, false],
  [{ matchLabels: { constructor: "web" } }, false],
  [{ matchExpressions: [{ key: "tier", operator: "In", values: ["db", "web"] }] }, true],
  [{ matchExpressions: [{ key: "tier", operator: "In" }] }, false],
  [{ matchExpressions: [{ key: "none", operator: "In", values: [""] }] }, false],
  [{ matchExpressions: [{ key: "tier", operator: "NotIn", values: ["web"] }] }, false],
  [{ matchExpressions: [{ key: "none", operator: "NotIn", values: ["web"] }] }, true],
  [{ matchExpressions: [{ key: "empty", operator: "Exists" }] }, true],
  [{ matchExpressions: [{ key: "toString", operator: "Exists" }] }, false],
  [{ matchExpressions: [{ key: "none", operator: "DoesNotExist" }] }, true],
  [{ matchExpressions: [{ key: "tier", operator: "DoesNotExist" }] }, false],
  [{ matchExpressions: [{ key: "none", operator: "Unknown" }] }, false],
  [{ matchLabels: { tier: "web" }, matchExpressions: [{ key: "env", operator: "NotIn", values: ["prod"] }] }, false],
];

const TEXTS: readonly (readonly [text: string, matches: boolean])[] = [
  ["", true],
  ["tier=web", true],
  ["tier==web,env=prod", true],
  ["tier = web , env != test", true],
  ["tier!=web", false],
  ["none!=web", true],
  ["empty=", true],
  ["tier in (web, db),env notin (test)", true],
  ["tier in (in,notin)", false],
  ["tier notin (web)", false],
  ["app.kubernetes.io/name=shop", true],
  ["tier", true],
  ["!tier", false],
  ["! none", true],
  ["size>4,size<6", true],
  ["size>5", false],
  ["tier>5", false],
  ["none<5", false],
];

const REFUSED = ["a=(", "tier=web,", "=web", "a b", "!a=b", "a in b", "a in (b", "a>b", "-a", "a=-b", "a/b/c", "a=b=c"];

suite("matchesLabels()", () => {
  test("decides by labels and expressions as the API server does", () => {
    for (const [selector, matches] of OBJECTS) {
      assert.equal(matchesLabels(selector, LABELS), matches, JSON.stringify(selector));
    }
  });

  test("treats an object without labels as one with none", () => {
    assert.equal(matchesLabels({ matchLabels: { a: "b" } }, undefined), false);
    assert.equal(matchesLabels({}, undefined), true);
  });
});

suite("parseLabelSelector()", () => {
  test("reads the forms that kubectl accepts", () => {
    for (const [text, matches] of TEXTS) {
      const selector = parseLabelSelector(text);
      assert.ok(selector, text);
      assert.equal(matchesLabels(selector, LABELS), matches, text);
    }
  });

  test("returns undefined for text that the API server refuses", () => {
    for (const text of REFUSED) assert.equal(parseLabelSelector(text), undefined, text);
  });
});
