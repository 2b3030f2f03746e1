// POST of an object: decoding, admission, name, validation, storage, in the API server's order. Webhooks receive
// neither uid nor a generated name, because both are set after them (registry/generic, rest.BeforeCreate).

import { randomUUID } from "node:crypto";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { formatSeconds } from "../../src/runtime/clock.ts";
import { isObject } from "../../src/runtime/json-object.ts";
import type { UserInfo } from "./access.ts";
import { type AdmissionDeps, type AdmissionNotes, admit } from "./admission.ts";
import { generateName } from "./names.ts";
import { fieldAt, type KubeObject } from "./objects.ts";
import { restrictNodeRequest, withRequestDefaults } from "./pod-certificate-requests.ts";
import { qosClassOf } from "./pod-defaults.ts";
import type { RequestInfo } from "./request-info.ts";
import { groupVersion, type ResourceType, resourceNamed } from "./resources.ts";
import { badRequest, StatusError } from "./status.ts";
import type { NewObject } from "./store.ts";
import { decodeObject, validateNew } from "./validation.ts";

/** What the creation of objects needs. */
export interface CreationDeps extends AdmissionDeps {
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Returns the content of kube-root-ca.crt in every namespace. */
  readonly rootCaPem: () => string;
}

/**
 * Returns the created object, or with dry run the object that would have been created. Throws StatusError; `notes` is
 * filled in either case.
 */
export async function createObject(
  deps: CreationDeps,
  { resource, namespace, query }: RequestInfo,
  body: unknown,
  user: UserInfo,
  notes: AdmissionNotes,
): Promise<KubeObject> {
  const { store } = deps;
  const given = placeObject(resource, namespace, body);
  // NamespaceLifecycle: an object needs its namespace, and a namespace that is being deleted accepts none.
  if (namespace !== undefined) store.get("namespaces", undefined, namespace);
  const dryRun = query.get("dryRun") === "All";
  const admitted = await admit(deps, { resource, object: given, user, dryRun }, notes);
  const object = prepareObject(resource, admitted);
  if (resource.plural === "podcertificaterequests") restrictNodeRequest(store, user, object);
  validateNew(resource, object);
  if (dryRun) {
    const metadata = { ...object.metadata, uid: randomUUID(), creationTimestamp: formatSeconds(deps.now()) };
    return { ...object, metadata };
  }
  const created = store.create(resource.plural, object);
  if (resource.plural === "namespaces") createNamespaceObjects(deps, created.metadata.name ?? "");
  return created;
}

/** Returns the object with the identity from the path. Throws BadRequest if the two differ. */
function placeObject(resource: ResourceType, namespace: string | undefined, body: unknown): KubeObject {
  decodeObject(resource, body);
  const object = body as NewObject;
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
  // Dropped: fields that only the API server sets.
  const { uid: _uid, resourceVersion, deletionTimestamp: _gone, creationTimestamp: _at, ...own } = metadata;
  if (resourceVersion) throw new StatusError(500, "", "resourceVersion should not be set on objects to be created");
  const placedMetadata = { ...own, ...(namespace !== undefined && { namespace }) };
  return { ...object, ...podParts(resource, object), apiVersion: version, kind, metadata: placedMetadata };
}

/** Go has no undefined: a pod without a spec has an empty one, which validation then refuses. */
function podParts({ plural }: ResourceType, { spec, status }: NewObject): object {
  if (plural !== "pods") return {};
  const { containers, ...rest } = isObject(spec) ? spec : {};
  return { spec: { containers: containers ?? [], ...rest }, status: status ?? {} };
}

/** Sets name and status, and converts a Secret's stringData. */
function prepareObject(resource: ResourceType, object: KubeObject): KubeObject {
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
    case "podcertificaterequests":
      return { ...withRequestDefaults(object), metadata };
    default:
      return { ...object, metadata };
  }
}

/** Creates what controllers create in every namespace. */
function createNamespaceObjects({ store, rootCaPem }: CreationDeps, namespace: string): void {
  store.create("serviceaccounts", { metadata: { name: "default", namespace } });
  store.create("configmaps", { metadata: { name: "kube-root-ca.crt", namespace }, data: { "ca.crt": rootCaPem() } });
}

/** Creates the objects of a new cluster. */
export function createInitialObjects(deps: CreationDeps): void {
  for (const name of ["default", "kube-system"]) {
    const object: KubeObject = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    deps.store.create("namespaces", prepareObject(resourceNamed("namespaces"), object));
    createNamespaceObjects(deps, name);
  }
}
