// The objects of a file that podrole explain was given, with the namespaces and ServiceAccounts among them.
import type { Namespace, ServiceAccount } from "../../kubernetes/objects.ts";
import { type Checked, success } from "../../runtime/result.ts";
import { type KubernetesObject, parseObjects } from "../manifests/objects.ts";

/** The objects of a text, and those among them that decide about pods. */
export interface Manifests {
  readonly objects: readonly KubernetesObject[];
  readonly namespaces: ReadonlyMap<string, Namespace>;
  /** By "namespace/name". */
  readonly serviceAccounts: ReadonlyMap<string, ServiceAccount>;
}

/** Reads a YAML or JSON text; `origin` names it in the problems. */
export function readManifests(text: string, origin: string, defaultNamespace: string): Checked<Manifests> {
  const { objects, problems } = parseObjects(text, origin);
  if (problems.length > 0) return { ok: false, problems };
  const ofKind = (kind: string) => objects.filter((object) => object.kind === kind && object.metadata.name);
  const accountKey = ({ metadata }: KubernetesObject) => `${metadata.namespace ?? defaultNamespace}/${metadata.name}`;
  return success({
    objects,
    namespaces: new Map(ofKind("Namespace").map((one) => [one.metadata.name ?? "", one as Namespace])),
    serviceAccounts: new Map(ofKind("ServiceAccount").map((one) => [accountKey(one), one as ServiceAccount])),
  });
}
