// docs/migrate.md shows the command's output, and explains every finding.
import assert from "node:assert/strict";
import { test } from "node:test";
import { migrateAction } from "../../../src/cli/commands/migrate.ts";
import { FINDING_IDS } from "../../../src/operations/migrate/findings/finding.ts";
import { readText } from "../../files.ts";
import { clusterExport, KIAM } from "../../operations/migrate/cluster-export.ts";
import { createTerminal } from "../terminal.ts";

const page = readText("docs/migrate.md");

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

test("docs/migrate.md shows a report that the command prints", async () => {
  const [, excerpt = ""] = /<!-- output: migrate kiam -->\n\n```text\n([^`]+)```/.exec(page) ?? [];
  assert.ok(excerpt.length > 1_000);
  const terminal = createTerminal({ stdin: JSON.stringify(clusterExport(KIAM)) });
  await migrateAction(terminal, { filename: "-" }, ["kiam"]);
  assert.equal(missingFrom(terminal.said.out(), excerpt), undefined);
});

test("docs/migrate.md: a line that the command does not print is found", () => {
  assert.equal(missingFrom("a\nb\nc\n", "a\n…\nc\n"), undefined);
  assert.equal(missingFrom("a\nb\nc\n", "a\n…\nd\n"), "d\n");
  assert.equal(missingFrom("a\nb\nc\n", "c\n…\na\n"), "a\n");
});

test("docs/migrate.md explains every finding, and no other", () => {
  const [, table = ""] = /### Findings\n\n([^#]+)/.exec(page) ?? [];
  const explained = table
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`([a-z-]+)`/g)].map(([, id]) => id));
  assert.deepEqual(new Set(explained), new Set(FINDING_IDS));
  assert.equal(explained.length, FINDING_IDS.length);
});
