// Whom the objects belong to that the server makes at run time, the CA's Secret and the trust ConfigMap. No manifest names
// them, so no apply, upgrade, rollback or replacement can touch them, and uninstalling would leave them behind: they go
// with the server's ServiceAccount, which is made at installing, deleted at uninstalling, and changed by nothing else.
import type { CreationMetadata, Kubernetes } from "../../kubernetes/api.ts";

const LABELS = { "app.kubernetes.io/part-of": "podrole" };

/**
 * For objects of `namespace`. Without an owner where `account` is elsewhere, because the garbage collector would take an
 * owner of another namespace for one that is gone; and where there is no such account (any more).
 */
export async function birthIn(
  namespace: string,
  kubernetes: Pick<Kubernetes, "getServiceAccount">,
  account: { readonly namespace: string; readonly name: string },
): Promise<CreationMetadata> {
  if (account.namespace !== namespace) return { labels: LABELS };
  const found = await kubernetes.getServiceAccount(account.namespace, account.name);
  const { uid, deletionTimestamp } = found?.metadata ?? {};
  if (uid === undefined || deletionTimestamp !== undefined) return { labels: LABELS };
  return { labels: LABELS, owners: [{ apiVersion: "v1", kind: "ServiceAccount", name: account.name, uid }] };
}

/** How an object of `namespace` is to be made, or undefined: it is not to be made any more. */
export type Births = (namespace: string) => Promise<CreationMetadata | undefined>;

/**
 * birthIn() for a server's life. Once the owner was there and is gone, podrole is being uninstalled: what a server that still
 * runs would make then, nobody would take away.
 */
export function createBirths(
  kubernetes: Pick<Kubernetes, "getServiceAccount">,
  account: { readonly namespace: string; readonly name: string },
): Births {
  let hadOwner = false;
  return async (namespace) => {
    const birth = await birthIn(namespace, kubernetes, account);
    const isOwned = birth.owners !== undefined;
    hadOwner ||= isOwned;
    return isOwned || !hadOwner || account.namespace !== namespace ? birth : undefined;
  };
}
