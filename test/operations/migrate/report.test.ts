import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { takeInventory } from "../../../src/operations/migrate/inventory.ts";
import type { KubernetesObject } from "../../../src/operations/manifests/objects.ts";
import { type Group, makeReport, type Report } from "../../../src/operations/migrate/report.ts";
import { kiamOf, kube2iamOf } from "../../../src/operations/migrate/source.ts";
import { targetSettings } from "../../../src/operations/migrate/target.ts";
import { namespacesByRisk, renderWaves } from "../../../src/operations/migrate/waves.ts";
import { BASE, clusterExport, KIAM, KUBE2IAM } from "./cluster-export.ts";

function reportOf(from: "kiam" | "kube2iam", objects: readonly KubernetesObject[], native = true, env = {}): Report {
  const old = from === "kiam" ? kiamOf(objects, undefined, undefined) : kube2iamOf(objects, undefined);
  const target = targetSettings(old.conversion, env, native);
  assert.ok(target.ok, JSON.stringify(target));
  const { predecessor, openMetadata } = old;
  return makeReport({ inventory: takeInventory(objects), predecessor, settings: target.settings, openMetadata });
}

const kiam = reportOf("kiam", clusterExport(KIAM).items);
const kube2iam = reportOf("kube2iam", clusterExport(KUBE2IAM).items);

const group = ({ groups }: Report, namespace: string, name: string): Group => {
  const found = groups.find((each) => each.namespace === namespace && each.name === name);
  assert.ok(found, `${namespace}/${name}`);
  return found;
};
const ids = ({ findings }: Group) => findings.map(({ id }) => id);

suite("makeReport() of a kiam cluster", () => {
  test("counts every pod once", () => {
    assert.equal(kiam.pods, 200);
    assert.equal(kiam.namespaces, 12);
    assert.deepEqual(kiam.counts, { unchanged: 150, changed: 10, needsWork: 29, refused: 11 });
    assert.deepEqual([kiam.withoutRole, kiam.finished], [90, 4]);
    assert.deepEqual(kiam.sdk, { new: 7, old: 12, unknown: 91 });
    assert.equal(
      kiam.groups.reduce((sum, { pods }) => sum + pods, 0),
      200,
    );
    assert.deepEqual(kiam.problems, []);
  });

  for (const [namespace, name, verdict, findings, after] of [
    ["shop", "orders", "unchanged", [], `${BASE}shop-orders`],
    ["shop", "cart", "unchanged", [], `${BASE}shop-cart`],
    ["shop", "front", "unchanged", [], "no role"],
    ["payments", "reporting", "changed", ["session-name"], `${BASE}payments-reporting`],
    ["search", "indexer", "unchanged", [], `${BASE}search-a`],
    ["search", "admin", "refused", ["refused"], "refused (ROLE_FORBIDDEN)"],
    ["data", "etl", "refused", ["refused"], "refused (ROLE_FORBIDDEN)"],
    ["data", "nightly", "refused", ["refused"], "refused (ROLE_FORBIDDEN)"],
    ["logging", "fluent-bit", "needsWork", ["sdk-too-old"], `${BASE}log-writer`],
    ["logging", "node-agent", "needsWork", ["host-network"], "not injected (HOST_NETWORK)"],
    ["monitoring", "cloudwatch-exporter", "refused", ["refused"], "refused (ROLE_FORBIDDEN)"],
    ["ci", "runner-old-0", "needsWork", ["sdk-too-old"], `${BASE}ci-runner`],
    ["ci", "runner-0", "unchanged", [], `${BASE}ci-runner`],
    ["legacy", "broken-0", "refused", ["crashed-kiam", "refused"], "refused (ROLE_INVALID)"],
    ["legacy", "emptied", "refused", ["refused"], "refused (ROLE_INVALID)"],
    ["legacy", "dotnet", "needsWork", ["windows"], "not injected (WINDOWS)"],
    ["legacy", "keys", "unchanged", ["shadowed"], `${BASE}keys`],
    ["legacy", "half-moved", "unchanged", ["shadowed"], `${BASE}half-moved`],
    ["platform", "external-dns", "unchanged", [], "arn:aws:iam::999999999999:role/dns"],
    ["platform", "autoscaler", "changed", ["metadata-paths"], `${BASE}autoscaler`],
    ["platform", "backup", "needsWork", ["edited"], `${BASE}backup-hotfix`],
    ["analytics", "notebook", "changed", ["gets-role"], `${BASE}analytics-notebook`],
    ["kube-system", "load-balancer", "needsWork", ["place"], "not injected (SYSTEM_NAMESPACE)"],
  ] as const) {
    test(`says ${verdict} for ${namespace}/${name}`, () => {
      const found = group(kiam, namespace, name);
      assert.deepEqual([found.verdict, ids(found), found.after], [verdict, findings, after]);
    });
  }

  test("names the roles that kiam's reading of an expression let through, and two ways to keep them", () => {
    assert.deepEqual(
      kiam.permissions.map(({ namespace, lost, gained }) => ({ namespace, lost, gained })),
      [
        { namespace: "data", lost: [], gained: [] },
        { namespace: "search", lost: [{ arn: `${BASE}search-a-admin`, pods: 2 }], gained: [] },
      ],
    );
    const mended = annotate(
      clusterExport(KIAM).items,
      "Namespace",
      "search",
      annotationOf(kiam.permissions[1]?.remedies[1]?.command),
    );
    assert.equal(group(reportOf("kiam", mended), "search", "admin").verdict, "unchanged");
  });

  test("sees an expression that only matches names, as kiam 3 read it, and says how it would match ARNs", () => {
    const change = kiam.permissions.find(({ namespace }) => namespace === "data");
    assert.deepEqual(
      change?.byName.map(({ arn, pods }) => [arn, pods]),
      [
        [`${BASE}data-etl`, 3],
        [`${BASE}data-nightly`, 1],
      ],
    );
    const mended = annotate(clusterExport(KIAM).items, "Namespace", "data", annotationOf(change?.remedies[0]?.command));
    assert.equal(group(reportOf("kiam", mended), "data", "etl").verdict, "unchanged");
  });

  test("says work where a base ARN without its slash makes another role", () => {
    const [agent, server] = KIAM;
    const args = ["--role-base-arn=arn:aws:iam::123456789012:role/team-"];
    const odd = [agent, { ...server, container: { image: "uswitch/kiam:v4.0", command: ["/kiam", "server"], args } }];
    const report = reportOf("kiam", clusterExport(odd as typeof KIAM).items);
    const found = group(report, "legacy", "keys");
    assert.deepEqual([found.before, found.after], [`${BASE}team-keys`, `${BASE}team-/keys`]);
    assert.equal(found.findings[0]?.todo, `name the role as both read it: iam.amazonaws.com/role: ${BASE}team-keys`);
    assert.equal(found.verdict, "needsWork");
  });

  test("says in a general line how to keep kiam's session names, and that they stay when told so", () => {
    assert.match(
      kiam.general[0] ?? "",
      /^session names: kiam-kiam becomes \{namespace\}\.\{pod\}.*--session kiam keeps/,
    );
    const kept = reportOf("kiam", clusterExport(KIAM).items, true, { PODROLE_SESSION: "kiam" });
    assert.match(kept.general[0] ?? "", /^session names: stay kiam-kiam/);
    assert.deepEqual(ids(group(kept, "payments", "reporting")), []);
  });

  test("finds work for pods that end where the cluster has no native sidecars", () => {
    assert.deepEqual(ids(group(reportOf("kiam", clusterExport(KIAM).items, false), "ci", "runner-0")), [
      "does-not-complete",
    ]);
  });

  test("names a namespace that is missing from the input", () => {
    const items = clusterExport(KIAM).items.filter(
      ({ kind, metadata }) => kind !== "Namespace" || metadata.name !== "shop",
    );
    const { problems } = reportOf("kiam", items);
    assert.deepEqual(problems, ["namespace shop is not in the input: add it (kubectl get namespace shop -o yaml)"]);
  });
});

suite("makeReport() of a kube2iam cluster", () => {
  test("counts every pod once: without restrictions each namespace must permit what it uses", () => {
    assert.equal(kube2iam.pods, 200);
    assert.deepEqual(kube2iam.counts, { unchanged: 71, changed: 14, needsWork: 35, refused: 80 });
  });

  test("offers a list of roles that makes the namespace's pods go through", () => {
    const change = kube2iam.permissions.find(({ namespace }) => namespace === "web");
    assert.deepEqual(change?.lost, [{ arn: `${BASE}web-default`, pods: 61 }]);
    const annotations = annotationOf(change?.remedies[0]?.command);
    assert.deepEqual(annotations, { "iam.amazonaws.com/allowed-roles": '["web-default"]' });
    const mended = annotate(clusterExport(KUBE2IAM).items, "Namespace", "web", annotations);
    assert.equal(group(reportOf("kube2iam", mended), "web", "front").verdict, "unchanged");
  });

  test("says that another annotation key is work", () => {
    const [agent] = KUBE2IAM;
    const args = [`--base-role-arn=${BASE}`, "--iam-role-key=example.com/role"];
    const other = [{ ...agent, container: { image: "jtblin/kube2iam:0.11.1", args } }] as typeof KUBE2IAM;
    const items = annotate(clusterExport(other).items, "Pod", "runner-0", { "example.com/role": "ci-runner" });
    assert.deepEqual(ids(group(reportOf("kube2iam", items), "ci", "runner-0")), ["annotation-key"]);
  });
});

suite("renderWaves()", () => {
  test("starts with the namespace where nothing changes, and keeps those that need work for the end", () => {
    assert.deepEqual(
      namespacesByRisk(kiam).map(({ name, risk }) => [name, risk]),
      [
        ["shop", 0],
        ["analytics", 1],
        ["payments", 1],
        ["kube-system", 2],
        ["monitoring", 2],
        ["data", 2],
        ["platform", 2],
        ["ci", 2],
        ["legacy", 2],
        ["search", 2],
        ["logging", 2],
      ],
    );
  });

  test("prints only commands that may be run as they are, everything else as comments", () => {
    const lines = renderWaves(kiam, 2).split("\n");
    const commands = lines.filter((line) => line !== "" && !line.startsWith("#"));
    assert.ok(commands.every((line) => /^kubectl (label namespace|-n [\w-]+ (rollout restart|get pods)) /.test(line)));
    assert.deepEqual(
      commands.filter((line) => line.startsWith("kubectl label")),
      ["shop", "analytics", "payments"].map((name) => `kubectl label namespace ${name} podrole.io/inject=enabled`),
    );
    assert.equal(lines.filter((line) => /^# Wave \d of 2/.test(line)).length, 2);
    assert.ok(lines.includes("# daemonset/fluent-bit has updateStrategy OnDelete: delete its pods one by one"));
    assert.ok(!lines.some((line) => line.includes("label namespace kube-system")));
  });

  test("leaves out what has moved already, which the report counts", () => {
    const items = structuredClone(clusterExport(KIAM).items) as KubernetesObject[];
    for (const { kind, metadata } of items) {
      const isInjected = kind === "Pod" && metadata.namespace === "shop" && metadata.labels?.["app"] !== "front";
      if (isInjected) metadata.labels = { ...metadata.labels, "podrole.io/injected": "true" };
    }
    const later = reportOf("kiam", items);
    assert.equal(later.moved, 21);
    assert.deepEqual(later.counts, kiam.counts);
    assert.doesNotMatch(renderWaves(later, 3), /namespace shop/);
  });

  test("makes no empty wave", () => assert.match(renderWaves(kiam, 50), /# Wave 3 of 3/));
});

/** The object of that kind and name gets the annotations besides its own. */
function annotate(
  items: readonly KubernetesObject[],
  kind: string,
  name: string,
  annotations: Readonly<Record<string, string>>,
): readonly KubernetesObject[] {
  const copies = structuredClone(items) as KubernetesObject[];
  const found = copies.find((object) => object.kind === kind && object.metadata.name === name);
  assert.ok(found, `${kind}/${name}`);
  found.metadata.annotations = { ...found.metadata.annotations, ...annotations };
  return copies;
}

/** What `kubectl annotate` would set. */
function annotationOf(command: string | undefined): Record<string, string> {
  const [, word = ""] = /'(.*)'$/.exec(command ?? "") ?? [];
  const at = word.indexOf("=");
  return { [word.slice(0, at)]: word.slice(at + 1) };
}
