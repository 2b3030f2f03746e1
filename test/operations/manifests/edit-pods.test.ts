import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parse, stringify } from "yaml";
import type { EnvVar, Pod } from "../../../src/kubernetes/objects.ts";
import { editManifests, type PodEdit } from "../../../src/operations/manifests/edit-pods.ts";
import { isSameValue } from "../../../src/operations/manifests/same-value.ts";
import { parseDocument } from "../../../src/operations/manifests/source-tree.ts";
import { pods } from "../../injection/pods.ts";
import { fc } from "../../property.ts";

/** Adds a label to the pod and a container before its others. */
const grow: PodEdit = ({ pod }) => ({
  ...pod,
  metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, grown: "true" } },
  spec: { ...pod.spec, containers: [{ name: "new", image: "new:1" }, ...pod.spec.containers] },
});
const withLabels = (pod: Pod, labels: Record<string, string> | undefined): Pod => {
  const { labels: _labels, ...metadata } = pod.metadata;
  return { ...pod, metadata: { ...metadata, ...(labels && { labels }) } };
};
const nothing: PodEdit = ({ pod }) => pod;

const DEPLOYMENT = `# The shop's orders.
apiVersion: apps/v1
kind: Deployment
metadata: { name: orders, namespace: shop } # who
spec:
  replicas: 2 # two, for the nights
  template:
    metadata:
      labels:
        app: "orders"
    spec:
      containers:
        # The app itself.
        - name: app
          image: 'app:1' # pinned
          env:
            - { name: A, value: "1" } # the first
`;

suite("editManifests()", () => {
  test("keeps comments, quotes and order around a change", () => {
    assert.equal(
      editManifests(DEPLOYMENT, grow),
      DEPLOYMENT.replace('        app: "orders"\n', '        app: "orders"\n        grown: "true"\n').replace(
        "        # The app itself.\n        - name: app",
        "        - name: new\n          image: new:1\n        # The app itself.\n        - name: app",
      ),
    );
  });

  test("returns the text unchanged if no pod changes", () => {
    const text = `${DEPLOYMENT}---\n# Other.\nkind: ConfigMap\ndata: { key: value }\n`;
    assert.equal(editManifests(text, nothing), text);
  });

  test("removes fields that the edit removed", () => {
    const shrink: PodEdit = ({ pod }) => {
      const { labels: _labels, ...metadata } = pod.metadata;
      return { ...pod, metadata, spec: { ...pod.spec, containers: pod.spec.containers.map(({ name }) => ({ name })) } };
    };
    const { template } = (parse(editManifests(DEPLOYMENT, shrink)) as { spec: { template: unknown } }).spec;
    assert.deepEqual(template, { spec: { containers: [{ name: "app" }] } });
  });

  test("edits the items of Lists, and gives items of a PodList no kind", () => {
    const edited: string[] = [];
    const note: PodEdit = (maker) => {
      edited.push(`${maker.kind}/${maker.namespace}/${maker.name}`);
      return grow(maker);
    };
    const list = (kind: string, item: string) =>
      `kind: ${kind}\nitems:\n- ${item}\n- { kind: Service, metadata: { name: s } }\n`;
    const pod = "metadata: { name: web }, spec: { containers: [{ name: app }] }";
    const ofList = parse(editManifests(list("List", `{ kind: Pod, ${pod} }`), note)) as { items: { kind?: string }[] };
    const ofPods = parse(editManifests(list("PodList", `{ ${pod} }`), note)) as {
      items: { kind?: string; spec: object }[];
    };
    assert.deepEqual(edited, ["Pod/default/web", "Pod/default/web"]);
    assert.deepEqual(
      ofList.items.map(({ kind }) => kind),
      ["Pod", "Service"],
    );
    assert.equal(ofPods.items[0]?.kind, undefined);
    assert.match(JSON.stringify(ofPods.items[0]?.spec), /"new"/);
  });

  test("returns JSON for JSON", () => {
    const pod = { kind: "Pod", metadata: { name: "web" }, spec: { containers: [{ name: "app" }] } };
    const text = editManifests(JSON.stringify({ kind: "List", items: [pod] }), grow);
    const { items } = JSON.parse(text) as { items: (typeof pod)[] };
    assert.deepEqual(
      items[0]?.spec.containers.map(({ name }) => name),
      ["new", "app"],
    );
  });

  for (const [what, text, injected] of [
    [
      "an alias, and keeps the anchor",
      "spec: {}\nmetadata:\n  x: &l { a: b }\n  labels: *l\n",
      /x: &l \{ a: b \}\n {2}labels: # replaced by podrole: \*l\n {4}a: b\n {4}grown: "true"\n/,
    ],
    ["null", "metadata:\n  labels:\nspec: {}\n", /labels: # replaced by podrole:\n {4}grown: "true"\n/],
    [
      "an empty map",
      "metadata:\n  labels: {} # none\nspec: {}\n",
      /labels: # replaced by podrole: \{\}\n {4}grown: "true" # none\n/,
    ],
    [
      "an empty map below its key",
      "metadata:\n  labels:\n      {} # none\n  name: x\nspec: {}\n",
      /labels:\n {6}# replaced by podrole: \{\}\n {4}grown: "true" # none\n/,
    ],
    [
      "an empty map below a comment",
      "metadata:\n  labels: # none\n    # yet\n    {}\nspec: {}\n",
      /labels: # none\n {4}# yet\n {4}# replaced by podrole: \{\}\n {4}grown: "true"\n/,
    ],
    [
      "an empty map below its key, with line breaks of Windows",
      "metadata:\r\n  labels:\r\n    {}\r\nspec: {}\r\n",
      /labels:\r\n {4}# replaced by podrole: \{\}\r\n {4}grown: "true"\r\n/,
    ],
    [
      "an empty map in braces",
      "metadata: { labels: {}, name: x }\nspec: {}\n",
      /labels: \{grown: "true"\}, name: x \}/,
    ],
    ["null in JSON", '{"kind":"Pod","metadata":{"labels":null},"spec":{}}', /"labels":\{"grown": "true" \}/],
    ["nothing", "metadata: { name: x }\nspec: {}\n", /\{ name: x, labels: \{ grown: "true" \} \}/],
  ] as const) {
    const label: PodEdit = ({ pod }) => withLabels(pod, { ...pod.metadata.labels, grown: "true" });
    const unlabel: PodEdit = ({ pod }) => {
      const { grown: _grown, ...labels } = pod.metadata.labels ?? {};
      return withLabels(pod, Object.keys(labels).length > 0 ? labels : undefined);
    };
    test(`replaces ${what}, and puts it back`, () => {
      const before = text.startsWith("{") ? text : `kind: Pod\n${text}`;
      const after = editManifests(before, label);
      assert.match(after, injected);
      assert.equal(editManifests(after, unlabel), before);
    });
  }

  test("changes an anchored value in one place only, and puts the alias back", () => {
    const text = `kind: Pod
metadata: { name: web }
spec:
  containers:
    - { name: a, env: &env [{ name: A, value: "1" }] }
    - { name: b, env: *env } # as a
`;
    const envOfA =
      (change: (env: readonly EnvVar[]) => readonly EnvVar[]): PodEdit =>
      ({ pod }) => {
        const containers = pod.spec.containers.map((one) =>
          one.name === "a" ? { ...one, env: [...change(one.env ?? [])] } : one,
        );
        return { ...pod, spec: { ...pod.spec, containers } };
      };
    const widened = editManifests(
      text,
      envOfA((env) => [...env, { name: "B", value: "2" }]),
    );
    const { spec } = parse(widened) as { spec: { containers: { env: { name: string }[] }[] } };
    assert.deepEqual(
      spec.containers.map(({ env }) => env.map(({ name }) => name)),
      [["A", "B"], ["A"]],
    );
    assert.equal(
      editManifests(
        widened,
        envOfA((env) => env.slice(0, 1)),
      ),
      text,
    );
  });

  test("quotes what a reader of YAML 1.1 takes for another type", () => {
    const values = [
      "yes",
      "n",
      "0400",
      "1_000",
      "1:30",
      "2001-01-01",
      "~",
      "<<",
      "a: b",
      "#",
      "plain",
      "10m",
      "null",
      "=",
      ".5",
      "0x1",
      "",
    ];
    const label: PodEdit = ({ pod }) =>
      withLabels(pod, Object.fromEntries(values.map((value, index) => [`l${index}`, value])));
    for (const text of [
      "kind: Pod\nmetadata:\n  name: x\nspec: {}\n",
      "kind: Pod\nmetadata: { name: x }\nspec: {}\n",
    ]) {
      const plain = editManifests(text, label).match(/(?<=l\d+: )[^" ,}\n]+/g);
      assert.deepEqual(plain, ["plain"]);
    }
  });

  test("leaves empty documents, documents of comments and their separators where they are", () => {
    const text = `---\n---\n${DEPLOYMENT}--- # next\n# Nothing here.\n---\nkind: Pod\nmetadata: { name: x }\nspec: { containers: [] }\n`;
    assert.equal(editManifests(text, nothing), text);
  });

  test("does not fold long lines", () => {
    const long = `kind: Pod\nmetadata:\n  annotations:\n    a: ${"word ".repeat(60)}end\nspec:\n  containers:\n    - name: app\n`;
    assert.equal(editManifests(long, nothing), long);
  });

  test("writes exactly the edited pod, for any original and any YAML style", () => {
    const styles = fc.constantFrom("BLOCK", "FLOW", "JSON");
    fc.assert(
      fc.property(pods, pods, styles, fc.boolean(), (before, after, style, inList) => {
        const object = {
          apiVersion: "apps/v1",
          kind: "Deployment",
          metadata: { name: "d" },
          spec: { template: before },
        };
        const root = inList ? { kind: "List", items: [object] } : object;
        const options = { aliasDuplicateObjects: false, ...(style === "FLOW" && { collectionStyle: "flow" as const }) };
        const text = style === "JSON" ? JSON.stringify(root) : stringify(root, options);
        const told = { ...before, metadata: after.metadata, spec: after.spec };
        const read = parseDocument(editManifests(text, () => told));
        const result = (read.ok ? read.value?.value : undefined) as { items?: (typeof object)[] } & typeof object;
        const { metadata, spec } = (result.items?.[0] ?? result).spec.template;
        assert.ok(isSameValue({ metadata, spec }, { metadata: after.metadata, spec: after.spec }));
      }),
      { numRuns: 200 },
    );
  });
});
