// Implements the Kubernetes interface with requests. Writes are JSON patches of single fields that carry the expected
// resourceVersion: labels, annotations and fields of other tools survive, and a race ends in 409 instead of a lost
// update.
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../runtime/clock.ts";
import { isObject, parseObject } from "../runtime/json-object.ts";
import { Secret, type SecretData } from "../runtime/secret.ts";
import type {
  AccessAttributes,
  CreationMetadata,
  Kubernetes,
  KubeSecret,
  Resource,
  ReviewedUser,
  Selector,
  TokenReview,
  WebhookConfiguration,
} from "./api.ts";
import { type Calls, CONFLICT, createCalls, NOT_FOUND } from "./calls.ts";
import { ownerEventObject, podEventObject } from "./core-event.ts";
import { ApiError, requestRejected } from "./errors.ts";
import { type Kubelet, kubeletOf, type NodeObject } from "./kubelets.ts";
import { readPages } from "./list-pages.ts";
import { createListWatch } from "./list-watch.ts";
import { isReadByMetadata } from "./metadata-only.ts";
import type { ClusterTrustBundle, ConfigMap, ObjectMeta } from "./objects.ts";
import { groupPathOf } from "./paths.ts";
import type { Requester } from "./request.ts";
import { readWebhookConfiguration, type WebhookConfigurationBody } from "./webhook-configuration.ts";

/** Each conflict means that another replica wrote, so a few attempts suffice; more conflicts have another cause. */
const MAX_PUT_ATTEMPTS = 5;
/** A node has 10 to 25 KB, most of it the names of its images. */
const NODES_PER_PAGE = 100;

/** Creates the calls of podrole's programs on top of a requester. */
export function createResourceCalls({
  requester,
  clock,
  component,
}: {
  readonly requester: Requester;
  readonly clock: Clock;
  /** The reporting component of Events. */
  readonly component: string;
}): Kubernetes {
  const calls = createCalls(requester);
  return {
    async reviewToken(token, audience) {
      const spec = { token: token.reveal(), audiences: [audience] };
      const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec };
      const review = await calls.create<{ status?: TokenReviewStatus }>("tokenreviews", body);
      return toTokenReview(review === "exists" ? undefined : review.status);
    },

    async reviewAccess(user: ReviewedUser, access: AccessAttributes) {
      const { username, uid, groups, extra } = user;
      const spec = { user: username, uid, groups, extra, ...access };
      const body = { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec };
      const review = await calls.create<{ status?: AccessReviewStatus }>("subjectaccessreviews", body);
      if (review === "exists") return false;
      // As the API server's own authorizers read it: a denial wins, and no opinion is a denial.
      return review.status?.allowed === true && review.status.denied !== true;
    },

    async getTokenKeys() {
      const info = { verb: "get", resource: "openid/v1/jwks" } as const;
      // A page, because the API server answers with a media type of its own and refuses a request for
      // "application/json".
      const { status, text } = await requester.page(info, { path: "/openid/v1/jwks" });
      const body = parseObject(text) ?? {};
      if (status !== 200) throw requestRejected(info, status, body);
      const { keys } = body;
      return Array.isArray(keys) ? keys.filter(isObject) : [];
    },

    getPod: (namespace, name) => calls.get("pods", name, namespace),
    getNamespace: (name) => calls.getMetadata("namespaces", name),
    getServiceAccount: (namespace, name) => calls.getMetadata("serviceaccounts", name, namespace),

    ...secretCalls(calls),
    ...configMapCalls(calls),
    ...webhookConfigurationCalls(calls),
    ...podCertificateCalls(calls),
    ...clusterCalls(requester),

    async recordEvent(event) {
      await calls.create("events", podEventObject(event, component, clock.now()));
    },
    async recordOwnerEvent(event) {
      const created = await calls.create("events", ownerEventObject(event, component, clock.now()));
      return created === "exists" ? "exists" : "recorded";
    },

    source: <Item>(resource: Resource, selector?: Selector) =>
      createListWatch<Item>({ requester }, resource, { ...selector, isMetadataOnly: isReadByMetadata(resource) }),
  };
}

function clusterCalls(requester: Requester): Pick<Kubernetes, "serverVersion" | "servesResource" | "listKubelets"> {
  return {
    async serverVersion() {
      const info = { verb: "get", resource: "version" } as const;
      const body = await requester.request<{ major: string; minor: string }>(info, { path: "/version" });
      const { major, minor } = body as { major: string; minor: string };
      // Distributions append a plus sign to the minor version: "33+".
      return { major: Number.parseInt(major, 10), minor: Number.parseInt(minor, 10) };
    },
    async servesResource(resource) {
      const info = { verb: "get", resource } as const;
      const page = await requester.request<GroupPage>(info, { path: groupPathOf(resource) }, [NOT_FOUND]);
      return typeof page !== "number" && (page.resources ?? []).some(({ name }) => name === resource);
    },
    async listKubelets(signal) {
      let kubelets: Kubelet[] = [];
      await readPages(
        createListWatch<NodeObject>({ requester }, "nodes"),
        { limit: NODES_PER_PAGE, signal },
        {
          onStart() {
            kubelets = [];
          },
          onPage: (nodes) => kubelets.push(...nodes.map(kubeletOf)),
        },
      );
      return kubelets;
    },
  };
}

/** metav1.APIResourceList. */
interface GroupPage {
  readonly resources?: readonly { readonly name: string }[];
}

function secretCalls(calls: Calls): Pick<Kubernetes, "getSecret" | "createSecret" | "replaceSecret"> {
  return {
    async getSecret(namespace, name): Promise<KubeSecret | undefined> {
      const body = await calls.get<{ metadata: ObjectMeta; data?: Record<string, string> }>("secrets", name, namespace);
      if (body === undefined) return undefined;
      const data = Object.entries(body.data ?? {}).map(([key, value]) => [key, new Secret(fromBase64(value))]);
      return { metadata: body.metadata, data: Object.fromEntries(data) };
    },
    async createSecret(namespace, name, data, creation) {
      const metadata = { name, namespace, ...metadataOf(creation) };
      const body = { apiVersion: "v1", kind: "Secret", type: "Opaque", metadata, data: encodeSecrets(data) };
      return (await calls.create("secrets", body)) === "exists" ? "exists" : "created";
    },
    async replaceSecret(namespace, name, data, resourceVersion) {
      const operation = { op: "add", path: "/data", value: encodeSecrets(data) } as const;
      const result = await calls.patch("secrets", { namespace, name, resourceVersion }, [operation]);
      return result === "conflict" ? "conflict" : "replaced";
    },
  };
}

function configMapCalls(calls: Calls): Pick<Kubernetes, "getConfigMap" | "putConfigMap" | "changeConfigMap"> {
  /** Undefined if another replica was faster. */
  async function tryChange(...[namespace, name, change, creation]: Parameters<Kubernetes["changeConfigMap"]>) {
    const present = await calls.get<ConfigMap>("configmaps", name, namespace);
    const data = change(present && (present.data ?? {}));
    if (present === undefined) {
      const metadata = { name, namespace, ...metadataOf(creation) };
      const created = await calls.create("configmaps", { apiVersion: "v1", kind: "ConfigMap", metadata, data });
      return created === "exists" ? undefined : data;
    }
    if (isDeepStrictEqual(present.data ?? {}, data)) return data;
    const at = { namespace, name, resourceVersion: present.metadata.resourceVersion ?? "" };
    const patched = await calls.patch("configmaps", at, [{ op: "add", path: "/data", value: data }]);
    return patched === "conflict" ? undefined : data;
  }
  const changeConfigMap: Kubernetes["changeConfigMap"] = async (...write) => {
    for (let attempt = 0; attempt < MAX_PUT_ATTEMPTS; attempt++) {
      const written = await tryChange(...write);
      if (written !== undefined) return written;
    }
    const [namespace, name] = write;
    const state = `another writer changed it during each of ${MAX_PUT_ATTEMPTS} attempts; expected one attempt without a conflict`;
    throw new ApiError(CONFLICT, "Conflict", `Cannot write configmap "${namespace}/${name}": ${state}`);
  };
  return {
    async getConfigMap(namespace, name) {
      const body = await calls.get<ConfigMap>("configmaps", name, namespace);
      return body && (body.data ?? {});
    },
    async putConfigMap(namespace, name, data, creation) {
      await changeConfigMap(namespace, name, () => data, creation);
    },
    changeConfigMap,
  };
}

function webhookConfigurationCalls(calls: Calls): Pick<Kubernetes, "getWebhookConfiguration" | "setCaBundle"> {
  const resource = "mutatingwebhookconfigurations";
  async function read(name: string): Promise<WebhookConfiguration | undefined> {
    const body = await calls.get<WebhookConfigurationBody>(resource, name);
    return body && readWebhookConfiguration(body);
  }
  return {
    getWebhookConfiguration: read,
    async setCaBundle(name, caBundlePem) {
      const present = await read(name);
      if (present === undefined) return "absent";
      const value = Buffer.from(caBundlePem).toString("base64");
      const operations = present.webhooks.flatMap(({ caBundle }, index) =>
        caBundle === caBundlePem
          ? []
          : [{ op: "add", path: `/webhooks/${index}/clientConfig/caBundle`, value } as const],
      );
      if (operations.length === 0) return "unchanged";
      const at = { name, resourceVersion: present.resourceVersion };
      return (await calls.patch(resource, at, operations)) === "conflict" ? "conflict" : "changed";
    },
  };
}

function podCertificateCalls(
  calls: Calls,
): Pick<Kubernetes, "getPodCertificateRequest" | "answerPodCertificateRequest" | "putClusterTrustBundle"> {
  const resource = "podcertificaterequests";
  return {
    async putClusterTrustBundle(name, signerName, bundlePem) {
      const bundles = "clustertrustbundles";
      const present = await calls.get<ClusterTrustBundle>(bundles, name);
      if (present === undefined) {
        const [apiVersion, kind] = ["certificates.k8s.io/v1", "ClusterTrustBundle"];
        const spec = { signerName, trustBundle: bundlePem };
        await calls.create(bundles, { apiVersion, kind, metadata: { name }, spec });
      } else if (present.spec.trustBundle !== bundlePem) {
        const at = { name, resourceVersion: present.metadata.resourceVersion ?? "" };
        await calls.patch(bundles, at, [{ op: "replace", path: "/spec/trustBundle", value: bundlePem }]);
      }
    },
    getPodCertificateRequest: (namespace, name) => calls.get(resource, name, namespace),
    async answerPodCertificateRequest({ metadata: { namespace = "", name = "", resourceVersion = "" } }, status) {
      const operation = { op: "add", path: "/status", value: status } as const;
      const result = await calls.patchStatus(resource, { namespace, name, resourceVersion }, [operation]);
      return result === "conflict" ? "conflict" : "answered";
    },
  };
}

/** Go omits empty fields. */
interface TokenReviewStatus {
  readonly authenticated?: boolean;
  readonly audiences?: readonly string[];
  readonly error?: string;
  readonly user?: {
    readonly username?: string;
    readonly uid?: string;
    readonly groups?: readonly string[];
    readonly extra?: Record<string, readonly string[]>;
  };
}

interface AccessReviewStatus {
  readonly allowed?: boolean;
  readonly denied?: boolean;
}

function toTokenReview({ authenticated, audiences, error, user }: TokenReviewStatus = {}): TokenReview {
  return {
    authenticated: authenticated === true,
    audiences: audiences ?? [],
    username: user?.username ?? "",
    uid: user?.uid ?? "",
    groups: user?.groups ?? [],
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
