// The pages about the migration show the command's output, and explain every finding.
import assert from "node:assert/strict";
import { test } from "node:test";
import { migrateAction } from "../../../src/cli/commands/migrate.ts";
import { FINDING_IDS } from "../../../src/operations/migrate/findings/finding.ts";
import { readText } from "../../files.ts";
import { clusterExport, KIAM } from "../../operations/migrate/cluster-export.ts";
import { createTerminal } from "../terminal.ts";

const steps = readText("docs/migrate-details.md");
const reportPage = readText("docs/migrate-report.md");

/** The pieces between the "…" of a shortened output, which must follow one another in the real one. */
function missingFrom(output: string, excerpt: string): string | undefined {
  let at = 0;
  for (const piece of excerpt.split(/^…\n/m)) {
    const found = output.indexOf(piece, at);
    if (found < 0) return piece;
    at = found + piece.length;
  }
  return undefined;
}

/** What a page shows as output, by the arguments that the comment above it names. */
function excerptsOf(page: string): readonly { readonly args: readonly string[]; readonly excerpt: string }[] {
  const found = page.matchAll(/<!-- output: migrate (.*) -->\n\n```\w+\n([^`]+)```/g);
  return [...found].map(([, args = "", excerpt = ""]) => ({ args: args.split(" "), excerpt }));
}

for (const [name, page, count] of [
  ["docs/migrate-details.md", steps, 3],
  ["docs/migrate-report.md", reportPage, 1],
] as const) {
  test(`${name} shows what the command prints`, async () => {
    const excerpts = excerptsOf(page);
    assert.equal(excerpts.length, count);
    for (const { args, excerpt } of excerpts) {
      const [from = "", flag, value = ""] = args;
      const terminal = createTerminal({ stdin: JSON.stringify(clusterExport(KIAM)) });
      const given: Readonly<Record<string, string>> = { "--waves": "waves", "-o": "output" };
      const flags = flag === undefined ? {} : { [given[flag] ?? flag]: value };
      await migrateAction(terminal, { filename: "-", ...flags }, [from]);
      assert.equal(missingFrom(terminal.said.out(), excerpt), undefined, args.join(" "));
    }
  });
}

test("docs/migrate-details.md: a line that the command does not print is found", () => {
  assert.equal(missingFrom("a\nb\nc\n", "a\n…\nc\n"), undefined);
  assert.equal(missingFrom("a\nb\nc\n", "a\n…\nd\n"), "d\n");
  assert.equal(missingFrom("a\nb\nc\n", "c\n…\na\n"), "a\n");
});

test("docs/migrate-report.md explains every finding, and no other", () => {
  const [, table = ""] = /## Findings\n\n([^#]+)/.exec(reportPage) ?? [];
  const explained = table
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`([a-z-]+)`/g)].map(([, id]) => id));
  assert.deepEqual(new Set(explained), new Set(FINDING_IDS));
  assert.equal(explained.length, FINDING_IDS.length);
});
