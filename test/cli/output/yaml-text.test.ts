import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { formatData } from "../../../src/cli/output/migrate.ts";
import { yamlText } from "../../../src/cli/output/yaml-text.ts";

const UNSAFE = /(?!\n)[\p{C}\p{Zl}\p{Zp}]/u;

describe("yamlText()", () => {
  for (const [what, text] of Object.entries({
    "the escape character": "a\u001b[31m",
    "a C1 control": "a\u009b31m",
    "an operating system command": "\u009d52;c;aGk=\u0007",
    "a change of direction": "a\u202egnp",
    "a line separator": "a\u2028b",
    "the next line of C1": "a\u0085b",
    "an invisible character above U+FFFF": "a\u{e0041}b",
    "a tab": "a\tb",
    "several lines with a C1 control": `first "\u009b" line, which is long enough to be folded \\\nsecond\n`,
  })) {
    test(`escapes ${what}, as a value and as a key, and changes neither`, () => {
      const data = { value: text, [text]: { list: [text, 1, true, null] } };
      const yaml = yamlText(data);
      assert.doesNotMatch(yaml, UNSAFE);
      assert.deepEqual(parse(yaml), data);
    });
  }

  test("escapes a character above U+FFFF as one, which every reader accepts", () => {
    assert.equal(yamlText({ a: "\u{e0041}" }), 'a: "\\U000e0041"\n');
  });

  test("quotes and escapes nothing else", () => {
    const yaml = 'plain: größe 😀\nlines: |\n  one\n  two\nquoted: "yes # no: 1"\n';
    assert.equal(yamlText(parse(yaml) as object), yaml);
  });
});

test("formatData() escapes control characters in YAML as in JSON", () => {
  for (const format of ["yaml", "json"] as const) {
    const data = { name: "x\u009b31m\u202e" };
    const text = formatData(data, format);
    assert.doesNotMatch(text, UNSAFE);
    assert.deepEqual(parse(text), data);
  }
});
