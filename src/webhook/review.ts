// The envelope of admission: AdmissionReview v1 in, AdmissionReview v1 out. This file validates the envelope, which may
// be any JSON value; plan.ts validates the object inside.
// (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#webhook-request-and-response)

import { type Refusal, refuse } from "../protocol/errors.ts";
import { isObject } from "../runtime/json-object.ts";
import { failure, type Result, success } from "../runtime/result.ts";
import type { CallerProof } from "./callers.ts";
import { findNameProblem } from "./review-names.ts";
import { findSizeProblem } from "./review-size.ts";

/** The request of an AdmissionReview, as far as the webhook reads it. */
export interface AdmissionRequest {
  readonly uid: string;
  /** True for the creation of a pod; every other request is allowed without a change. */
  readonly createsPod: boolean;
  readonly namespace: string;
  readonly user: { readonly name: string; readonly groups: readonly string[] };
  readonly dryRun: boolean;
  /** The pod if `createsPod`, of any shape; else whatever the API server sent. */
  readonly object: unknown;
  /** How the caller proved itself; absent: it did not. */
  readonly caller?: CallerProof;
}

/** Why a body cannot be read. Without `uid` this cannot be sent as an AdmissionReview, only as an HTTP error. */
export interface UnreadableReview {
  readonly uid: string | undefined;
  readonly refusal: Refusal;
}

/** The response of an AdmissionReview, with the patch not yet in base64. */
export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
  /** The reason for a denial; `reason` is a code of docs/errors.md, which kubectl prints in brackets. */
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  /** JSON text; absent or undefined when nothing changes. */
  readonly patch?: string | undefined;
}

const API_VERSION = "admission.k8s.io/v1";
const REVIEW_KIND = "AdmissionReview";
/** The API server sends a UUID; the uid is written into answer, log and audit. */
const UID_PATTERN = /^[\w.-]{1,128}$/;

/** Reads the body of a request to /mutate; returns REQUEST_INVALID for what is not the AdmissionReview of a pod. */
export function readAdmissionReview(body: unknown): Result<AdmissionRequest, UnreadableReview> {
  if (!isObject(body) || body["kind"] !== REVIEW_KIND || body["apiVersion"] !== API_VERSION) {
    return reviewUnreadable(undefined, `it has another kind or apiVersion; expected ${REVIEW_KIND} of ${API_VERSION}`);
  }
  const { request } = body;
  if (!isObject(request)) return reviewUnreadable(undefined, "request is missing; expected an object");
  const uid = request["uid"];
  if (typeof uid !== "string" || !UID_PATTERN.test(uid)) {
    return reviewUnreadable(undefined, "request.uid is not one; expected up to 128 letters, digits, dots and dashes");
  }

  const common = {
    uid,
    namespace: stringOrEmpty(request["namespace"]),
    user: readUser(request["userInfo"]),
    object: request["object"],
  };
  const namespaceProblem = findNameProblem(common.namespace, undefined);
  if (namespaceProblem !== undefined) return reviewUnreadable(uid, namespaceProblem);
  const dryRun = request["dryRun"] === true;
  if (request["operation"] !== "CREATE" || stringOrEmpty(request["subResource"]) !== "") {
    return success({ ...common, dryRun, createsPod: false });
  }
  if (!isPodKind(request["kind"])) return reviewUnreadable(uid, "request.kind is another kind; expected Pod of v1");
  if (!isObject(common.object)) return reviewUnreadable(uid, "request.object is missing; expected a Pod");
  if (!isPodObject(common.object)) return reviewUnreadable(uid, "request.object is another kind; expected a Pod of v1");
  if (common.namespace === "")
    return reviewUnreadable(uid, "request.namespace is missing; expected the pod's namespace");
  const sizeProblem = findSizeProblem(common.object);
  if (sizeProblem !== undefined) return reviewUnreadable(uid, sizeProblem);
  const nameProblem = findNameProblem(common.namespace, common.object);
  if (nameProblem !== undefined) return reviewUnreadable(uid, nameProblem);
  return success({ ...common, dryRun, createsPod: true });
}

/** Builds the body of the answer, with the patch in base64 as the API server expects it. */
export function formatReview({ patch, ...response }: AdmissionResponse): Readonly<Record<string, unknown>> {
  const patched = patch !== undefined && { patchType: "JSONPatch", patch: Buffer.from(patch).toString("base64") };
  return { apiVersion: API_VERSION, kind: REVIEW_KIND, response: { ...response, ...patched } };
}

function reviewUnreadable(uid: string | undefined, state: string): Result<AdmissionRequest, UnreadableReview> {
  return failure({ uid, refusal: refuse("REQUEST_INVALID", `Cannot read the AdmissionReview: ${state}`) });
}

/**
 * `request.kind` is the kind to which the API server converted the object for this webhook (matchPolicy: Equivalent).
 */
function isPodKind(kind: unknown): boolean {
  return isObject(kind) && stringOrEmpty(kind["group"]) === "" && kind["version"] === "v1" && kind["kind"] === "Pod";
}

function isPodObject({ kind = "Pod", apiVersion = "v1" }: Record<string, unknown>): boolean {
  return kind === "Pod" && apiVersion === "v1";
}

function readUser(userInfo: unknown): AdmissionRequest["user"] {
  const { username, groups } = isObject(userInfo) ? userInfo : {};
  return {
    name: stringOrEmpty(username),
    groups: Array.isArray(groups) ? groups.filter((group): group is string => typeof group === "string") : [],
  };
}

function stringOrEmpty(value: unknown): string {
  return typeof value === "string" ? value : "";
}
