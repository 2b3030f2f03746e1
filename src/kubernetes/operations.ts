// The Kubernetes interface as requests. Writes are JSON patches of single fields that name the resourceVersion they were
// made for: labels, annotations and what other tools set survive, and a race ends in 409 instead of a lost update.
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../runtime/clock.ts";
import { Secret } from "../runtime/secret.ts";
import type { Birth, Kubernetes, KubeSecret, Resource, Selector, TokenReview } from "./api.ts";
import { toCoreEvent } from "./core-event.ts";
import { createListWatch } from "./list-watch.ts";
import type { ObjectMeta } from "./objects.ts";
import { pathOf } from "./paths.ts";
import type { Requester } from "./request.ts";
import { readWebhookConfiguration, type WebhookConfigurationBody } from "./webhook-configuration.ts";

const NOT_FOUND = 404;
/** Both "it exists already" (create) and "it is not at this resourceVersion" (patch). */
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

export function createOperations({
  requester,
  clock,
  component,
}: {
  readonly requester: Requester;
  readonly clock: Clock;
  /** Who reports the Events. */
  readonly component: string;
}): Kubernetes {
  async function get<Body>(resource: Resource, name: string, namespace?: string): Promise<Body | undefined> {
    const place = { name, ...(namespace !== undefined && { namespace }) };
    const asked = { verb: "get", resource, ...place } as const;
    const body = await requester.request<Body>(asked, { path: pathOf(resource, place) }, [NOT_FOUND]);
    return typeof body === "number" ? undefined : body;
  }

  async function create<Body>(
    resource: Resource,
    body: { metadata?: ObjectMeta; [field: string]: unknown },
  ): Promise<Body | "exists"> {
    const { name, namespace } = body.metadata ?? {};
    const path = pathOf(resource, namespace === undefined ? {} : { namespace });
    const asked = { verb: "create", resource, name, namespace } as const;
    const answer = await requester.request<Body>(asked, { path, body }, [CONFLICT]);
    return typeof answer === "number" ? "exists" : answer;
  }

  /** Writes `operations` if the object is still at `resourceVersion`. */
  async function patch(
    resource: Resource,
    { name, namespace, resourceVersion }: { name: string; namespace?: string; resourceVersion: string },
    operations: readonly PatchOperation[],
  ): Promise<"patched" | "conflict"> {
    const place = { name, ...(namespace !== undefined && { namespace }) };
    const lock: PatchOperation = { op: "replace", path: "/metadata/resourceVersion", value: resourceVersion };
    const answer = await requester.request<object>(
      { verb: "patch", resource, ...place },
      { path: pathOf(resource, place), body: [lock, ...operations] },
      [NOT_FOUND, CONFLICT],
    );
    return typeof answer === "number" ? "conflict" : "patched";
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
    async createSecret(namespace, name, data, birth) {
      const metadata = { name, namespace, ...metadataOf(birth) };
      const body = { apiVersion: "v1", kind: "Secret", type: "Opaque", metadata, data: encodeSecrets(data) };
      return (await create("secrets", body)) === "exists" ? "exists" : "created";
    },
    async replaceSecret(namespace, name, data, resourceVersion) {
      const operation = { op: "add", path: "/data", value: encodeSecrets(data) } as const;
      const answer = await patch("secrets", { namespace, name, resourceVersion }, [operation]);
      return answer === "conflict" ? "conflict" : "replaced";
    },

    async getConfigMap(namespace, name) {
      const body = await get<ConfigMap>("configmaps", name, namespace);
      return body && (body.data ?? {});
    },
    async putConfigMap(namespace, name, data, birth) {
      const present = await get<ConfigMap>("configmaps", name, namespace);
      if (present === undefined) {
        const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, ...metadataOf(birth) }, data };
        if ((await create("configmaps", body)) !== "exists") return;
      } else {
        if (isDeepStrictEqual(present.data ?? {}, data)) return;
        const at = { namespace, name, resourceVersion: present.metadata.resourceVersion ?? "" };
        if ((await patch("configmaps", at, [{ op: "add", path: "/data", value: data }])) !== "conflict") return;
      }
      // Another replica was faster. Each of its writes ends one race, so this ends.
      await kubernetes.putConfigMap(namespace, name, data, birth);
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
      const asked = { verb: "get", resource: "version" } as const;
      const body = await requester.request<{ major: string; minor: string }>(asked, { path: "/version" });
      const { major, minor } = body as { major: string; minor: string };
      // Distributions append to the minor: "33+".
      return { major: Number.parseInt(major, 10), minor: Number.parseInt(minor, 10) };
    },
  };
  return kubernetes;
}

/** Go leaves empty fields out. */
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

/** Without blockOwnerDeletion: that would need a permission on the owner, and nobody waits for this object to go. */
function metadataOf({ labels, owners = [] }: Birth = {}): Pick<ObjectMeta, "labels" | "ownerReferences"> {
  return {
    ...(labels && { labels: { ...labels } }),
    ...(owners.length > 0 && { ownerReferences: owners.map((owner) => ({ ...owner })) }),
  };
}

function encodeSecrets(data: Readonly<Record<string, Secret>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, secret]) => [key, Buffer.from(secret.reveal()).toString("base64")]),
  );
}

function fromBase64(text: string): string {
  return Buffer.from(text, "base64").toString();
}
