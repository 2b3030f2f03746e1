// Scenes of podrole demo --ui with one fault each: what readers of the page get, who must find cause and remedy by it
// alone. Each has a broken pod among pods that are well.

import type { ShownPod } from "../../src/cli/demo/shown-pods.ts";
import { shownPod, type UiScene, type UiStage } from "../../src/cli/demo/ui-scene.ts";
import type { ConfigMap, Pod } from "../../src/kubernetes/objects.ts";
import { rotate } from "../../src/operations/rotate/rotate.ts";
import { readSidecarState } from "../../src/operations/sidecar-state.ts";
import { systemClock as clock, sleep } from "../../src/runtime/clock.ts";

/** A scene, and what its page must say. */
export interface BrokenScene {
  readonly scene: UiScene;
  /** "namespace/name" of the broken pod, and its role. */
  readonly pod: string;
  readonly role: string;
  /** Texts of the pod's view once the fault shows: cause and remedy. */
  readonly says: readonly RegExp[];
}

const NAMESPACES = {
  shop: { isLabelled: true, permitted: "(shop|shared)-.*" },
  payroll: { isLabelled: true, permitted: "(payroll|shared)-.*" },
} as const;

const ORDERS = shownPod("shop", "orders-7d9f4b-x2x4q", "Deployment/orders", { app: "shop-orders" });
const MAILER = shownPod("shop", "mailer-6f7d9c-k8s2m", "Deployment/mailer", { app: "shop-mailer" });
const WELL: readonly ShownPod[] = [
  shownPod("shop", "cart-5c6b8d-9qwzt", "Deployment/cart", { web: "shop-cart", worker: "shop-queue" }),
  shownPod("payroll", "payouts-6b7c9f-c4d1r", "Deployment/payouts", { app: "payroll-payouts" }),
];
const WELL_ROLES = ["shop-orders", "shop-mailer", "shop-cart", "shop-queue", "payroll-payouts"].map((name) => ({
  name,
  isTrusted: true,
}));

const create = (pods: readonly ShownPod[]) => async (stage: UiStage) => {
  for (const pod of pods) if (!stage.interrupted.aborted) await stage.pods.create(pod);
};

/** Resolves when the pod's sidecar has credentials. */
async function untilReady({ kubernetes, interrupted }: UiStage, { namespace, name }: ShownPod): Promise<void> {
  while (!interrupted.aborted) {
    const pods = await kubernetes.listAll<Pod>("pods", { namespace });
    const pod = pods.find(({ metadata }) => metadata.name === name);
    if (pod && readSidecarState(pod).phase === "ready") return;
    await sleep(clock, 200, interrupted);
  }
}

/** The newest pod of a Deployment, whose template was changed, has a misspelt role. */
const misspeltRole: BrokenScene = {
  pod: "shop/mailer-79c4bf-hx5pl",
  role: "shop-mialer",
  says: [
    /Perhaps a misspelt role: containers hold shop-mailer/,
    /Annotation iam\.amazonaws\.com\/role\.app names shop-mialer; another pod of Deployment\/mailer holds shop-mailer: shop\/mailer-6f7d9c-k8s2m\./,
    /If the role is misspelt, correct annotation iam\.amazonaws\.com\/role\.app.*did you mean shop-mailer\?/,
    /kubectl -n shop edit deployment\/mailer/,
  ],
  scene: {
    ...{ namespaces: NAMESPACES, roles: WELL_ROLES, sessionSeconds: 120 },
    play: create([
      ...[ORDERS, MAILER, ...WELL],
      shownPod("shop", "mailer-79c4bf-hx5pl", "Deployment/mailer", { app: "shop-mialer" }),
    ]),
  },
};

/** A role that exists and whose trust policy does not name the server. */
const untrustingRole: BrokenScene = {
  pod: "payroll/ledger-84b5cd-m2n8v",
  role: "payroll-ledger",
  says: [
    /AWS does not give the role to podrole's server/,
    /trust policy of (role )?payroll-ledger/,
    /aws iam get-role --role-name payroll-ledger/,
    /jq .*"AWS":"arn:aws:iam::123456789012:user\/podrole-server"/,
    /aws iam update-assume-role-policy --role-name payroll-ledger/,
  ],
  scene: {
    ...{ namespaces: NAMESPACES, sessionSeconds: 120 },
    roles: [...WELL_ROLES, { name: "payroll-ledger", isTrusted: false }],
    play: create([
      ...[ORDERS, MAILER, ...WELL],
      shownPod("payroll", "ledger-84b5cd-m2n8v", "Deployment/ledger", { app: "payroll-ledger" }),
    ]),
  },
};

/** An operator has rotated the CA by force, before a running pod had received the new one. */
const retiredCa: BrokenScene = {
  pod: "shop/orders-7d9f4b-x2x4q",
  role: "shop-orders",
  says: [/trusts only an earlier CA/, /which is retired/, /kubectl -n shop rollout restart deployment\/orders/],
  scene: {
    ...{ namespaces: NAMESPACES, roles: WELL_ROLES, sessionSeconds: 60 },
    async play(stage) {
      await create([ORDERS])(stage);
      await untilReady(stage, ORDERS);
      const before = await publishedBundle(stage);
      for (const step of ["prepare", "activate", "retire"] as const) {
        await rotate({ kubernetes: stage.kubernetes, clock }, { step, namespace: "podrole", force: true });
      }
      await untilPublished(stage, before);
      // The webhook refuses pods until it has a certificate of the new CA; their controllers repeat them.
      for (const pod of [MAILER, ...WELL]) {
        await stage.pods.create(pod);
        while (!stage.interrupted.aborted && !(await exists(stage, pod))) {
          await sleep(clock, 2_000, stage.interrupted);
          await stage.pods.create(pod);
        }
      }
    },
  },
};

async function publishedBundle({ kubernetes }: UiStage): Promise<string> {
  const maps = await kubernetes.listAll<ConfigMap>("configmaps", { namespace: "podrole" });
  return JSON.stringify(maps.find(({ metadata }) => metadata.name === "podrole-trust")?.data);
}

/** Resolves when a server has read the new CA, and has published a bundle without the earlier one. */
async function untilPublished(stage: UiStage, before: string): Promise<void> {
  while (!stage.interrupted.aborted && (await publishedBundle(stage)) === before) {
    await sleep(clock, 500, stage.interrupted);
  }
}

async function exists({ kubernetes }: UiStage, { namespace, name }: ShownPod): Promise<boolean> {
  const pods = await kubernetes.listAll<Pod>("pods", { namespace });
  return pods.some(({ metadata }) => metadata.name === name);
}

/** The scenes by the name of their fault. */
export const BROKEN_SCENES = {
  "misspelt-role": misspeltRole,
  "untrusting-role": untrustingRole,
  "retired-ca": retiredCa,
} as const;
