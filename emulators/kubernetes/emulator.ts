// A Kubernetes API server small enough for a test and true enough for a demo: real sockets, real watches, real admission
// over TLS, real token signatures, in memory. It has no nodes, no controllers, no CEL, no server-side apply and no
// Tables. Never part of podrole's programs. States: created → listening (listen()) → closed (close()).
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../src/runtime/clock.ts";
import { type Access, ADMIN, createAccess, groupsOf, type PolicyRule } from "./access.ts";
import type { Asides } from "./admission.ts";
import { type ApiDeps, answer } from "./api.ts";
import { type AuditEvent, createAuditLog } from "./audit.ts";
import { furnishCluster } from "./creation.ts";
import { createFaults, type Faults } from "./faults.ts";
import { asStatus, createHttp } from "./http.ts";
import { kubeconfig } from "./kubeconfig.ts";
import { createLists } from "./lists.ts";
import { readRequestInfo } from "./request-info.ts";
import { createServingKeys } from "./serving-keys.ts";
import { createStore, type Store, type Unwritten } from "./store.ts";
import { createTokens } from "./tokens.ts";
import { createWatches } from "./watches.ts";
import { createWebhookCaller } from "./webhook-call.ts";

export interface KubernetesEmulatorOptions {
  /** Plain HTTP instead of HTTPS with a certificate of its own. */
  readonly plainHttp?: boolean;
  /** Of the bookmarks that open watches get. */
  readonly bookmarkMs?: number;
  /** Pods get the volume with the API's token, as on a real cluster; a kubelet must know ConfigMap volumes then. */
  readonly mountTokens?: boolean;
  readonly version?: { readonly major: string; readonly minor: string };
}

export interface Reply {
  readonly code: number;
  readonly body: unknown;
  readonly warnings: readonly string[];
}

export interface KubernetesEmulator {
  /** Objects as they are stored; writing here passes no admission and no validation. */
  readonly store: Store;
  readonly audit: readonly AuditEvent[];
  readonly faults: Faults;
  /** Where a webhook's `clientConfig.service` answers: "namespace/name" → "127.0.0.1:9443". */
  readonly services: Map<string, string>;
  /** Where the proxy to a pod leads: "namespace/name:port" → "127.0.0.1:8080". */
  readonly pages: Map<string, string>;
  /** Of open watches. */
  readonly watches: { readonly size: number };
  /** Resolves with the URL; a port of its own unless one is named. */
  listen(port?: number): Promise<string>;
  /** For a user of this name; users without `restrict` may do everything. */
  kubeconfig(username?: string): string;
  /** From now on the user may do what these rules allow, everywhere or in one namespace. Adds up. */
  restrict(username: string, rules: readonly PolicyRule[], namespace?: string): void;
  /** What a POST of `object` to `path` would be answered, without a socket. */
  create(path: string, object: Unwritten, username?: string): Promise<Reply>;
  close(): Promise<void>;
}

/** A cluster with the namespaces default and kube-system. */
export function createKubernetesEmulator(
  { clock }: { readonly clock: Clock },
  {
    plainHttp = false,
    bookmarkMs = 60_000,
    mountTokens = false,
    version = { major: "1", minor: "37" },
  }: KubernetesEmulatorOptions = {},
): KubernetesEmulator {
  const store = createStore({ clock });
  const keys = plainHttp ? undefined : createServingKeys();
  const services = new Map<string, string>();
  const pages = new Map<string, string>();
  const caller = createWebhookCaller({ clock }, { services });
  const access: Access = createAccess();
  const audit = createAuditLog({ clock });
  const watches = createWatches({ store, clock, faults: () => faults }, { bookmarkMs });
  const faults: Faults = createFaults({ dropWatches: () => watches.drop(), compact: () => store.compact() });
  const api: ApiDeps = {
    store,
    caller,
    mountTokens,
    now: () => clock.now(),
    rootCaPem: () => keys?.caPem ?? "",
    lists: createLists({ store }),
    tokens: createTokens({ clock, store }),
    access,
  };
  furnishCluster(api);
  const server = createHttp({ ...api, audit, faults, watches, version, pages }, keys);
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
      const asides: Asides = { warnings: [], annotations: {} };
      const { warnings, annotations } = asides;
      const info = readRequestInfo("POST", new URL(path, "http://localhost"));
      const user = { username, groups: groupsOf(username) };
      const receivedAt = clock.now();
      const request = { info, user, body: object, contentType: "application/json" };
      const given = await answer(api, request, asides).catch(asStatus);
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
