// PUT, PATCH and DELETE of an existing object.

import { isDeepStrictEqual } from "node:util";
import { hasFinished, type Pod } from "../../src/kubernetes/objects.ts";
import { formatSeconds } from "../../src/runtime/clock.ts";
import { isObject } from "../../src/runtime/json-object.ts";
import { invalidValue } from "./invalid-fields.ts";
import { fieldAt, type KubeObject } from "./objects.ts";
import { applyPatch } from "./patch.ts";
import type { RequestInfo } from "./request-info.ts";
import { RESOURCES } from "./resources.ts";
import { badRequest, conflictError, invalidError } from "./status.ts";
import type { Store } from "./store.ts";
import { decodeObject, validateChange, validateStatus } from "./validation.ts";

/** What changes to objects need. */
export interface ChangeDeps {
  readonly store: Store;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Reports whether the user may sign with this name; a change of the status of a PodCertificateRequest needs it. */
  readonly maySign: (signerName: string) => boolean;
}

/** Handles PUT. Throws Conflict if resourceVersion or uid of the body differs from the stored one. */
export function updateObject(deps: ChangeDeps, info: RequestInfo, body: unknown): KubeObject {
  decodeObject(info.resource, body);
  return writeChange(deps, info, body as KubeObject);
}

/** Handles PATCH. A patch that sets metadata.resourceVersion uses it as a lock, like an update. */
export function patchObject(deps: ChangeDeps, info: RequestInfo, patch: unknown, contentType: string): KubeObject {
  const { resource, namespace, name = "" } = info;
  const after = applyPatch(deps.store.get(resource.plural, namespace, name), patch, contentType);
  decodeObject(resource, after);
  return writeChange(deps, info, after);
}

function writeChange({ store, now, maySign }: ChangeDeps, info: RequestInfo, given: KubeObject): KubeObject {
  const { resource, subresource, namespace, name = "", query } = info;
  const before = store.get(resource.plural, namespace, name);
  const { metadata } = given;
  if (metadata.name !== undefined && metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
  if (metadata.uid !== undefined && metadata.uid !== before.metadata.uid) {
    const cause = invalidValue("metadata.uid", metadata.uid, "field is immutable");
    throw invalidError(resource, name, [cause]);
  }
  const { name: _name, namespace: _namespace, ...rest } = metadata;
  const place = { name, ...(namespace !== undefined && { namespace }) };
  const after = { ...given, ...unchangedPart(info, before), metadata: { ...rest, ...place } };
  const isSame = isDeepStrictEqual(withoutVersion(after), withoutVersion(before));
  const isLocked =
    metadata.resourceVersion !== undefined && metadata.resourceVersion !== before.metadata.resourceVersion;
  // As in etcd's transaction, a lost race is found before the new object is validated.
  if (isLocked && !isSame) throw conflictError(resource, name);
  if (subresource === undefined) validateChange(resource, before, after);
  else if (subresource === "status") validateStatus(resource, before, after, { maySign, now: now() });
  // A write that changes nothing creates no event; one that lost its race is a conflict nevertheless.
  if ((isSame && !isLocked) || query.get("dryRun") === "All") return isSame ? before : after;
  return store.replace(resource.plural, after);
}

/** The main resource cannot change status, and the status subresource cannot change anything else. */
function unchangedPart({ resource, subresource }: RequestInfo, before: KubeObject): object {
  if (!resource.subresources.includes("status")) return {};
  if (subresource === "status") return { spec: before["spec"] };
  return before["status"] === undefined ? {} : { status: before["status"] };
}

function withoutVersion({ metadata, ...rest }: KubeObject): object {
  const { resourceVersion: _version, creationTimestamp: _at, uid: _uid, ...own } = metadata;
  return { ...rest, metadata: own };
}

/**
 * Handles DELETE. A pod on a node stays, marked for deletion, until its kubelet deletes it with a grace period of 0.
 */
export function deleteObject(
  { store, now }: Pick<ChangeDeps, "store" | "now">,
  info: RequestInfo,
  body: unknown,
): KubeObject {
  const { resource, namespace, name = "", query } = info;
  const object = store.get(resource.plural, namespace, name);
  const uid = fieldAt(body, "preconditions.uid");
  if (typeof uid === "string" && uid !== object.metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${object.metadata.uid}). The object might have been deleted and then recreated`;
    throw conflictError(resource, name, why);
  }
  if (query.get("dryRun") === "All") return object;
  const requested = query.get("gracePeriodSeconds") ?? fieldAt(body, "gracePeriodSeconds");
  const graceSeconds = Number(requested ?? fieldAt(object, "spec.terminationGracePeriodSeconds") ?? 0);
  const isRunning = resource.plural === "pods" && fieldAt(object, "spec.nodeName") && !hasFinished(object as Pod);
  if (isRunning && graceSeconds > 0) return markDeleted(store, object, now() + graceSeconds * 1000, graceSeconds);
  if (resource.plural === "namespaces") emptyNamespace(store, name);
  return store.remove(resource.plural, namespace, name);
}

function markDeleted(store: Store, pod: KubeObject, endsAt: number, graceSeconds: number): KubeObject {
  if (pod.metadata.deletionTimestamp !== undefined) return pod;
  const marks = { deletionTimestamp: formatSeconds(endsAt), deletionGracePeriodSeconds: graceSeconds };
  return store.replace("pods", { ...pod, metadata: { ...pod.metadata, ...marks } });
}

/** Deletes the objects of a namespace at once; a real cluster takes a while. */
function emptyNamespace(store: Store, namespace: string): void {
  for (const { plural, isNamespaced: namespaced, isVirtual: virtual } of RESOURCES) {
    if (!namespaced || virtual) continue;
    for (const { metadata } of store.list(plural, namespace)) store.remove(plural, namespace, metadata.name ?? "");
  }
}

/** Handles POST pods/NAME/binding, a scheduler's request. */
export function bindPod(
  { store }: Pick<ChangeDeps, "store">,
  { namespace, name = "", resource }: RequestInfo,
  body: unknown,
): void {
  if (fieldAt(body, "metadata.name") !== name) throw badRequest("name in URL does not match name in Binding object");
  const pod = store.get("pods", namespace, name);
  const nodeName = fieldAt(body, "target.name");
  if (typeof nodeName !== "string" || !isObject(pod["spec"])) throw badRequest("target.name: Required value");
  const present = fieldAt(pod, "spec.nodeName");
  if (present)
    throw conflictError(resource, name, `pod ${name} is already assigned to node ${JSON.stringify(present)}`);
  store.replace("pods", { ...pod, spec: { ...pod["spec"], nodeName } });
}
