// Namespaces and ServiceAccounts as podrole's programs receive them over real sockets: tenants choose how large the
// rest of these objects is, so it is not sent.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { createOperatorKubernetes } from "../../src/kubernetes/client.ts";
import type { ServiceAccount } from "../../src/kubernetes/objects.ts";
import { writeTemporaryFile } from "../temporary-files.ts";
import { startCluster } from "./harness.ts";

const ANNOTATIONS = { "iam.amazonaws.com/role": "orders" };
const LARGE = { secrets: Array.from({ length: 1_000 }, (_, index) => ({ name: `secret-${index}` })) };

async function start(context: TestContext) {
  const { emulator, connect } = await startCluster(context);
  emulator.store.create("namespaces", { metadata: { name: "shop", annotations: ANNOTATIONS }, spec: LARGE });
  const create = (name: string) =>
    emulator.store.create("serviceaccounts", {
      metadata: { name, namespace: "shop", annotations: ANNOTATIONS },
      ...LARGE,
    });
  create("orders");
  return { emulator, create, kubernetes: await connect() };
}

/** Returns the names of an object's fields, and its annotations. */
function contentOf(object: { readonly metadata: { readonly annotations?: object } } | undefined) {
  const fields = Object.keys(object ?? {}).filter((field) => field !== "kind" && field !== "apiVersion");
  return { fields, annotations: object?.metadata.annotations };
}

const METADATA = { fields: ["metadata"], annotations: ANNOTATIONS };

suite("createKubernetes()", () => {
  test("reads only the metadata of a namespace and of a ServiceAccount", async (context) => {
    const { kubernetes } = await start(context);
    assert.deepEqual(contentOf(await kubernetes.getNamespace("shop")), METADATA);
    assert.deepEqual(contentOf(await kubernetes.getServiceAccount("shop", "orders")), METADATA);
  });

  test("lists and watches only their metadata", async (context) => {
    const { kubernetes, create } = await start(context);
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(60_000)]);
    const namespaces = await kubernetes.source<ServiceAccount>("namespaces").list({ limit: 10, signal });
    assert.deepEqual(contentOf(namespaces.items.find(({ metadata }) => metadata.name === "shop")), METADATA);

    const source = kubernetes.source<ServiceAccount>("serviceaccounts", { namespace: "shop" });
    const { items, resourceVersion } = await source.list({ limit: 10, signal });
    assert.deepEqual(contentOf(items.find(({ metadata }) => metadata.name === "orders")), METADATA);
    create("invoices");
    for await (const event of source.watch({ resourceVersion, timeoutSeconds: 60, signal })) {
      if (event.type !== "ADDED") continue;
      assert.equal(event.object.metadata.name, "invoices");
      assert.deepEqual(contentOf(event.object), METADATA);
      break;
    }
  });

  test("receives the end of a watch of metadata as an error, as of any other watch", async (context) => {
    const { emulator, kubernetes } = await start(context);
    emulator.faults.compact();
    const watch = kubernetes
      .source<ServiceAccount>("serviceaccounts")
      .watch({ resourceVersion: "1", timeoutSeconds: 60, signal: context.signal });
    await assert.rejects(
      async () => {
        for await (const event of watch) assert.equal(event.type, "OPENED");
      },
      { status: 410 },
    );
  });
});

test("createOperatorKubernetes() lists whole objects, which commands print and check", async (context) => {
  const { emulator } = await start(context);
  const kubeconfigPath = writeTemporaryFile(context, "kubeconfig", emulator.kubeconfig());
  const operator = createOperatorKubernetes({ kubeconfigPath });
  context.after(() => operator.close());
  const accounts = await operator.listAll<ServiceAccount>("serviceaccounts", { namespace: "shop" });
  const orders = accounts.find(({ metadata }) => metadata.name === "orders");
  assert.deepEqual(orders?.["secrets"], LARGE.secrets);
});
