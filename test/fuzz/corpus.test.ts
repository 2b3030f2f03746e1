// Replays the inputs that once broke an invariant (corpus.json), and passes a few new ones to each code target, so that
// `npm test` notices when a target no longer fits the code. `npm run fuzz` passes millions.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { CODE_TARGETS } from "./code-targets.ts";
import { decodeInput, encodeInput, runBatch, runInput } from "./engine.ts";
import { assertNoCanary, canaryOf } from "./target.ts";

interface Kept {
  readonly target: string;
  readonly input: string;
  /** What was wrong. */
  readonly note?: string;
}

const corpus = JSON.parse(readFileSync(join(import.meta.dirname, "corpus.json"), "utf8")) as readonly Kept[];
const INPUTS = 20;

suite("fuzz: inputs that once broke an invariant", () => {
  for (const { target: name, input, note = "" } of corpus) {
    test(`${name}: ${note}`, async () => {
      const target = CODE_TARGETS.find((one) => one.name === name);
      assert.ok(target, `there is no target "${name}"`);
      await runInput(target, decodeInput(input));
    });
  }
});

suite("fuzz: each target accepts the inputs that it generates", () => {
  for (const target of CODE_TARGETS) {
    test(target.name, async () => {
      const { inputs, failure } = await runBatch(target, 1, INPUTS);
      assert.equal(failure, undefined);
      assert.equal(inputs, INPUTS);
    });
  }
});

suite("fuzz: the engine", () => {
  test("assertNoCanary() finds a planted secret inside a text", () => {
    const secret = canaryOf("a secret of this test");
    assert.throws(() => assertNoCanary(`{"message":"${secret}"}`), /a secret of this test leaves podrole/);
    assertNoCanary("nothing");
  });

  test("runBatch() reports an exception with the smallest input that causes it", async () => {
    const [first] = CODE_TARGETS;
    assert.ok(first);
    const broken = {
      ...first,
      run: (input: unknown) => {
        if (JSON.stringify(input).length > 0) throw new TypeError("broken");
        return [];
      },
    };
    const { failure } = await runBatch(broken, 1, 10);
    assert.match(failure?.error ?? "", /broken/);
  });

  test("decodeInput() restores what encodeInput() wrote", () => {
    const input = [Buffer.from([0, 255]), undefined, { a: "\ud800", b: new Uint8Array([1]) }];
    assert.deepEqual(decodeInput(encodeInput(input)), [
      Buffer.from([0, 255]),
      undefined,
      { a: "\ud800", b: Buffer.from([1]) },
    ]);
  });
});
