// Whom the objects belong to that the server makes at run time, the CA's Secret and the trust ConfigMap. No manifest names
// them, so no apply, upgrade, rollback or replacement can touch them, and uninstalling would leave them behind: they go
// with the server's ServiceAccount, which is made at installing, deleted at uninstalling, and changed by nothing else.
import type { Birth, Kubernetes } from "../kubernetes/api.ts";

const LABELS = { "app.kubernetes.io/part-of": "podrole" };

/**
 * For objects of `namespace`. Without an owner where `account` is elsewhere, because the garbage collector would take an
 * owner of another namespace for one that is gone; and where there is no such account (any more).
 */
export async function birthIn(
  namespace: string,
  kubernetes: Pick<Kubernetes, "getServiceAccount">,
  account: { readonly namespace: string; readonly name: string },
): Promise<Birth> {
  if (account.namespace !== namespace) return { labels: LABELS };
  const found = await kubernetes.getServiceAccount(account.namespace, account.name);
  const { uid, deletionTimestamp } = found?.metadata ?? {};
  if (uid === undefined || deletionTimestamp !== undefined) return { labels: LABELS };
  return { labels: LABELS, owners: [{ apiVersion: "v1", kind: "ServiceAccount", name: account.name, uid }] };
}
