// Where podrole runs, as an operator's command finds it, beside objects that a tenant of the cluster may have created.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { createOperatorKubernetes } from "../../src/kubernetes/client.ts";
import { findPodroleNamespace } from "../../src/operations/podrole-namespace.ts";
import { startOperatorCluster } from "../cli/commands/operator-cluster.ts";
import { writeTemporaryFile } from "../temporary-files.ts";
import { ownConfiguration, programDeployment } from "./check/healthy.ts";

const DEPLOYMENTS = { apiGroups: ["apps"], resources: ["deployments"], verbs: ["list"] };

interface Cluster {
  /** Namespaces whose Service podrole's webhooks call. */
  readonly webhooks?: readonly string[];
  /** Namespaces with a Deployment that has podrole's label. */
  readonly deployments?: readonly string[];
  readonly mayListWebhooks?: boolean;
}

async function find(
  context: TestContext,
  { webhooks = [], deployments = [], mayListWebhooks = true }: Cluster,
  named?: string,
) {
  const { kubernetes, store } = await startOperatorCluster(context);
  for (const name of new Set([...webhooks, ...deployments])) store.create("namespaces", { metadata: { name } });
  for (const namespace of webhooks) {
    const configuration = structuredClone(ownConfiguration()) as unknown as {
      webhooks: { clientConfig: { service: { namespace: string } } }[];
    };
    for (const { clientConfig } of configuration.webhooks) clientConfig.service.namespace = namespace;
    store.create("mutatingwebhookconfigurations", { ...configuration, metadata: { name: `podrole-${namespace}` } });
  }
  for (const namespace of deployments) {
    const server = programDeployment("server");
    const labels = { "app.kubernetes.io/part-of": "podrole" };
    store.create("deployments", { ...server, metadata: { ...server.metadata, namespace, labels } });
  }
  if (!mayListWebhooks) kubernetes.restrict("reader", [DEPLOYMENTS]);
  const kubeconfig = kubernetes.kubeconfig(mayListWebhooks ? undefined : "reader");
  const kubeconfigPath = writeTemporaryFile(context, "kubeconfig", kubeconfig);
  const operator = createOperatorKubernetes({ kubeconfigPath, component: "test" });
  context.after(() => operator.close());
  return findPodroleNamespace(operator, named);
}

suite("findPodroleNamespace()", () => {
  for (const [what, cluster, named, expected] of [
    ["that the caller names", { webhooks: ["iam-system"] }, "other", "other"],
    ["of the webhook's Service", { webhooks: ["iam-system"], deployments: ["iam-system"] }, undefined, "iam-system"],
    [
      "of the webhook's Service beside a tenant's Deployment",
      { webhooks: ["iam-system"], deployments: ["iam-system", "tenant"] },
      undefined,
      "iam-system",
    ],
    [
      "podrole without the right to read webhooks, if a Deployment there has the label",
      { webhooks: ["podrole"], deployments: ["podrole"], mayListWebhooks: false },
      undefined,
      "podrole",
    ],
    ["podrole in an empty cluster", {}, undefined, "podrole"],
  ] as const) {
    test(`returns the namespace ${what}, without a note`, async (context) => {
      assert.deepEqual(await find(context, cluster, named), { ok: true, value: { name: expected } });
    });
  }

  for (const [what, cluster] of [
    ["if podrole is not installed", { deployments: ["tenant"] }],
    ["if the caller may not read webhooks", { webhooks: ["tenant"], deployments: ["tenant"], mayListWebhooks: false }],
  ] as const) {
    test(`notes that it relies on the label of a Deployment ${what}`, async (context) => {
      const found = await find(context, cluster);
      assert.ok(found.ok);
      assert.equal(found.value.name, "tenant");
      assert.match(found.value.note ?? "", /assumed to be "tenant", by the labels of a Deployment/);
    });
  }

  for (const [what, cluster] of [
    ["webhooks", { webhooks: ["iam-a", "iam-b"] }],
    ["Deployments", { deployments: ["iam-a", "iam-b"] }],
  ] as const) {
    test(`returns a problem if podrole's ${what} are in several namespaces`, async (context) => {
      const found = await find(context, cluster);
      assert.equal(found.ok, false);
      assert.match(found.ok ? "" : found.problem, new RegExp(`podrole's ${what} are in iam-a, iam-b; expected one`));
    });
  }
});
