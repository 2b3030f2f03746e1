// Mutating admission of a creation as the API server runs it: its own plugin, the webhooks in order, and, if a webhook
// changed the object, one more round for the plugin and for webhooks that request reinvocation.
// (k8s.io/apiserver pkg/admission/plugin/webhook/mutating/dispatcher.go, plugin reinvocation)
import { isDeepStrictEqual } from "node:util";
import type { UserInfo } from "./access.ts";
import type { KubeObject } from "./objects.ts";
import { applyJsonPatch, PatchError } from "./patch.ts";
import { withPodDefaults } from "./pod-defaults.ts";
import type { ResourceType } from "./resources.ts";
import { withServiceAccount } from "./service-account-admission.ts";
import { internalError, StatusError } from "./status.ts";
import type { Store } from "./store.ts";
import { type WebhookCaller, WebhookFailure, type WebhookResponse } from "./webhook-call.ts";
import { type ConfiguredWebhook, isSelected, webhooksFor } from "./webhooks.ts";

/** What mutating admission needs. */
export interface AdmissionDeps {
  readonly store: Store;
  readonly caller: WebhookCaller;
  /** Whether pods get the volume with the API token. */
  readonly mountTokens: boolean;
}

/** A creation on its way through admission. */
export interface Creation {
  readonly resource: ResourceType;
  readonly object: KubeObject;
  readonly user: UserInfo;
  readonly dryRun: boolean;
}

/**
 * Warnings for the client and annotations for the audit log. They are collected on the way and used even if the
 * creation fails in the end.
 */
export interface AdmissionNotes {
  readonly warnings: string[];
  readonly annotations: Record<string, string>;
}

interface Round {
  readonly number: 0 | 1;
  /** Webhooks that are called in this round; undefined: all of them. */
  readonly only: ReadonlySet<ConfiguredWebhook> | undefined;
}

/** Returns the object to store. Throws StatusError if a webhook or the plugin refuses it. */
export async function admit(
  { store, caller, mountTokens }: AdmissionDeps,
  creation: Creation,
  notes: AdmissionNotes,
): Promise<KubeObject> {
  const { resource } = creation;
  const inTree = (object: KubeObject) =>
    resource.plural === "pods" ? withPodDefaults(withServiceAccount({ store, mountTokens }, object)) : object;
  const webhooks = webhooksFor(store, resource);

  /** Runs the webhooks once. Returns the object afterwards and the webhooks to invoke again. */
  async function pass(object: KubeObject, { number, only }: Round) {
    const seen = new Set<ConfiguredWebhook>();
    const again = new Set<ConfiguredWebhook>();
    let current = object;
    let anyChange = false;
    for (const [index, webhook] of webhooks.entries()) {
      if (only && !only.has(webhook)) continue;
      if (!isSelected(store, webhook, resource, current)) continue;
      const after = await callOne(webhook, current, { round: number, index });
      const isChanged = !isDeepStrictEqual(after, current);
      if (isChanged) for (const earlier of seen) again.add(earlier);
      anyChange ||= isChanged;
      if (webhook.reinvocationPolicy === "IfNeeded") seen.add(webhook);
      current = after;
    }
    return { object: current, seen, again, anyChange };
  }

  async function callOne(
    webhook: ConfiguredWebhook,
    object: KubeObject,
    { round, index }: { readonly round: number; readonly index: number },
  ): Promise<KubeObject> {
    const place = `round_${round}_index_${index}`;
    const { configuration, name } = webhook;
    let after = object;
    try {
      if (creation.dryRun && !["None", "NoneOnDryRun"].includes(webhook.sideEffects ?? "")) throw noDryRun(name);
      const response = await caller.call(webhook, reviewOf({ ...creation, object }));
      takeAsides(webhook, response, notes);
      if (!response.allowed) throw denialError(name, response.status);
      after = applyWebhookPatch(object, response, resource);
    } catch (error) {
      if (!(error instanceof WebhookFailure)) throw error;
      if (webhook.failurePolicy !== "Ignore") throw internalError(`failed calling webhook "${name}": ${error.message}`);
      notes.annotations[`failed-open.mutation.webhook.admission.k8s.io/${place}`] = name;
    } finally {
      const mutated = !isDeepStrictEqual(after, object);
      notes.annotations[`mutation.webhook.admission.k8s.io/${place}`] = JSON.stringify({
        configuration,
        webhook: name,
        mutated,
      });
    }
    return after;
  }

  const first = await pass(inTree(creation.object), { number: 0, only: undefined });
  if (!first.anyChange) return first.object;
  const reviewed = inTree(first.object);
  // If the API server's own plugin changed the object, every webhook that requests reinvocation runs again, even the
  // last one.
  const only = isDeepStrictEqual(reviewed, first.object) ? first.again : first.seen;
  const second = await pass(reviewed, { number: 1, only });
  return second.object;
}

function reviewOf({ resource, object, user, dryRun }: Creation): Record<string, unknown> {
  const { group, version, plural, kind } = resource;
  const { name, namespace } = object.metadata;
  return {
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    request: {
      kind: { group, version, kind },
      resource: { group, version, resource: plural },
      requestKind: { group, version, kind },
      requestResource: { group, version, resource: plural },
      // With generateName the name is generated after admission.
      ...(name !== undefined && { name }),
      ...(namespace !== undefined && { namespace }),
      operation: "CREATE",
      userInfo: user,
      object,
      oldObject: null,
      dryRun,
      options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1" },
    },
  };
}

function takeAsides({ name }: ConfiguredWebhook, response: WebhookResponse, notes: AdmissionNotes): void {
  notes.warnings.push(...(response.warnings ?? []));
  for (const [key, value] of Object.entries(response.auditAnnotations ?? {})) {
    // The first value of a key is kept (audit.AddAuditAnnotation).
    notes.annotations[`${name}/${key}`] ??= value;
  }
}

function applyWebhookPatch(object: KubeObject, { patch }: WebhookResponse, resource: ResourceType): KubeObject {
  if (patch === undefined || patch === "") return object;
  let operations: unknown;
  try {
    operations = JSON.parse(Buffer.from(patch, "base64").toString());
  } catch {
    throw new WebhookFailure("received undecodable patch in webhook response: invalid JSON");
  }
  try {
    const after = applyJsonPatch(object, operations);
    return resource.plural === "pods" ? withPodDefaults(after) : after;
  } catch (error) {
    // failurePolicy does not apply to a patch that does not fit.
    throw error instanceof PatchError ? internalError(error.message) : error;
  }
}

/** A denial keeps the webhook's code, but is always an error (ToStatusErr). */
function denialError(
  webhook: string,
  { code = 0, reason = "", message = "" }: WebhookResponse["status"] = {},
): StatusError {
  const why = message || reason;
  const denied = `admission webhook "${webhook}" denied the request`;
  return new StatusError(
    Math.max(code, 400),
    reason,
    why === "" ? `${denied} without explanation` : `${denied}: ${why}`,
  );
}

function noDryRun(webhook: string): StatusError {
  return new StatusError(400, "BadRequest", `admission webhook "${webhook}" does not support dry run`);
}
