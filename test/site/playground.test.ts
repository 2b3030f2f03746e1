// The playground decides as the webhook does, also with the browser's stand-ins for Node's functions.
import assert from "node:assert/strict";
import { isIP } from "node:net";
import { suite, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { EXAMPLES } from "../../site/playground/examples.ts";
import { fragmentOf, inputOf } from "../../site/playground/link.ts";
import * as browser from "../../site/playground/platform.ts";
import { runPlayground } from "../../site/playground/run.ts";
import { sha256Hex } from "../../src/runtime/platform.ts";
import { fc } from "../property.ts";

suite("runPlayground()", () => {
  for (const example of EXAMPLES) {
    test(`runPlayground() decides "${example.decision}" about the example "${example.name}"`, () => {
      const result = runPlayground(example);
      assert.ok(result.ok, JSON.stringify(result));
      assert.deepEqual(
        result.value.explanations.map(({ now }) => now.decision),
        [example.decision],
      );
      assert.equal(result.value.injected.includes("podrole-sidecar"), example.decision === "inject");
    });
  }

  const wrong = [
    ["a tab", "kind: Pod\n\tspec: {}", "", /manifests/],
    ["no object", "", "", /contains no Kubernetes object/],
    ["an unknown flag", EXAMPLES[0]?.manifests ?? "", "--role-base-arm x", /"--role-base-arm x" is not a flag/],
    ["a wrong value", EXAMPLES[0]?.manifests ?? "", "--sidecar-memory much", /--sidecar-memory: "much" is not/],
  ] as const;
  for (const [name, manifests, settings, expected] of wrong) {
    test(`runPlayground() reports ${name} in words`, () => {
      const result = runPlayground({ manifests, settings });
      assert.ok(!result.ok);
      assert.match(result.problems.join("\n"), expected);
    });
  }

  test("runPlayground() answers any text without throwing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string(), (manifests, settings) => {
        assert.equal(typeof runPlayground({ manifests, settings }).ok, "boolean");
      }),
    );
  });
});

suite("functions of the browser", () => {
  test("sha256Hex() returns what Node returns", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        assert.equal(browser.sha256Hex(text), sha256Hex(text));
      }),
    );
  });

  test("isDeepStrictEqual() compares JSON as Node does", () => {
    const value = fc.jsonValue().map((each): unknown => JSON.parse(JSON.stringify(each)));
    fc.assert(
      fc.property(value, value, (one, other) => {
        assert.equal(browser.isDeepStrictEqual(one, other), isDeepStrictEqual(one, other));
        assert.ok(browser.isDeepStrictEqual(one, structuredClone(one)));
      }),
    );
  });

  test("isIP() knows the addresses that Node knows", () => {
    const near = fc.string({ unit: fc.constantFrom("0", "1", "2", "5", "a", "f", ".", ":") });
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), near), (text) => {
        assert.equal(browser.isIP(text), isIP(text), text);
      }),
    );
  });
});

test("inputOf() reads what fragmentOf() wrote, and nothing else", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string(), (manifests, settings) => {
      assert.deepEqual(inputOf(fragmentOf({ manifests, settings })), { manifests, settings });
    }),
  );
  for (const text of ["", "%", "WzFd", "bm90IEpTT04"]) assert.equal(inputOf(text), undefined);
});
