// podrole inject and podrole uninject on texts in every style: what they do not edit stays as it is, byte by byte.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { stringify } from "yaml";
import { uninject } from "../../../src/injection/uninject.ts";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import { editManifests } from "../../../src/operations/manifests/edit-pods.ts";
import { isSameValue } from "../../../src/operations/manifests/same-value.ts";
import { parseDocument } from "../../../src/operations/manifests/source-tree.ts";
import { PLAN_SETTINGS } from "../../injection/plan-settings.ts";
import { injectablePods, injectedBy } from "../../injection/pods.ts";
import { fc } from "../../property.ts";

const styles = fc.record({
  format: fc.constantFrom("block", "flow", "JSON", "indented JSON"),
  indent: fc.constantFrom(2, 4),
  indentSeq: fc.boolean(),
  singleQuote: fc.boolean(),
  newline: fc.constantFrom("\n", "\r\n"),
  isTemplate: fc.boolean(),
  hasFinalNewline: fc.boolean(),
});
type Style = typeof styles extends fc.Arbitrary<infer T> ? T : never;

function textOf(pod: Pod, { format, newline, isTemplate, hasFinalNewline, ...options }: Style): string {
  const object = isTemplate
    ? { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" }, spec: { replicas: 2, template: pod } }
    : { apiVersion: "v1", kind: "Pod", ...pod };
  const text = format.endsWith("JSON")
    ? JSON.stringify(object, null, format === "JSON" ? 0 : options.indent)
    : stringify(object, {
        ...options,
        ...(format === "flow" && { collectionStyle: "flow" as const }),
        aliasDuplicateObjects: false,
        version: "1.1",
      });
  return `${text.trimEnd()}${hasFinalNewline ? "\n" : ""}`.replaceAll("\n", newline);
}

/** Two containers are put in front of others: their deletions meet at a comma. */
const GUARANTEED_POD: Pod = {
  metadata: { annotations: { "iam.amazonaws.com/role": "shop-a" } },
  spec: {
    containers: [{ name: "app", resources: exactly("1", "1Gi") }],
    initContainers: [
      { name: "migrate", resources: exactly("1", "1Gi") },
      { name: "warm", resources: exactly("1", "1Gi") },
    ],
  },
};
const FLOW_STYLE: Style = {
  format: "flow",
  indent: 2,
  indentSeq: false,
  singleQuote: false,
  newline: "\n",
  isTemplate: false,
  hasFinalNewline: false,
};

suite("editManifests() with plan() and uninject()", () => {
  test("restores every byte, and writes what plan() returns", () => {
    const { region } = PLAN_SETTINGS;
    fc.assert(
      fc.property(injectablePods, styles, (pod, style) => {
        const text = textOf(pod, style);
        const expected = injectedBy(pod, PLAN_SETTINGS);
        const injected = editManifests(text, (maker) => ({
          ...maker.pod,
          metadata: expected.metadata,
          spec: expected.spec,
        }));
        const { metadata, spec } = podIn(injected, style);
        assert.ok(isSameValue({ metadata, spec }, { metadata: expected.metadata, spec: expected.spec }));
        // Where two pods become the same injected pod, uninject() may return the other one.
        fc.pre(isSameValue(uninject(expected, { region }), pod));
        const restored = editManifests(injected, (maker) => uninject(maker.pod, { region }));
        assert.equal(restored, text);
      }),
      { numRuns: 100, examples: [[GUARANTEED_POD, FLOW_STYLE]] },
    );
  });
});

function podIn(text: string, { isTemplate }: Style): Pod {
  const read = parseDocument(text);
  const value = (read.ok ? read.value?.value : {}) as { spec: { template: Pod } } & Pod;
  return isTemplate ? value.spec.template : value;
}

function exactly(cpu: string, memory: string) {
  return { requests: { cpu, memory }, limits: { cpu, memory } };
}
