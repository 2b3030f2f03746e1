// Dispatches an authorized request to the part of the emulator that handles it.

import { isObject } from "../../src/runtime/json-object.ts";
import type { Access, UserInfo } from "./access.ts";
import { createAccessReview } from "./access-reviews.ts";
import type { AdmissionNotes } from "./admission.ts";
import { bindPod, deleteObject, patchObject, updateObject } from "./change.ts";
import { type CreationDeps, createObject } from "./creation.ts";
import type { Lists } from "./lists.ts";
import type { KubeObject } from "./objects.ts";
import type { RequestInfo } from "./request-info.ts";
import type { ServiceAccountTokens } from "./service-account-tokens.ts";
import { badRequest, methodNotSupported } from "./status.ts";
import type { NewObject } from "./store.ts";
import { createTokenRequest, createTokenReview } from "./token-requests.ts";

/** What the API reads and changes. */
export interface ApiDeps extends CreationDeps {
  readonly lists: Lists;
  readonly tokens: ServiceAccountTokens;
  readonly access: Access;
}

/** A request after authentication and authorization. */
export interface ApiRequest {
  readonly info: RequestInfo;
  readonly user: UserInfo;
  /** Parsed JSON; undefined without a body. */
  readonly body: unknown;
  readonly contentType: string;
}

/** A response before it is encoded. */
export interface ApiResponse {
  readonly code: number;
  readonly body: object;
}

/** Handles everything except watches. Throws StatusError. */
export async function handleApiRequest(
  deps: ApiDeps,
  request: ApiRequest,
  notes: AdmissionNotes,
): Promise<ApiResponse> {
  const { info, user, body, contentType } = request;
  const { resource, namespace, name = "" } = info;
  const changes = { ...deps, maySign: (signerName: string) => deps.access.maySign(user, signerName) };
  switch (info.verb) {
    case "list":
      return { code: 200, body: deps.lists.list(info) };
    case "get":
      return { code: 200, body: deps.store.get(resource.plural, namespace, name) };
    case "create":
      return handleCreate(deps, request, notes);
    case "update":
      return { code: 200, body: updateObject(changes, info, body) };
    case "patch":
      return { code: 200, body: patchObject(changes, info, body, contentType) };
    case "delete":
      return { code: 200, body: deleteObject(deps, info, body) };
    case "watch":
      throw methodNotSupported();
  }
}

async function handleCreate(
  deps: ApiDeps,
  { info, user, body }: ApiRequest,
  notes: AdmissionNotes,
): Promise<ApiResponse> {
  const { resource, subresource, namespace = "", name = "" } = info;
  if (subresource === "binding") {
    bindPod(deps, info, body);
    return { code: 201, body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 } };
  }
  if (subresource === "token")
    return createdResponse(createTokenRequest(deps, { namespace, name }, asObject(body), notes));
  if (resource.plural === "tokenreviews") return createdResponse(createTokenReview(deps.tokens, asObject(body)));
  if (resource.group === "authorization.k8s.io")
    return createdResponse(createAccessReview(deps.access, asObject(body), user));
  if (subresource !== undefined) throw methodNotSupported();
  return createdResponse(await createObject(deps, info, body, user, notes));
}

function createdResponse(object: KubeObject): ApiResponse {
  return { code: 201, body: object };
}

function asObject(body: unknown): NewObject {
  if (!isObject(body)) throw badRequest("the object provided is unrecognized");
  return { ...body, metadata: isObject(body["metadata"]) ? body["metadata"] : {} };
}
