// The envelope of admission: AdmissionReview v1 in, AdmissionReview v1 out. What comes in is any JSON until this file
// has looked at it; the object inside is looked at by plan.ts.
// (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#webhook-request-and-response)
import type { Refusal } from "../protocol/errors.ts";
import type { Operation } from "./patch.ts";
import { isObject } from "../injection/shape.ts";

export interface AdmissionRequest {
  readonly uid: string;
  /** True for the creation of a pod; every other request is let through as it is. */
  readonly createsPod: boolean;
  readonly namespace: string;
  readonly user: { readonly name: string; readonly groups: readonly string[] };
  readonly dryRun: boolean;
  /** The pod, or whatever else the API server sent in its place. */
  readonly object: unknown;
}

/** Without `uid` there is nobody to answer but the HTTP client. */
export type ReadReview =
  | { readonly ok: true; readonly request: AdmissionRequest }
  | { readonly ok: false; readonly uid: string | undefined; readonly refusal: Refusal };

export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
  /** Why not; `reason` is a code of docs/errors.md, which kubectl prints in brackets. */
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  readonly patch?: readonly Operation[];
}

const API_VERSION = "admission.k8s.io/v1";
const KIND = "AdmissionReview";

export function readReview(body: unknown): ReadReview {
  if (!isObject(body) || body["kind"] !== KIND || body["apiVersion"] !== API_VERSION) {
    return unreadable(undefined, `it is not a ${KIND}, wanted kind ${KIND} of ${API_VERSION}`);
  }
  const { request } = body;
  if (!isObject(request)) return unreadable(undefined, "it has no request, wanted one");
  const uid = request["uid"];
  if (typeof uid !== "string" || uid === "") return unreadable(undefined, "its request has no uid, wanted one");

  const common = {
    uid,
    namespace: text(request["namespace"]),
    user: userOf(request["userInfo"]),
    object: request["object"],
  };
  const dryRun = request["dryRun"] === true;
  if (request["operation"] !== "CREATE" || text(request["subResource"]) !== "") {
    return { ok: true, request: { ...common, dryRun, createsPod: false } };
  }
  if (!isPodKind(request["kind"])) return unreadable(uid, "its object is of another kind, wanted a Pod of v1");
  if (!isObject(common.object)) return unreadable(uid, "it has no object, wanted a Pod");
  if (!isPodObject(common.object)) return unreadable(uid, "its object is not a Pod, wanted a Pod of v1");
  if (common.namespace === "") return unreadable(uid, "its request has no namespace, wanted the pod's");
  return { ok: true, request: { ...common, dryRun, createsPod: true } };
}

/** The body of the answer. The API server wants the patch in base64. */
export function formatReview({ patch, ...response }: AdmissionResponse): Readonly<Record<string, unknown>> {
  const patched = patch &&
    patch.length > 0 && { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") };
  return { apiVersion: API_VERSION, kind: KIND, response: { ...response, ...patched } };
}

function unreadable(uid: string | undefined, state: string): ReadReview {
  return { ok: false, uid, refusal: { code: "REQUEST_INVALID", message: `Cannot read the AdmissionReview: ${state}` } };
}

/** `request.kind` is what the object was converted to for this webhook (matchPolicy: Equivalent). */
function isPodKind(kind: unknown): boolean {
  return isObject(kind) && text(kind["group"]) === "" && kind["version"] === "v1" && kind["kind"] === "Pod";
}

function isPodObject({ kind = "Pod", apiVersion = "v1" }: Record<string, unknown>): boolean {
  return kind === "Pod" && apiVersion === "v1";
}

function userOf(userInfo: unknown): AdmissionRequest["user"] {
  const { username, groups } = isObject(userInfo) ? userInfo : {};
  return {
    name: text(username),
    groups: Array.isArray(groups) ? groups.filter((group): group is string => typeof group === "string") : [],
  };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
