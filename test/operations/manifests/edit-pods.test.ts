import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parse, parseAllDocuments, stringify } from "yaml";
import { type Edit, editManifests } from "../../../src/operations/manifests/edit-pods.ts";
import { pods } from "../../injection/pods.ts";
import { fc } from "../../property.ts";

/** Adds a label to the pod and a container before its others. */
const grow: Edit = ({ pod }) => ({
  ...pod,
  metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, grown: "true" } },
  spec: { ...pod.spec, containers: [{ name: "new", image: "new:1" }, ...pod.spec.containers] },
});
const nothing: Edit = ({ pod }) => pod;

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
    const shrink: Edit = ({ pod }) => {
      const { labels: _labels, ...metadata } = pod.metadata;
      return { ...pod, metadata, spec: { ...pod.spec, containers: pod.spec.containers.map(({ name }) => ({ name })) } };
    };
    const { template } = (parse(editManifests(DEPLOYMENT, shrink)) as { spec: { template: unknown } }).spec;
    assert.deepEqual(template, { metadata: {}, spec: { containers: [{ name: "app" }] } });
  });

  test("edits the items of Lists, and gives items of a PodList no kind", () => {
    const edited: string[] = [];
    const note: Edit = (maker) => {
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

  test("serialises a text with anchors again, so that an anchored node changes in one place only", () => {
    const text = `kind: Pod
metadata: { name: web }
spec:
  containers:
    - { name: a, env: &env [{ name: A, value: "1" }] }
    - { name: b, env: *env }
`;
    const widen: Edit = ({ pod }) => ({
      ...pod,
      spec: {
        containers: pod.spec.containers.map((container, index) =>
          index === 0 ? { ...container, env: [...(container.env ?? []), { name: "B", value: "2" }] } : container,
        ),
      },
    });
    const { spec } = parse(editManifests(text, widen)) as { spec: { containers: { env: { name: string }[] }[] } };
    assert.deepEqual(
      spec.containers.map(({ env }) => env.map(({ name }) => name)),
      [["A", "B"], ["A"]],
    );
  });

  test("drops empty documents and separates the others", () => {
    const text = `---\n---\n${DEPLOYMENT}---\n---\nkind: Pod\nspec: { containers: [] }\n`;
    const kinds = parseAllDocuments(editManifests(text, nothing)).map(
      (document) => (document.toJS() as { kind: string }).kind,
    );
    assert.deepEqual(kinds, ["Deployment", "Pod"]);
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
        const result = parse(editManifests(text, () => told)) as { items?: (typeof object)[] } & typeof object;
        const { metadata, spec } = (result.items?.[0] ?? result).spec.template;
        assert.deepEqual({ metadata, spec }, { metadata: after.metadata, spec: after.spec });
      }),
      { numRuns: 500 },
    );
  });
});
