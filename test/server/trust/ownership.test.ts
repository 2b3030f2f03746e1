import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ServiceAccount } from "../../../src/kubernetes/objects.ts";
import { createOwnership, creationMetadata } from "../../../src/server/trust/ownership.ts";

const ACCOUNT = { namespace: "podrole", name: "podrole-server" };
const LABELS = { "app.kubernetes.io/part-of": "podrole" };

const withAccount = (account: ServiceAccount["metadata"] | undefined) => ({
  getServiceAccount: async (namespace: string, name: string) =>
    account?.namespace === namespace && account.name === name ? ({ metadata: account } as ServiceAccount) : undefined,
});

suite("creationMetadata()", () => {
  test("makes the server's ServiceAccount the owner of objects in its namespace", async () => {
    assert.deepEqual(await creationMetadata("podrole", withAccount({ ...ACCOUNT, uid: "1-2-3" }), ACCOUNT), {
      labels: LABELS,
      owners: [{ apiVersion: "v1", kind: "ServiceAccount", name: "podrole-server", uid: "1-2-3" }],
    });
  });

  // The garbage collector would delete the CA at once in the first case, and soon in the last.
  for (const [why, namespace, account] of [
    ["the object is in another namespace", "elsewhere", { ...ACCOUNT, uid: "1-2-3" }],
    ["there is no such account", "podrole", undefined],
    [
      "the account is being deleted",
      "podrole",
      { ...ACCOUNT, uid: "1-2-3", deletionTimestamp: "2026-01-01T00:00:00Z" },
    ],
  ] as const) {
    test(`sets no owner when ${why}`, async () => {
      assert.deepEqual(await creationMetadata(namespace, withAccount(account), ACCOUNT), { labels: LABELS });
    });
  }
});

suite("createOwnership()", () => {
  const uid = "1-2-3";

  test("returns undefined once the owner existed and is gone", async () => {
    let account: ServiceAccount["metadata"] | undefined = { ...ACCOUNT, uid };
    const ownership = createOwnership(
      { getServiceAccount: (...of) => withAccount(account).getServiceAccount(...of) },
      ACCOUNT,
    );
    assert.ok((await ownership("podrole"))?.owners);
    account = undefined;
    assert.equal(await ownership("podrole"), undefined);
    assert.deepEqual(await ownership("elsewhere"), { labels: LABELS });
    account = { ...ACCOUNT, uid };
    assert.ok((await ownership("podrole"))?.owners);
  });

  test("sets no owner while there has never been one", async () => {
    const ownership = createOwnership(withAccount(undefined), ACCOUNT);
    assert.deepEqual(await ownership("podrole"), { labels: LABELS });
    assert.deepEqual(await ownership("podrole"), { labels: LABELS });
  });
});
