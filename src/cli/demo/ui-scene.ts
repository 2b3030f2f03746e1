// What happens in the cluster of podrole demo --ui. In its own scene, pods come and go, are refused, wait and renew,
// and a rotation of the CA begins. Tests have other scenes, each with one fault.
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { rotate } from "../../operations/rotate/rotate.ts";
import { systemClock as clock, sleep } from "../../runtime/clock.ts";
import type { ShownPod, ShownPods } from "./shown-pods.ts";

/** A cluster, and what happens in it. */
export interface UiScene {
  /** By name: whether podrole injects its pods, and the names of roles that it permits (RE2). */
  readonly namespaces: Readonly<Record<string, { readonly isLabelled: boolean; readonly permitted: string }>>;
  /** The roles of the account; podrole's server can assume those that trust it. */
  readonly roles: readonly { readonly name: string; readonly isTrusted: boolean }[];
  /** Lifetime of credentials, in seconds. Sidecars renew after about half of it. */
  readonly sessionSeconds: number;
  /** Resolves when nothing more happens, or soon after `interrupted`. */
  readonly play: (stage: UiStage) => Promise<void>;
}

/** What a scene acts on. */
export interface UiStage {
  readonly pods: ShownPods;
  readonly kubernetes: OperatorKubernetes;
  readonly interrupted: AbortSignal;
}

/** Returns a pod of a workload, with the names of its containers' roles. */
export function shownPod(namespace: string, name: string, workload: string, roles: ShownPod["roles"]): ShownPod {
  return { namespace, name, workload, roles };
}

/** Pods that stay; among them a role that does not trust the server, a name without a role, and a foreign namespace. */
const STEADY: readonly ShownPod[] = [
  shownPod("shop", "orders-7d9f4b-x2x4q", "Deployment/orders", { app: "shop-orders" }),
  shownPod("shop", "cart-5c6b8d-9qwzt", "Deployment/cart", { web: "shop-cart", worker: "shop-queue" }),
  shownPod("payroll", "payouts-6b7c9f-k8s2m", "Deployment/payouts", { app: "payroll-payouts" }),
  shownPod("payroll", "ledger-84b5cd-m2n8v", "Deployment/ledger", { app: "payroll-ledger" }),
  shownPod("shop", "mailer-6f7d9c-hx5pl", "Deployment/mailer", { app: "shop-mial" }),
  shownPod("legacy", "importer-5d8f6b-c4d1r", "Deployment/importer", { app: "legacy-import" }),
];

/** Refused at admission again and again. */
const INTRUDER = shownPod("shop", "intruder-6c9d7f-z9xv2", "Deployment/intruder", { app: "payroll-payouts" });
const TRUSTING_ROLES = ["shop-orders", "shop-cart", "shop-queue", "payroll-payouts", "shared-reports", "legacy-import"];
/** Exists, and its trust policy does not name podrole's server. */
const UNTRUSTING_ROLE = "payroll-ledger";
const SCENE_PAUSE_MS = 15_000;

/** What podrole demo --ui shows. */
export const LIVELY_SCENE: UiScene = {
  namespaces: {
    shop: { isLabelled: true, permitted: "(shop|shared)-.*" },
    payroll: { isLabelled: true, permitted: "(payroll|shared)-.*" },
    legacy: { isLabelled: false, permitted: "legacy-.*" },
  },
  roles: [...TRUSTING_ROLES.map((name) => ({ name, isTrusted: true })), { name: UNTRUSTING_ROLE, isTrusted: false }],
  sessionSeconds: 120,
  play,
};

/** The steady pods, then a report that comes and goes, and a first step of a rotation. */
async function play({ pods, kubernetes, interrupted }: UiStage): Promise<void> {
  const isOver = () => interrupted.aborted;
  for (const each of STEADY) if (!isOver()) await pods.create(each);
  for (let round = 1; !isOver(); round++) {
    const report = shownPod("shop", `report-${round}`, "Job/report", { report: "shared-reports" });
    await pods.create(INTRUDER);
    await pods.create(report);
    await sleep(clock, SCENE_PAUSE_MS, interrupted);
    if (round === 2 && !isOver()) {
      // Its problem, if there is one, is on the page.
      await rotate({ kubernetes, clock }, { step: "prepare", namespace: "podrole", force: false });
    }
    await sleep(clock, SCENE_PAUSE_MS, interrupted);
    await pods.remove(report);
  }
}
