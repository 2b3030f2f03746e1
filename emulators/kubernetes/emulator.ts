// A Kubernetes API server in memory for tests and the demo: real sockets, real watches, real admission over TLS, real
// token signatures. It has no nodes, controllers, CEL, server-side apply or Tables. It is never part of podrole's
// programs. States: created → listening (listen()) → closed (close()).
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../src/runtime/clock.ts";
import { type Access, ADMIN, createAccess, type PolicyRule, userGroups } from "./access.ts";
import type { AdmissionNotes } from "./admission.ts";
import { type ApiDeps, handleApiRequest } from "./api.ts";
import { type AuditEvent, createAuditLog } from "./audit.ts";
import { createInitialObjects } from "./creation.ts";
import { type ApiServerFaults, createApiServerFaults } from "./faults.ts";
import { asStatus, createApiListener } from "./http.ts";
import { kubeconfig } from "./kubeconfig.ts";
import { createLists } from "./lists.ts";
import { readRequestInfo } from "./request-info.ts";
import { createServiceAccountTokens } from "./service-account-tokens.ts";
import { createServingKeys } from "./serving-keys.ts";
import { createStore, type NewObject, type Store } from "./store.ts";
import { createWatches } from "./watches.ts";
import { createWebhookCaller, type WebhookClient } from "./webhook-call.ts";

/** How the emulated API server behaves. */
export interface KubernetesEmulatorOptions {
  /** Plain HTTP instead of HTTPS with the emulator's own certificate. */
  readonly plainHttp?: boolean;
  /** Interval of bookmarks in open watches, milliseconds. */
  readonly bookmarkMs?: number;
  /** Pods get the volume with the API token, as on a real cluster; the kubelet must then support ConfigMap volumes. */
  readonly mountTokens?: boolean;
  readonly version?: { readonly major: string; readonly minor: string };
  /** The client certificate that webhooks are shown; by default none. */
  readonly webhookClient?: WebhookClient | undefined;
}

/** A response of the API. */
export interface CreateResponse {
  readonly code: number;
  readonly body: unknown;
  readonly warnings: readonly string[];
}

/** The emulated API server, its stored objects and its faults. */
export interface KubernetesEmulator {
  /** The stored objects. Writes here skip admission and validation. */
  readonly store: Store;
  readonly audit: readonly AuditEvent[];
  readonly faults: ApiServerFaults;
  /** Address of a webhook's `clientConfig.service`: "namespace/name" → "127.0.0.1:9443". */
  readonly services: Map<string, string>;
  /**
   * Targets of the proxy, by what the path names: "namespace/name:port" of a pod → "127.0.0.1:8080";
   * "namespace/https:name:port" of a pod or a Service → a port that speaks TLS. A Service may have several, separated
   * by commas, which are called in turn.
   */
  readonly pages: Map<string, string>;
  /** Open watches. */
  readonly watches: { readonly size: number };
  /** Resolves with the URL. Without `port` the system chooses one. */
  listen(port?: number): Promise<string>;
  /** Returns a kubeconfig for a user. A user without `restrict` is allowed everything. */
  kubeconfig(username?: string): string;
  /** Restricts the user to what the rules allow, everywhere or in one namespace. Further calls add rules. */
  restrict(username: string, rules: readonly PolicyRule[], namespace?: string): void;
  /** Returns the response to a POST of `object` to `path`, without a socket. */
  create(path: string, object: NewObject, username?: string): Promise<CreateResponse>;
  close(): Promise<void>;
}

/** Creates a cluster with the namespaces default and kube-system. */
export function createKubernetesEmulator(
  { clock }: { readonly clock: Clock },
  {
    plainHttp = false,
    bookmarkMs = 60_000,
    mountTokens = false,
    version = { major: "1", minor: "37" },
    webhookClient,
  }: KubernetesEmulatorOptions = {},
): KubernetesEmulator {
  const store = createStore({ clock });
  const keys = plainHttp ? undefined : createServingKeys();
  const services = new Map<string, string>();
  const pages = new Map<string, string>();
  const caller = createWebhookCaller({ clock }, { services, client: webhookClient });
  const access: Access = createAccess();
  const audit = createAuditLog({ clock });
  const watches = createWatches({ store, clock, faults: () => faults }, { bookmarkMs });
  const faults: ApiServerFaults = createApiServerFaults({
    dropWatches: () => watches.drop(),
    compact: () => store.compact(),
  });
  const api: ApiDeps = {
    store,
    caller,
    mountTokens,
    now: () => clock.now(),
    rootCaPem: () => keys?.caPem ?? "",
    lists: createLists({ store, faults: () => faults }),
    tokens: createServiceAccountTokens({ clock, store }),
    access,
  };
  createInitialObjects(api);
  const server = createApiListener({ ...api, audit, faults, watches, version, pages }, keys);
  let url = "";

  return {
    store,
    audit: audit.events,
    faults,
    services,
    pages,
    watches,
    async listen(port = 0) {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
      url = `${plainHttp ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`;
      return url;
    },
    kubeconfig: (username = ADMIN) =>
      kubeconfig({ url, caPem: keys?.caPem, username, token: access.tokenFor(username) }),
    restrict: (username, rules, namespace) => access.grant(username, rules, namespace),
    async create(path, object, username = ADMIN) {
      const notes: AdmissionNotes = { warnings: [], annotations: {} };
      const { warnings, annotations } = notes;
      const info = readRequestInfo("POST", new URL(path, "http://localhost"));
      const user = { username, groups: userGroups(username) };
      const receivedAt = clock.now();
      const request = { info, user, body: object, contentType: "application/json" };
      const given = await handleApiRequest(api, request, notes).catch(asStatus);
      const facts = { requestURI: path, userAgent: "emulator", receivedAt, user, info, sent: object };
      audit.record({ ...facts, stage: "ResponseComplete", ...given, annotations });
      return { ...given, warnings };
    },
    async close() {
      caller.close();
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
