import assert from "node:assert/strict";
import { test } from "node:test";
import { tableOf } from "../../../src/cli/output/text.ts";

test("tableOf() makes each column as wide as its widest cell", () => {
  assert.equal(
    tableOf(
      ["A", "LONG"],
      [
        ["wide one", "x"],
        ["y", ""],
      ],
    ),
    "A          LONG\nwide one   x\ny\n",
  );
});
