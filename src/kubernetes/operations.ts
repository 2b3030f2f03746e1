// Implements the Kubernetes interface with requests. Writes are JSON patches of single fields that carry the expected
// resourceVersion: labels, annotations and fields of other tools survive, and a race ends in 409 instead of a lost
// update.
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../runtime/clock.ts";
import { Secret } from "../runtime/secret.ts";
import type { CreationMetadata, Kubernetes, KubeSecret, Resource, SecretData, Selector, TokenReview } from "./api.ts";
import { toCoreEvent } from "./core-event.ts";
import { createListWatch } from "./list-watch.ts";
import type { ObjectMeta } from "./objects.ts";
import { pathOf } from "./paths.ts";
import type { Requester } from "./request.ts";
import { readWebhookConfiguration, type WebhookConfigurationBody } from "./webhook-configuration.ts";

const NOT_FOUND = 404;
/** Both "already exists" (create) and "not at this resourceVersion" (patch). */
const CONFLICT = 409;

interface ConfigMap {
  readonly metadata: ObjectMeta;
  readonly data?: Readonly<Record<string, string>>;
}

interface PatchOperation {
  readonly op: "add" | "replace";
  readonly path: string;
  readonly value: unknown;
}

/** Creates the calls of podrole's programs on top of a requester. */
export function createOperations({
  requester,
  clock,
  component,
}: {
  readonly requester: Requester;
  readonly clock: Clock;
  /** The reporting component of Events. */
  readonly component: string;
}): Kubernetes {
  async function get<Body>(resource: Resource, name: string, namespace?: string): Promise<Body | undefined> {
    const place = { name, ...(namespace !== undefined && { namespace }) };
    const info = { verb: "get", resource, ...place } as const;
    const body = await requester.request<Body>(info, { path: pathOf(resource, place) }, [NOT_FOUND]);
    return typeof body === "number" ? undefined : body;
  }

  async function create<Body>(
    resource: Resource,
    body: { metadata?: ObjectMeta; [field: string]: unknown },
  ): Promise<Body | "exists"> {
    const { name, namespace } = body.metadata ?? {};
    const path = pathOf(resource, namespace === undefined ? {} : { namespace });
    const info = { verb: "create", resource, name, namespace } as const;
    const result = await requester.request<Body>(info, { path, body }, [CONFLICT]);
    return typeof result === "number" ? "exists" : result;
  }

  /** Writes `operations` if the object is still at `resourceVersion`. */
  async function patch(
    resource: Resource,
    { name, namespace, resourceVersion }: { name: string; namespace?: string; resourceVersion: string },
    operations: readonly PatchOperation[],
  ): Promise<"patched" | "conflict"> {
    const place = { name, ...(namespace !== undefined && { namespace }) };
    const lock: PatchOperation = { op: "replace", path: "/metadata/resourceVersion", value: resourceVersion };
    const result = await requester.request<object>(
      { verb: "patch", resource, ...place },
      { path: pathOf(resource, place), body: [lock, ...operations] },
      [NOT_FOUND, CONFLICT],
    );
    return typeof result === "number" ? "conflict" : "patched";
  }

  const kubernetes: Kubernetes = {
    async reviewToken(token, audience) {
      const spec = { token: token.reveal(), audiences: [audience] };
      const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec };
      const review = await create<{ status?: TokenReviewStatus }>("tokenreviews", body);
      return readReview(review === "exists" ? undefined : review.status);
    },

    getPod: (namespace, name) => get("pods", name, namespace),
    getNamespace: (name) => get("namespaces", name),
    getServiceAccount: (namespace, name) => get("serviceaccounts", name, namespace),

    async getSecret(namespace, name): Promise<KubeSecret | undefined> {
      const body = await get<{ metadata: ObjectMeta; data?: Record<string, string> }>("secrets", name, namespace);
      if (body === undefined) return undefined;
      const data = Object.entries(body.data ?? {}).map(([key, value]) => [key, new Secret(fromBase64(value))]);
      return { metadata: body.metadata, data: Object.fromEntries(data) };
    },
    async createSecret(namespace, name, data, creation) {
      const metadata = { name, namespace, ...metadataOf(creation) };
      const body = { apiVersion: "v1", kind: "Secret", type: "Opaque", metadata, data: encodeSecrets(data) };
      return (await create("secrets", body)) === "exists" ? "exists" : "created";
    },
    async replaceSecret(namespace, name, data, resourceVersion) {
      const operation = { op: "add", path: "/data", value: encodeSecrets(data) } as const;
      const result = await patch("secrets", { namespace, name, resourceVersion }, [operation]);
      return result === "conflict" ? "conflict" : "replaced";
    },

    async getConfigMap(namespace, name) {
      const body = await get<ConfigMap>("configmaps", name, namespace);
      return body && (body.data ?? {});
    },
    async putConfigMap(namespace, name, data, creation) {
      const present = await get<ConfigMap>("configmaps", name, namespace);
      if (present === undefined) {
        const body = {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name, namespace, ...metadataOf(creation) },
          data,
        };
        if ((await create("configmaps", body)) !== "exists") return;
      } else {
        if (isDeepStrictEqual(present.data ?? {}, data)) return;
        const at = { namespace, name, resourceVersion: present.metadata.resourceVersion ?? "" };
        if ((await patch("configmaps", at, [{ op: "add", path: "/data", value: data }])) !== "conflict") return;
      }
      // Another replica was faster. Each of its writes settles one race, so the recursion ends.
      await kubernetes.putConfigMap(namespace, name, data, creation);
    },

    async getWebhookConfiguration(name) {
      const body = await get<WebhookConfigurationBody>("mutatingwebhookconfigurations", name);
      return body && readWebhookConfiguration(body);
    },
    async setCaBundle(name, caBundlePem) {
      const present = await kubernetes.getWebhookConfiguration(name);
      if (present === undefined) return "absent";
      const value = Buffer.from(caBundlePem).toString("base64");
      const operations = present.webhooks.flatMap(({ caBundle }, index) =>
        caBundle === caBundlePem
          ? []
          : [{ op: "add", path: `/webhooks/${index}/clientConfig/caBundle`, value } as const],
      );
      if (operations.length === 0) return "unchanged";
      const at = { name, resourceVersion: present.resourceVersion };
      return (await patch("mutatingwebhookconfigurations", at, operations)) === "conflict" ? "conflict" : "changed";
    },

    async recordEvent(event) {
      await create("events", toCoreEvent(event, component, clock.now()));
    },

    source: <Item>(resource: Resource, selector?: Selector) => createListWatch<Item>({ requester }, resource, selector),

    async serverVersion() {
      const info = { verb: "get", resource: "version" } as const;
      const body = await requester.request<{ major: string; minor: string }>(info, { path: "/version" });
      const { major, minor } = body as { major: string; minor: string };
      // Distributions append a plus sign to the minor version: "33+".
      return { major: Number.parseInt(major, 10), minor: Number.parseInt(minor, 10) };
    },
  };
  return kubernetes;
}

/** Go omits empty fields. */
interface TokenReviewStatus {
  readonly authenticated?: boolean;
  readonly audiences?: readonly string[];
  readonly error?: string;
  readonly user?: {
    readonly username?: string;
    readonly uid?: string;
    readonly extra?: Record<string, readonly string[]>;
  };
}

function readReview({ authenticated, audiences, error, user }: TokenReviewStatus = {}): TokenReview {
  return {
    authenticated: authenticated === true,
    audiences: audiences ?? [],
    username: user?.username ?? "",
    uid: user?.uid ?? "",
    extra: user?.extra ?? {},
    error: error ?? "",
  };
}

/**
 * No blockOwnerDeletion: it would need update permission on the owner's finalizers, and nothing waits for this object's
 * deletion.
 */
function metadataOf({ labels, owners = [] }: CreationMetadata = {}): Pick<ObjectMeta, "labels" | "ownerReferences"> {
  return {
    ...(labels && { labels: { ...labels } }),
    ...(owners.length > 0 && { ownerReferences: owners.map((owner) => ({ ...owner })) }),
  };
}

function encodeSecrets(data: SecretData): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [
      key,
      Buffer.from(typeof value === "string" ? value : value.reveal()).toString("base64"),
    ]),
  );
}

function fromBase64(text: string): string {
  return Buffer.from(text, "base64").toString();
}
