import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { KubernetesObject } from "../../../src/operations/manifests/parse-objects.ts";
import type { MigrationReport, WorkloadGroup } from "../../../src/operations/migrate/report.ts";
import { clusterExport, EXPORT_BASE_ARN, KIAM, KUBE2IAM } from "./cluster-export.ts";
import { reportOf } from "./report-of.ts";

const kiam = reportOf("kiam", clusterExport(KIAM).items);
const kube2iam = reportOf("kube2iam", clusterExport(KUBE2IAM).items);

const group = ({ groups }: MigrationReport, namespace: string, name: string): WorkloadGroup => {
  const found = groups.find((each) => each.namespace === namespace && each.name === name);
  assert.ok(found, `${namespace}/${name}`);
  return found;
};
const ids = ({ findings }: WorkloadGroup) => findings.map(({ id }) => id);

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
    ["shop", "orders", "unchanged", [], `${EXPORT_BASE_ARN}shop-orders`],
    ["shop", "cart", "unchanged", [], `${EXPORT_BASE_ARN}shop-cart`],
    ["shop", "front", "unchanged", [], "no role"],
    ["payments", "reporting", "changed", ["session-name"], `${EXPORT_BASE_ARN}payments-reporting`],
    ["search", "indexer", "unchanged", [], `${EXPORT_BASE_ARN}search-a`],
    ["search", "admin", "refused", ["refused"], "refused (ROLE_FORBIDDEN)"],
    ["data", "etl", "refused", ["refused"], "refused (ROLE_FORBIDDEN)"],
    ["data", "nightly", "refused", ["refused"], "refused (ROLE_FORBIDDEN)"],
    ["logging", "fluent-bit", "needsWork", ["sdk-too-old"], `${EXPORT_BASE_ARN}log-writer`],
    ["logging", "node-agent", "needsWork", ["host-network"], "not injected (HOST_NETWORK)"],
    ["monitoring", "cloudwatch-exporter", "refused", ["refused"], "refused (ROLE_FORBIDDEN)"],
    ["ci", "runner-old-0", "needsWork", ["sdk-too-old"], `${EXPORT_BASE_ARN}ci-runner`],
    ["ci", "runner-0", "unchanged", [], `${EXPORT_BASE_ARN}ci-runner`],
    ["legacy", "broken-0", "refused", ["crashed-kiam", "refused"], "refused (ROLE_INVALID)"],
    ["legacy", "emptied", "refused", ["refused"], "refused (ROLE_INVALID)"],
    ["legacy", "dotnet", "needsWork", ["windows"], "not injected (WINDOWS)"],
    ["legacy", "keys", "unchanged", ["shadowed"], `${EXPORT_BASE_ARN}keys`],
    ["legacy", "half-moved", "unchanged", ["shadowed"], `${EXPORT_BASE_ARN}half-moved`],
    ["platform", "external-dns", "unchanged", [], "arn:aws:iam::999999999999:role/dns"],
    ["platform", "autoscaler", "changed", ["metadata-paths"], `${EXPORT_BASE_ARN}autoscaler`],
    ["platform", "backup", "needsWork", ["edited"], `${EXPORT_BASE_ARN}backup-hotfix`],
    ["analytics", "notebook", "changed", ["gets-role"], `${EXPORT_BASE_ARN}analytics-notebook`],
    ["kube-system", "load-balancer", "needsWork", ["place"], "not injected (SYSTEM_NAMESPACE)"],
  ] as const) {
    test(`gives ${namespace}/${name} the verdict ${verdict}`, () => {
      const found = group(kiam, namespace, name);
      assert.deepEqual([found.verdict, ids(found), found.after], [verdict, findings, after]);
    });
  }

  test("names the roles that only kiam's interpretation of an expression permits, and two ways to keep them", () => {
    assert.deepEqual(
      kiam.permissions.map(({ namespace, lost, gained }) => ({ namespace, lost, gained })),
      [
        { namespace: "data", lost: [], gained: [] },
        { namespace: "search", lost: [{ arn: `${EXPORT_BASE_ARN}search-a-admin`, pods: 2 }], gained: [] },
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

  test("finds an expression that matches names only, as in kiam 3, and offers one that matches ARNs", () => {
    const change = kiam.permissions.find(({ namespace }) => namespace === "data");
    assert.deepEqual(
      change?.byName.map(({ arn, pods }) => [arn, pods]),
      [
        [`${EXPORT_BASE_ARN}data-etl`, 3],
        [`${EXPORT_BASE_ARN}data-nightly`, 1],
      ],
    );
    const mended = annotate(clusterExport(KIAM).items, "Namespace", "data", annotationOf(change?.remedies[0]?.command));
    assert.equal(group(reportOf("kiam", mended), "data", "etl").verdict, "unchanged");
  });

  test("finds work if a base ARN without a slash resolves to another role", () => {
    const [agent, server] = KIAM;
    const args = ["--role-base-arn=arn:aws:iam::123456789012:role/team-"];
    const odd = [agent, { ...server, container: { image: "uswitch/kiam:v4.0", command: ["/kiam", "server"], args } }];
    const report = reportOf("kiam", clusterExport(odd as typeof KIAM).items);
    const found = group(report, "legacy", "keys");
    assert.deepEqual([found.before, found.after], [`${EXPORT_BASE_ARN}team-keys`, `${EXPORT_BASE_ARN}team-/keys`]);
    assert.equal(
      found.findings[0]?.todo,
      `write the role as both systems resolve it: iam.amazonaws.com/role: ${EXPORT_BASE_ARN}team-keys`,
    );
    assert.equal(found.verdict, "needsWork");
  });

  test("reports once how to keep kiam's session names, and that --session keeps them", () => {
    assert.match(
      kiam.general[0] ?? "",
      /^session names: kiam-kiam becomes \{namespace\}\.\{pod\}.*--session kiam keeps/,
    );
    const kept = reportOf("kiam", clusterExport(KIAM).items, true, { PODROLE_SESSION: "kiam" });
    assert.match(kept.general[0] ?? "", /^session names: kiam-kiam is kept \(--session\)/);
    assert.deepEqual(ids(group(kept, "payments", "reporting")), []);
  });

  test("finds work for pods that complete if the cluster has no native sidecars", () => {
    assert.deepEqual(ids(group(reportOf("kiam", clusterExport(KIAM).items, false), "ci", "runner-0")), [
      "does-not-complete",
    ]);
  });

  test("finds work for a pod whose DNS policy hides podrole's server, and notes a credentials file as shadowing", () => {
    const changed = (namespaceName: string, spec: object) =>
      reportOf(
        "kiam",
        clusterExport(KIAM).items.map((object) =>
          object.kind === "Pod" && object.metadata.namespace === namespaceName
            ? Object.assign({}, object, { spec: Object.assign({}, object["spec"], spec) })
            : object,
        ),
      );
    const withoutDns = group(changed("payments", { dnsPolicy: "Default" }), "payments", "api");
    assert.deepEqual([withoutDns.verdict, ids(withoutDns)], ["needsWork", ["dns-policy"]]);
    const volumeMounts = [{ name: "aws", mountPath: "/root/.aws" }];
    const withFile = group(
      changed("payments", { containers: [{ name: "app", image: "app:1", volumeMounts }] }),
      "payments",
      "api",
    );
    assert.deepEqual([withFile.verdict, ids(withFile)], ["unchanged", ["shadowed"]]);
  });

  test("names a namespace that is missing in the input", () => {
    const items = clusterExport(KIAM).items.filter(
      ({ kind, metadata }) => kind !== "Namespace" || metadata.name !== "shop",
    );
    const { problems } = reportOf("kiam", items);
    assert.deepEqual(problems, ["namespace shop is not in the input: add it (kubectl get namespace shop -o yaml)"]);
  });
});

suite("makeReport() of a kube2iam cluster", () => {
  test("counts every pod once: without restrictions, each namespace has to permit the roles that it uses", () => {
    assert.equal(kube2iam.pods, 200);
    assert.deepEqual(kube2iam.counts, { unchanged: 71, changed: 14, needsWork: 35, refused: 80 });
  });

  test("offers a list of roles with which the namespace's pods are permitted", () => {
    const change = kube2iam.permissions.find(({ namespace }) => namespace === "web");
    assert.deepEqual(change?.lost, [{ arn: `${EXPORT_BASE_ARN}web-default`, pods: 61 }]);
    const annotations = annotationOf(change?.remedies[0]?.command);
    assert.deepEqual(annotations, { "iam.amazonaws.com/allowed-roles": '["web-default"]' });
    const mended = annotate(clusterExport(KUBE2IAM).items, "Namespace", "web", annotations);
    assert.equal(group(reportOf("kube2iam", mended), "web", "front").verdict, "unchanged");
  });

  test("finds work for another annotation key", () => {
    const [agent] = KUBE2IAM;
    const args = [`--base-role-arn=${EXPORT_BASE_ARN}`, "--iam-role-key=example.com/role"];
    const other = [{ ...agent, container: { image: "jtblin/kube2iam:0.11.1", args } }] as typeof KUBE2IAM;
    const items = annotate(clusterExport(other).items, "Pod", "runner-0", { "example.com/role": "ci-runner" });
    assert.deepEqual(ids(group(reportOf("kube2iam", items), "ci", "runner-0")), ["annotation-key"]);
  });
});

/** Copies the objects and adds annotations to the one of this kind and name. */
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

/** The annotation that `kubectl annotate` would set. */
function annotationOf(command: string | undefined): Record<string, string> {
  const [, arg = ""] = /'(.*)'$/.exec(command ?? "") ?? [];
  const at = arg.indexOf("=");
  return { [arg.slice(0, at)]: arg.slice(at + 1) };
}
