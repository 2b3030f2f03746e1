// Chart.yaml, by which Helm and Artifact Hub describe the chart.
import assert from "node:assert/strict";
import { test } from "node:test";
import packageJson from "../../package.json" with { type: "json" };
import { readManifest } from "../files.ts";

interface Chart {
  readonly description: string;
  readonly annotations: Readonly<Record<string, unknown>>;
}

/** Artifact Hub ignores any other. (https://artifacthub.io/docs/topics/annotations/helm/) */
const CATEGORIES = new Set([
  ...["ai-machine-learning", "database", "integration-delivery", "monitoring-logging", "networking", "security"],
  ...["storage", "streaming-messaging", "skip-prediction"],
]);

test("Chart.yaml has the description and the licence of package.json, and annotations that Artifact Hub reads", () => {
  const [chart] = readManifest<Chart>("chart/Chart.yaml");
  assert.ok(chart);
  const { description, annotations } = chart;
  assert.equal(description, packageJson.description);
  assert.equal(annotations["artifacthub.io/license"], packageJson.license);
  assert.ok(CATEGORIES.has(String(annotations["artifacthub.io/category"])));
  // Kubernetes and Artifact Hub accept only texts as values.
  for (const [name, value] of Object.entries(annotations)) assert.equal(typeof value, "string", name);
});
