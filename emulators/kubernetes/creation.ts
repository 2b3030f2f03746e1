// POST of an object: decode, admission, name, validation, storage, in the API server's order. Webhooks see neither uid
// nor a generated name, because both are made after them (registry/generic, rest.BeforeCreate).
import { randomUUID } from "node:crypto";
import type { Pod } from "../../src/kubernetes/objects.ts";
import type { UserInfo } from "./access.ts";
import { type AdmissionDeps, admit, type Asides } from "./admission.ts";
import { fieldAt, isRecord, type KubeObject, toKubeTime } from "./objects.ts";
import { generateName } from "./names.ts";
import { qosClassOf } from "./pod-defaults.ts";
import type { RequestInfo } from "./request-info.ts";
import { groupVersion, type ResourceType, resourceNamed } from "./resources.ts";
import { badRequest, StatusError } from "./status.ts";
import type { Unwritten } from "./store.ts";
import { decodeObject, validateNew } from "./validation.ts";

export interface CreationDeps extends AdmissionDeps {
  /** Unix milliseconds. */
  readonly now: () => number;
  /** What every namespace's kube-root-ca.crt holds. */
  readonly rootCaPem: () => string;
}

/** The created object; with dry run, what it would have been. Throws StatusError; `asides` is filled either way. */
export async function createObject(
  deps: CreationDeps,
  { resource, namespace, query }: RequestInfo,
  body: unknown,
  user: UserInfo,
  asides: Asides,
): Promise<KubeObject> {
  const { store } = deps;
  const given = placed(resource, namespace, body);
  // NamespaceLifecycle: no object without its namespace, and none in one that goes.
  if (namespace !== undefined) store.get("namespaces", undefined, namespace);
  const dryRun = query.get("dryRun") === "All";
  const admitted = await admit(deps, { resource, object: given, user, dryRun }, asides);
  const object = prepared(resource, admitted);
  validateNew(resource, object);
  if (dryRun) {
    const metadata = { ...object.metadata, uid: randomUUID(), creationTimestamp: toKubeTime(deps.now()) };
    return { ...object, metadata };
  }
  const created = store.create(resource.plural, object);
  if (resource.plural === "namespaces") furnishNamespace(deps, created.metadata.name ?? "");
  return created;
}

/** The object with the identity that the path gives it. Throws BadRequest when the two differ. */
function placed(resource: ResourceType, namespace: string | undefined, body: unknown): KubeObject {
  decodeObject(resource, body);
  const object = body as Unwritten;
  const [version, kind] = [groupVersion(resource), resource.kind];
  const { apiVersion = version } = object;
  if (apiVersion !== version || (object["kind"] ?? kind) !== kind) {
    throw badRequest(
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (${version})`,
    );
  }
  const { metadata = {} } = object as { metadata?: KubeObject["metadata"] };
  if (metadata.namespace !== undefined && metadata.namespace !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  // Left out: what only the server sets.
  const { uid: _uid, resourceVersion, deletionTimestamp: _gone, creationTimestamp: _at, ...own } = metadata;
  if (resourceVersion) throw new StatusError(500, "", "resourceVersion should not be set on objects to be created");
  const placedMetadata = { ...own, ...(namespace !== undefined && { namespace }) };
  return { ...object, ...podParts(resource, object), apiVersion: version, kind, metadata: placedMetadata };
}

/** Go has no undefined: a pod without a spec has an empty one, for validation to find. */
function podParts({ plural }: ResourceType, { spec, status }: Unwritten): object {
  if (plural !== "pods") return {};
  const { containers, ...rest } = isRecord(spec) ? spec : {};
  return { spec: { containers: containers ?? [], ...rest }, status: status ?? {} };
}

/** Name and status, and what a Secret's stringData becomes. */
function prepared(resource: ResourceType, object: KubeObject): KubeObject {
  const { name, generateName: stem } = object.metadata;
  const named = name || (stem ? generateName(stem) : undefined);
  const metadata = { ...object.metadata, ...(named !== undefined && { name: named }) };
  switch (resource.plural) {
    case "pods": {
      const status = { phase: "Pending", qosClass: qosClassOf((object as unknown as Pod).spec) };
      return { ...object, metadata, status };
    }
    case "namespaces": {
      const labels = { ...metadata.labels, "kubernetes.io/metadata.name": named ?? "" };
      return { ...object, metadata: { ...metadata, labels }, status: { phase: "Active" } };
    }
    case "secrets": {
      const { stringData, ...rest } = object;
      const strings = Object.entries((stringData ?? {}) as Record<string, string>);
      const encoded = strings.map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
      const data = { ...(fieldAt(object, "data") as object | undefined), ...Object.fromEntries(encoded) };
      return { ...rest, metadata, type: object["type"] ?? "Opaque", data };
    }
    default:
      return { ...object, metadata };
  }
}

/** What controllers give every namespace. */
function furnishNamespace({ store, rootCaPem }: CreationDeps, namespace: string): void {
  store.create("serviceaccounts", { metadata: { name: "default", namespace } });
  store.create("configmaps", { metadata: { name: "kube-root-ca.crt", namespace }, data: { "ca.crt": rootCaPem() } });
}

/** For objects that are there before anybody asks. */
export function furnishCluster(deps: CreationDeps): void {
  for (const name of ["default", "kube-system"]) {
    const object: KubeObject = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    deps.store.create("namespaces", prepared(resourceNamed("namespaces"), object));
    furnishNamespace(deps, name);
  }
}
