// The Kubernetes API as podrole's programs call it, on virtual time and with faults. It implements the interface of
// src/kubernetes/api.ts; errors are those that the real client throws.
// States of a watch: opening → open → ended (its time, its signal, a fault, or the end of its program).
import type {
  CreationMetadata,
  Kubernetes,
  ListWatch,
  Resource,
  Selector,
  WatchEvent,
} from "../../src/kubernetes/api.ts";
import type { KubernetesClient } from "../../src/kubernetes/client.ts";
import {
  ApiError,
  type RbacRequest,
  requestRejected,
  requestTimedOut,
  serverUnreachable,
} from "../../src/kubernetes/errors.ts";
import { Secret, type SecretData } from "../../src/runtime/secret.ts";
import { type ClusterStore, createClusterStore, type StoredObject } from "./cluster-store.ts";
import { between } from "./random.ts";
import { BEGINNING, type Program, type Timeline } from "./timeline.ts";
import { reviewOf } from "./tokens.ts";

/** What is wrong with the API server. */
export interface ApiFaults {
  /** Refuses connections. */
  isDown: boolean;
  /** Accepts requests and answers none. */
  isStalled: boolean;
  status: { readonly code: number; readonly retryAfterMs?: number } | undefined;
  latencyMs: number;
}

/** The API server. */
export interface ApiServer {
  readonly store: ClusterStore;
  readonly faults: ApiFaults;
  /** Calls so far. */
  readonly counts: { calls: number; tokenReviews: number; events: number };
  /** True while it would answer a request. */
  isWell(): boolean;
  /** Ends all watches: with an error, or silently, so that nothing arrives any more. */
  endWatches(how: "error" | "silent"): void;
  /** The client of a program. */
  connect(program: Program): KubernetesClient;
}

const ADDRESS = "https://10.96.0.1";
const DEADLINE_MS = 10_000;
const BOOKMARK_EACH_MS = 60_000;
const READS: ReadonlySet<string> = new Set(["get", "list", "watch"]);
const REVIEWS: ReadonlySet<string> = new Set(["tokenreviews", "subjectaccessreviews"]);

/** Creates an API server without objects. */
export function createApiServer(timeline: Timeline): ApiServer {
  const store = createClusterStore();
  const faults: ApiFaults = { isDown: false, isStalled: false, status: undefined, latencyMs: 0 };
  const counts = { calls: 0, tokenReviews: 0, events: 0 };
  const watches = new Set<(how: "error" | "silent") => void>();

  function connect(program: Program): KubernetesClient {
    const pause = (ms: number) => new Promise<void>((resolve) => program.post(ms, resolve));
    const refused = (info: RbacRequest) =>
      serverUnreachable(info, ADDRESS, Object.assign(new Error("connect"), { code: "ECONNREFUSED" }));

    /**
     * Runs `work` at the API server, or throws what a program gets instead. A change and its answer are two events,
     * because a program may be killed between them; what a read returns is as of its answer.
     */
    async function request<Result>(info: RbacRequest, work: () => Result): Promise<Result> {
      counts.calls += 1;
      const isRead = READS.has(info.verb) || REVIEWS.has(info.resource);
      const answerMs = between(1, 5);
      await pause(between(1, 5) + Math.min(faults.latencyMs, DEADLINE_MS) + (isRead ? answerMs : 0));
      if (faults.isDown) throw refused(info);
      if (faults.isStalled || faults.latencyMs >= DEADLINE_MS) {
        await pause(DEADLINE_MS);
        throw requestTimedOut(info, ADDRESS, DEADLINE_MS);
      }
      const { status } = faults;
      if (status) throw requestRejected(info, status.code, {}, status.retryAfterMs);
      const result = work();
      if (!isRead) await pause(answerMs);
      return result;
    }

    function source<Item>(resource: Resource, selector: Selector = {}): ListWatch<Item> {
      const isSelected = selectorOf(selector);
      return {
        name: resource,
        list: () =>
          request({ verb: "list", resource }, () => ({
            items: store.list(resource).filter(isSelected) as readonly unknown[] as readonly Item[],
            resourceVersion: String(store.version()),
          })),
        watch: (options) => watch<Item>(resource, isSelected, options),
      };
    }

    async function* watch<Item>(
      resource: Resource,
      isSelected: (object: StoredObject) => boolean,
      { resourceVersion, timeoutSeconds, signal }: Parameters<ListWatch<Item>["watch"]>[0],
    ): AsyncGenerator<WatchEvent<Item>> {
      const info: RbacRequest = { verb: "watch", resource };
      const missed = await request(info, () => store.since(Number(resourceVersion)));
      if (missed === undefined) throw requestRejected(info, 410, { reason: "Expired" });
      const queue: WatchEvent<Item>[] = [];
      let isSilent = false;
      let end: "closed" | ApiError | undefined;
      let wake = () => {};
      /** Events on their way; a connection delivers them in order. */
      let travelling = 0;
      let arrivesAt = 0;
      const arrive = (event: WatchEvent<Item>) => {
        travelling += 1;
        arrivesAt = Math.max(arrivesAt, timeline.now() + between(2, 50));
        program.post(arrivesAt - timeline.now(), () => {
          travelling -= 1;
          receive(event);
        });
      };
      const receive = (event: WatchEvent<Item>) => {
        if (isSilent) return;
        queue.push(event);
        wake();
      };
      const finish = (how: "closed" | ApiError) => {
        end ??= how;
        wake();
      };
      const deliver = ({
        resource: changed,
        type,
        object,
      }: {
        resource: string;
        type: "ADDED" | "MODIFIED" | "DELETED";
        object: StoredObject;
      }) => {
        if (changed === resource && isSelected(object)) arrive({ type, object: object as unknown as Item });
      };
      const unsubscribe = store.onChange(deliver);
      const breakOff = (how: "error" | "silent") => {
        if (how === "silent") isSilent = true;
        else program.post(1, () => finish(refused(info)));
      };
      watches.add(breakOff);
      function bookmark(): void {
        if (end !== undefined || isSilent) return;
        if (travelling === 0) receive({ type: "BOOKMARK", resourceVersion: String(store.version()) });
        program.post(BOOKMARK_EACH_MS, bookmark);
      }
      program.post(BOOKMARK_EACH_MS, bookmark);
      program.post(timeoutSeconds * 1000, () => !isSilent && finish("closed"));
      const onAbort = () => finish("closed");
      signal.addEventListener("abort", onAbort, { once: true });
      const forget = () => {
        unsubscribe();
        watches.delete(breakOff);
        end ??= "closed";
      };
      const stopListening = program.onKill(forget);
      try {
        yield { type: "OPENED" };
        for (const change of missed) deliver(change);
        for (;;) {
          for (let event = queue.shift(); event !== undefined; event = queue.shift()) yield event;
          if (end instanceof ApiError) throw end;
          if (end !== undefined) return;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        forget();
        stopListening();
        signal.removeEventListener("abort", onAbort);
      }
    }

    const read = (resource: Resource, namespace: string | undefined, name: string) =>
      request({ verb: "get", resource, namespace, name }, () =>
        store.get(resource, namespace === undefined ? name : `${namespace}/${name}`),
      );

    const kubernetes: Kubernetes = {
      async reviewToken(token, audience) {
        counts.tokenReviews += 1;
        return request({ verb: "create", resource: "tokenreviews" }, () =>
          reviewOf(token.reveal(), audience, store, BEGINNING + timeline.now()),
        );
      },
      // Nobody reads the server's state in the simulation.
      reviewAccess: () => request({ verb: "create", resource: "subjectaccessreviews" }, () => false),
      // As with an external signer: the TokenReview alone decides.
      getTokenKeys: () => request({ verb: "get", resource: "openid/v1/jwks" }, () => []),
      getPod: async (namespace, name) => (await read("pods", namespace, name)) as never,
      getNamespace: (name) => read("namespaces", undefined, name),
      getServiceAccount: (namespace, name) => read("serviceaccounts", namespace, name),
      async getSecret(namespace, name) {
        const found = await read("secrets", namespace, name);
        if (!found) return undefined;
        const data = Object.entries(found["data"] as Record<string, string>);
        return {
          metadata: found.metadata,
          data: Object.fromEntries(data.map(([key, text]) => [key, new Secret(text)])),
        };
      },
      createSecret: (namespace, name, data, creation) =>
        request({ verb: "create", resource: "secrets", namespace }, () => {
          if (store.get("secrets", `${namespace}/${name}`)) return "exists";
          store.put("secrets", { metadata: newMetadata(namespace, name, creation), data: texts(data) });
          return "created";
        }),
      replaceSecret: (namespace, name, data, resourceVersion) =>
        request({ verb: "patch", resource: "secrets", namespace, name }, () => {
          const present = store.get("secrets", `${namespace}/${name}`);
          if (present?.metadata.resourceVersion !== resourceVersion) return "conflict";
          store.put("secrets", { ...present, data: texts(data) });
          return "replaced";
        }),
      // The signer of pod certificates is switched off in the simulation.
      getPodCertificateRequest: async () => undefined,
      answerPodCertificateRequest: async () => "conflict",
      putClusterTrustBundle: async () => undefined,
      servesResource: async () => false,
      listKubelets: async () => [],
      async getConfigMap(namespace, name) {
        return ((await read("configmaps", namespace, name))?.["data"] ?? undefined) as never;
      },
      putConfigMap: (namespace, name, data, creation) =>
        request({ verb: "patch", resource: "configmaps", namespace, name }, () => {
          const present = store.get("configmaps", `${namespace}/${name}`);
          if (present && JSON.stringify(present["data"]) === JSON.stringify(data)) return;
          store.put("configmaps", {
            ...present,
            metadata: present?.metadata ?? newMetadata(namespace, name, creation),
            data,
          });
        }),
      changeConfigMap: (namespace, name, change, creation) =>
        request({ verb: "patch", resource: "configmaps", namespace, name }, () => {
          const present = store.get("configmaps", `${namespace}/${name}`);
          const data = change(present?.["data"] as Readonly<Record<string, string>> | undefined);
          store.put("configmaps", {
            ...present,
            metadata: present?.metadata ?? newMetadata(namespace, name, creation),
            data,
          });
          return data;
        }),
      async getWebhookConfiguration(name) {
        const found = await read("mutatingwebhookconfigurations", undefined, name);
        return found && { resourceVersion: found.metadata.resourceVersion ?? "", webhooks: webhooksOf(found) };
      },
      setCaBundle: (name, caBundle) =>
        request({ verb: "patch", resource: "mutatingwebhookconfigurations", name }, () => {
          const present = store.get("mutatingwebhookconfigurations", name);
          if (!present) return "absent";
          if (webhooksOf(present).every((webhook) => webhook.caBundle === caBundle)) return "unchanged";
          store.put("mutatingwebhookconfigurations", {
            ...present,
            webhooks: webhooksOf(present).map(({ name: webhook }) => ({ name: webhook, caBundle })),
          });
          return "changed";
        }),
      recordEvent: () =>
        request({ verb: "create", resource: "events" }, () => {
          counts.events += 1;
        }),
      recordOwnerEvent: () =>
        request({ verb: "create", resource: "events" }, () => {
          counts.events += 1;
          return "recorded" as const;
        }),
      source,
      serverVersion: () => request({ verb: "get", resource: "version" }, () => ({ major: 1, minor: 37 })),
    };
    return { ...kubernetes, close: async () => {} };
  }

  return {
    store,
    faults,
    counts,
    isWell: () => !faults.isDown && !faults.isStalled && !faults.status && faults.latencyMs < DEADLINE_MS / 2,
    endWatches(how) {
      for (const end of [...watches]) end(how);
    },
    connect,
  };
}

/** Webhooks of a MutatingWebhookConfiguration in the store. */
export function webhooksOf(object: StoredObject): readonly { readonly name: string; readonly caBundle?: string }[] {
  return (object["webhooks"] ?? []) as readonly { readonly name: string; readonly caBundle?: string }[];
}

function newMetadata(namespace: string, name: string, { labels, owners }: CreationMetadata = {}) {
  return {
    namespace,
    name,
    ...(labels && { labels: { ...labels } }),
    ...(owners && { ownerReferences: owners.map((owner) => ({ ...owner })) }),
  };
}

function texts(data: SecretData): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, typeof value === "string" ? value : value.reveal()]),
  );
}

/** Only the form "label=value", which podrole uses. */
function selectorOf({ labelSelector }: Selector): (object: StoredObject) => boolean {
  if (labelSelector === undefined) return () => true;
  const [label = "", value] = labelSelector.split("=");
  return ({ metadata }) => metadata.labels?.[label] === value;
}
