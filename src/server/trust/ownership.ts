// Owner references of the objects that the server creates at run time, the CA's Secret and the trust ConfigMap. No
// manifest names them, so no apply, upgrade, rollback or replacement can change them, and uninstalling would leave them
// behind. They are therefore owned by the server's ServiceAccount, which is created at installation, deleted at
// uninstallation, and changed by nothing else: the garbage collector deletes them with it.
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/)

import type { CreationMetadata, Kubernetes } from "../../kubernetes/api.ts";
import { OWN_LABELS } from "../../policy/annotations.ts";

/** Identifies the owning ServiceAccount. */
export interface OwnerAccount {
  readonly namespace: string;
  readonly name: string;
}

/**
 * Labels and owner of a new object in `namespace`. There is no owner if `account` is in another namespace, because the
 * garbage collector treats an owner of another namespace as deleted, or if the account is absent or being deleted.
 */
export async function creationMetadata(
  namespace: string,
  kubernetes: Pick<Kubernetes, "getServiceAccount">,
  account: OwnerAccount,
): Promise<CreationMetadata> {
  if (account.namespace !== namespace) return { labels: OWN_LABELS };
  const found = await kubernetes.getServiceAccount(account.namespace, account.name);
  const { uid, deletionTimestamp } = found?.metadata ?? {};
  if (uid === undefined || deletionTimestamp !== undefined) return { labels: OWN_LABELS };
  return { labels: OWN_LABELS, owners: [{ apiVersion: "v1", kind: "ServiceAccount", name: account.name, uid }] };
}

/** Labels and owner of a new object in `namespace`; undefined: podrole is being uninstalled, so do not create it. */
export type Ownership = (namespace: string) => Promise<CreationMetadata | undefined>;

/**
 * Adds memory to creationMetadata(), for the lifetime of one server: once the owner existed and is absent, podrole is
 * being uninstalled, and whatever a server that still runs would create would never be deleted.
 */
export function createOwnership(kubernetes: Pick<Kubernetes, "getServiceAccount">, account: OwnerAccount): Ownership {
  let hadOwner = false;
  return async (namespace) => {
    const metadata = await creationMetadata(namespace, kubernetes, account);
    const isOwned = metadata.owners !== undefined;
    hadOwner ||= isOwned;
    return isOwned || !hadOwner || account.namespace !== namespace ? metadata : undefined;
  };
}
