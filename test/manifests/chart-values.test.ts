import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { chartValuesTable, documentedValues } from "../../scripts/chart-values.ts";

const SOURCE = `# About the file.

# The image.
image: { repository: a, tag: "" }

server:
  # How many,
  # at least one.
  replicas: 2
  # Requests.
  resources:
    requests: { cpu: 100m }

webhook:
  replicas: 3
`;

suite("documentedValues()", () => {
  test("returns each value with its default and its comment, or with that of an earlier block", () => {
    assert.deepEqual(documentedValues(SOURCE), [
      { path: "image", default: '{ repository: a, tag: "" }', description: "The image." },
      { path: "server.replicas", default: "2", description: "How many, at least one." },
      { path: "server.resources", default: '{ "requests": { "cpu": "100m" } }', description: "Requests." },
      { path: "webhook.replicas", default: "3", description: "How many, at least one." },
    ]);
  });

  test("fails for a value without a comment", () => {
    assert.throws(() => documentedValues("a: 1\n"), /Cannot document a of values\.yaml: it has no comment/);
    assert.throws(() => documentedValues("a:\n  b: 1\n"), /Cannot document a\.b of values\.yaml/);
  });
});

test("chartValuesTable() returns a row for each value", () => {
  assert.match(chartValuesTable(SOURCE), /^\| `webhook\.replicas` \| `3` \| How many, at least one\. \|$/m);
});
