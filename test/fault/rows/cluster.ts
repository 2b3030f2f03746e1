// Faults of the API server, and of podrole's own objects in it.

import { hasCaBundle } from "../../../emulators/installation.ts";
import type { ApiServerFaults } from "../../../emulators/kubernetes/faults.ts";
import type { KubeObject } from "../../../emulators/kubernetes/objects.ts";
import { BUNDLE_KEY, splitBundle } from "../../../src/pki/bundle.ts";
import type { FaultRow } from "../row.ts";
import { FAULT_ROLE, type FaultWorld } from "../world.ts";

function apiServer(world: FaultWorld): ApiServerFaults {
  return world.programs.cluster.kubernetes.faults;
}

const WELL = { down: false, stall: false, status: undefined, latencyMs: 0, endlessLists: false };

/** Sets switches of the API server's faults; the end resets them. */
function meets(faults: Partial<ApiServerFaults>): FaultRow["begin"] {
  return (world) => {
    Object.assign(apiServer(world), faults);
    if (faults.down === true) apiServer(world).dropWatches();
    return () => void Object.assign(apiServer(world), WELL);
  };
}

/** Changes an object as somebody with the right to it does, past admission. */
function edit(world: FaultWorld, plural: string, name: string, change: (object: KubeObject) => KubeObject): void {
  const { store } = world.programs.cluster.kubernetes;
  const namespace = plural === "mutatingwebhookconfigurations" ? undefined : "podrole";
  store.replace(plural, change(store.get(plural, namespace, name)));
}

const nothing = () => {};

/** Reports whether an object of podrole's namespace exists and has content. */
function hasData({ programs }: FaultWorld, plural: string, name: string): boolean {
  const object = programs.cluster.kubernetes.store.find(plural, "podrole", name);
  return Object.keys(object?.["data"] ?? {}).length > 0;
}

const hasCa = (world: FaultWorld) => hasData(world, "secrets", "podrole-ca");
const hasTrust = (world: FaultWorld) => hasData(world, "configmaps", "podrole-trust");

const OWN_OBJECTS = [
  ["secrets", "podrole-ca"],
  ["configmaps", "podrole-trust"],
] as const;

/** Changes nothing of what podrole reads. */
function annotated({ metadata, ...rest }: KubeObject): KubeObject {
  return { ...rest, metadata: { ...metadata, annotations: { "example.org/written": String(Date.now()) } } };
}

const WATCH_STALE = { alert: "PodroleWatchStale" } as const;

export const CLUSTER_ROWS: readonly FaultRow[] = [
  {
    id: "api-down",
    title: "API server: closes every connection",
    begin: meets({ down: true }),
    newcomer: "waits",
    log: { from: "server", pattern: /API server|kubernetes|watch/i },
    ...WATCH_STALE,
    isShort: true,
  },
  {
    id: "api-throttles",
    title: "API server: 429 with Retry-After of 10 minutes",
    begin: meets({ status: { code: 429, retryAfterSeconds: 600 } }),
    newcomer: "waits",
    ...WATCH_STALE,
    isShort: true,
  },
  {
    id: "api-5xx",
    title: "API server: 503",
    begin: meets({ status: { code: 503 } }),
    newcomer: "waits",
    ...WATCH_STALE,
  },
  {
    id: "api-half-open",
    title: "API server: accepts requests but answers none",
    begin: meets({ stall: true }),
    newcomer: "waits",
    ...WATCH_STALE,
  },
  {
    id: "api-slow",
    title: "API server: answers after 1 s, TokenReviews as well",
    begin: meets({ latencyMs: 1_000 }),
    newcomer: "served",
    lastsMs: 15_000,
  },
  {
    id: "api-gone",
    title: "API server: 410 for every watch, four times a second",
    begin: (world) => {
      const storm = setInterval(() => {
        apiServer(world).compact();
        apiServer(world).dropWatches();
      }, 250);
      return () => clearInterval(storm);
    },
    newcomer: "served",
    lastsMs: 12_000,
  },
  {
    id: "api-endless-lists",
    title: "API server: lists go on for ever, and every watch gets 410",
    begin: async (world) => {
      const end = await meets({ endlessLists: true })(world);
      apiServer(world).compact();
      apiServer(world).dropWatches();
      return end;
    },
    lastsMs: 20_000,
    log: { from: "server", pattern: /goes on|list/i },
    ...WATCH_STALE,
  },
  {
    id: "api-forbidden",
    title: "API server: 403 for everything, as after a lost ClusterRoleBinding",
    begin: meets({ status: { code: 403 } }),
    newcomer: "waits",
    ...WATCH_STALE,
  },
  {
    id: "pod-recreated",
    title: "A pod is deleted and created again with the same name",
    begin: async ({ programs }) => {
      const create = () => programs.createPod({ name: "recreated", roles: { app: FAULT_ROLE } });
      await create();
      programs.cluster.kubernetes.store.remove("pods", "shop", "recreated");
      const second = await create();
      await second.prove();
      return () => void programs.cluster.kubernetes.store.remove("pods", "shop", "recreated");
    },
    newcomer: "served",
  },
  {
    id: "ca-deleted",
    title: "CA Secret: deleted",
    begin: ({ programs }) => {
      programs.cluster.kubernetes.store.remove("secrets", "podrole", "podrole-ca");
      return nothing;
    },
    newcomer: "served",
    isHealed: hasCa,
    log: { from: "server", pattern: /Secret was deleted or emptied/ },
  },
  {
    id: "ca-emptied",
    title: "CA Secret: emptied",
    begin: (world) => {
      edit(world, "secrets", "podrole-ca", ({ data: _data, ...rest }) => ({ ...rest, data: {} }));
      return nothing;
    },
    newcomer: "served",
    isHealed: hasCa,
    log: { from: "server", pattern: /Secret/ },
    alert: "PodroleAuthorityUnreadable",
  },
  {
    id: "ca-corrupted",
    title: "CA Secret: its certificates replaced by text, and restored after the fault",
    begin: (world) => {
      const { store } = world.programs.cluster.kubernetes;
      const before = store.get("secrets", "podrole", "podrole-ca")["data"];
      const broken = Object.fromEntries(Object.keys(before as object).map((key) => [key, "bm90IGEgY2VydGlmaWNhdGU="]));
      edit(world, "secrets", "podrole-ca", (object) => ({ ...object, data: broken }));
      return () => edit(world, "secrets", "podrole-ca", (object) => ({ ...object, data: before }));
    },
    // Servers look at the Secret once a minute.
    lastsMs: 66_000,
    newcomer: "served",
    log: { from: "server", pattern: /could not read the CA/ },
    alert: "PodroleAuthorityUnreadable",
  },
  {
    id: "trust-deleted",
    title: "ConfigMap podrole-trust: deleted",
    begin: ({ programs }) => {
      programs.cluster.kubernetes.store.remove("configmaps", "podrole", "podrole-trust");
      return nothing;
    },
    newcomer: "served",
    isHealed: hasTrust,
  },
  {
    id: "trust-emptied",
    title: "ConfigMap podrole-trust: emptied",
    begin: (world) => {
      edit(world, "configmaps", "podrole-trust", ({ data: _data, ...rest }) => ({ ...rest, data: {} }));
      return nothing;
    },
    newcomer: "served",
    isHealed: hasTrust,
  },
  {
    id: "trust-replaced",
    title: "ConfigMap podrole-trust: its bundle replaced by text",
    begin: (world) => {
      edit(world, "configmaps", "podrole-trust", (object) => ({
        ...object,
        data: { [BUNDLE_KEY]: "not a certificate" },
      }));
      return nothing;
    },
    newcomer: "served",
    isHealed: ({ programs }) => {
      const { data } = programs.cluster.kubernetes.store.get("configmaps", "podrole", "podrole-trust");
      return splitBundle((data as Record<string, string>)[BUNDLE_KEY] ?? "").length > 0;
    },
  },
  {
    id: "ca-contended",
    title: "CA Secret and ConfigMap podrole-trust: emptied, while somebody else writes them ten times a second",
    begin: (world) => {
      for (const [plural, name] of OWN_OBJECTS)
        edit(world, plural, name, ({ data: _data, ...rest }) => ({ ...rest, data: {} }));
      const writing = setInterval(() => {
        for (const [plural, name] of OWN_OBJECTS) edit(world, plural, name, annotated);
      }, 100);
      return () => clearInterval(writing);
    },
    // Servers look at both once a minute.
    lastsMs: 66_000,
    newcomer: "served",
    isHealed: (world) => hasCa(world) && hasTrust(world),
    log: { from: "server", pattern: /Secret/ },
    alert: "PodroleAuthorityUnreadable",
  },
  {
    id: "ca-bundle-reset",
    title: "caBundle of the webhook configuration: removed, as by a GitOps tool",
    begin: (world) => {
      edit(world, "mutatingwebhookconfigurations", "podrole", (object) => {
        const webhooks = structuredClone(object["webhooks"]) as { clientConfig: { caBundle?: string } }[];
        for (const { clientConfig } of webhooks) delete clientConfig.caBundle;
        return { ...object, webhooks };
      });
      return nothing;
    },
    isHealed: ({ programs }) => hasCaBundle(programs.cluster.kubernetes),
    alert: "PodroleCaBundleNotWritten",
    isShort: true,
  },
];
