// Readings as the page gets them: a small cluster with one of everything, and a large one.

import { CHECK_STEP, stepsAfterCode } from "../../src/operations/code-steps.ts";
import { stepFields } from "../../src/operations/next-steps.ts";
import { diagnoseCode } from "../../src/operations/sidecar-diagnosis.ts";
import type { PodRow, RefusedRow, TrustRow } from "../../src/operations/status/model.ts";
import { briefOf } from "../../src/operations/ui/briefs.ts";
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import { ERRORS } from "../../src/protocol/errors.ts";
import { fromAwsError } from "../../src/server/aws/aws-errors.ts";
import { stsOfCluster } from "./sts-calls.ts";

export const UI_NOW = Date.parse("2026-06-01T12:00:00Z");
const MINUTE = 60_000;
const DAY = 86_400_000;
const at = (ms: number, now = UI_NOW) => new Date(now + ms).toISOString();
export const uiRoleArn = (name: string) => `arn:aws:iam::123456789012:role/${name}`;

/** A container that holds its role for 35 more minutes. */
export function podRow(change: Partial<PodRow> = {}, now = UI_NOW): PodRow {
  return {
    ...{ namespace: "shop", pod: "orders-7d9f4-x2x4q", container: "app", role: uiRoleArn("shop-orders") },
    ...{ roleFrom: "server", phase: "ready", expires: at(35 * MINUTE, now), renewed: at(-25 * MINUTE, now) },
    ...{ restarts: 0, created: at(-3 * DAY, now), node: "node-1", workload: "Deployment/orders", uid: "u-1" },
    ...change,
  };
}

/** What the server says when STS denies a role, and the first command of status after it. */
export const TYPO = fromAwsError(
  Object.assign(
    new Error(
      `User: arn:aws:sts::123456789012:assumed-role/podrole-server/podrole is not authorized to perform: sts:AssumeRole on resource: ${uiRoleArn("shop-mial")}`,
    ),
    { name: "AccessDenied", $fault: "client", $metadata: { httpStatusCode: 403 } },
  ),
  `assume role ${uiRoleArn("shop-mial")}`,
  { roleArn: uiRoleArn("shop-mial") },
).message;
const MAILER = { namespace: "shop", kind: "pod", name: "mailer-6f7d9-hx5pl" } as const;
const MAILERS = { namespace: "shop", kind: "deployment", name: "mailer" } as const;
const TYPO_STEPS = stepFields(
  stepsAfterCode("STS_DENIED", {
    object: MAILER,
    roles: { object: MAILERS, annotations: { "iam.amazonaws.com/role.app": "shop-mial" } },
    serverMessage: TYPO,
  }),
);
const INTRUDER = { namespace: "shop", kind: "deployment", name: "intruder" } as const;
const FORBIDDEN_STEPS = stepFields(stepsAfterCode("ROLE_FORBIDDEN", { object: INTRUDER }));
const { recovery: TYPO_RECOVERY = "" } = diagnoseCode(
  { code: "STS_DENIED", message: TYPO },
  { object: MAILER, serverMessage: TYPO },
);
/** As the server of the cluster has it for a container whose credentials have an hour. */
const hour = (ago: number, now: number) => ({ expires: at((60 - ago) * MINUTE, now), renewed: at(-ago * MINUTE, now) });

function smallPods(now: number): readonly PodRow[] {
  const row = (change: Partial<PodRow>) => podRow(change, now);
  const without = ({ expires: _expires, renewed: _renewed, ...rest }: PodRow): PodRow => rest;
  return [
    row({}),
    row({ pod: "orders-7d9f4-k8s2m", expires: at(52 * MINUTE, now), renewed: at(-8 * MINUTE, now), node: "node-2" }),
    row({
      ...{ pod: "cart-5c6b8-9qwzt", workload: "Deployment/cart", role: uiRoleArn("shop-cart"), container: "web" },
      ...hour(13, now),
    }),
    row({
      ...{ pod: "cart-5c6b8-9qwzt", workload: "Deployment/cart", role: uiRoleArn("shop-queue"), container: "worker" },
      ...{ expires: at(6 * MINUTE, now), renewed: at(-54 * MINUTE, now), code: "STS_THROTTLED" },
      next: CHECK_STEP,
    }),
    without(
      row({
        ...{ pod: "mailer-6f7d9-hx5pl", workload: "Deployment/mailer", role: uiRoleArn("shop-mial"), phase: "waiting" },
        ...{
          reason: "CrashLoopBackOff",
          code: "STS_DENIED",
          message: `${TYPO} -- ${ERRORS.STS_DENIED.remedy}`,
          ...TYPO_STEPS,
          recovery: TYPO_RECOVERY,
          restarts: 4,
          created: at(-11 * MINUTE, now),
        },
      }),
    ),
    without(
      row({
        pod: "search-84b5c-2m4kd",
        workload: "Deployment/search",
        role: uiRoleArn("shop-search"),
        phase: "starting",
        created: at(-4_000, now),
      }),
    ),
    row({
      namespace: "payroll",
      pod: "payouts-0",
      workload: "StatefulSet/payouts",
      role: uiRoleArn("payroll-payouts"),
      ...hour(17, now),
    }),
    row({
      namespace: "payroll",
      pod: "payouts-1",
      workload: "StatefulSet/payouts",
      role: uiRoleArn("payroll-payouts"),
      ...hour(4, now),
    }),
    row({
      namespace: "payroll",
      pod: "audit-29401",
      workload: "CronJob/audit",
      role: uiRoleArn("shared-reports"),
      container: "report",
      created: at(-35_000, now),
      ...hour(0.5, now),
    }),
    row({
      namespace: "data",
      pod: "etl-5f4d-zz9xv",
      workload: "Deployment/etl",
      role: uiRoleArn("shared-reports"),
      container: "loader",
    }),
    row({
      ...{ namespace: "payroll", pod: "export-6b7c9-4tq8w", workload: "Deployment/export" },
      ...{ role: uiRoleArn("payroll-export"), expires: at(11 * MINUTE, now), renewed: at(-49 * MINUTE, now) },
    }),
    row({
      namespace: "data",
      pod: "lake-0",
      workload: "StatefulSet/lake",
      role: uiRoleArn("data-lake"),
      expires: at(-4 * MINUTE, now),
      renewed: at(-64 * MINUTE, now),
      code: "STS_UNAVAILABLE",
      next: CHECK_STEP,
    }),
    without(
      row({
        namespace: "legacy",
        pod: "importer-1",
        workload: "Job/importer",
        role: uiRoleArn("legacy-import"),
        phase: "not injected",
        next: "kubectl -n legacy delete pod/importer-1  # its controller creates it again",
      }),
    ),
    row({
      namespace: "data",
      pod: "old-77-w",
      workload: "Deployment/old",
      role: uiRoleArn("data-lake"),
      phase: "terminating",
    }),
  ];
}

function smallRefusals(now: number): readonly RefusedRow[] {
  const forbidden = `Cannot give role ${uiRoleArn("payroll-admin")} to pod "shop/intruder" container "app": namespace "shop" permits "arn:aws:iam::123456789012:role/shop-.*" (iam.amazonaws.com/permitted), which does not match`;
  return [
    {
      time: at(-20_000, now),
      since: at(-655_000, now),
      count: 4,
      namespace: "shop",
      pod: "mailer-6f7d9-hx5pl",
      container: "app",
      role: uiRoleArn("shop-mial"),
      code: "STS_DENIED",
      message: TYPO,
      ...TYPO_STEPS,
      recovery: TYPO_RECOVERY,
      from: "server",
    },
    {
      time: at(-45_000, now),
      since: at(-14 * MINUTE, now),
      count: 7,
      namespace: "shop",
      pod: "replicaset/intruder-6c9d7",
      container: "",
      role: uiRoleArn("payroll-admin"),
      code: "ROLE_FORBIDDEN",
      message: forbidden,
      ...FORBIDDEN_STEPS,
      from: "event",
    },
    {
      time: at(-20_000, now),
      since: at(-38 * MINUTE, now),
      count: 12,
      namespace: "data",
      pod: "lake-0",
      container: "app",
      role: uiRoleArn("data-lake"),
      code: "STS_UNAVAILABLE",
      message: "Cannot assume role: STS did not answer within 5 s; expected an answer",
      next: CHECK_STEP,
      from: "server",
    },
    {
      time: at(-2 * MINUTE, now),
      since: at(-24 * MINUTE, now),
      count: 2 + HELD_BACK,
      namespace: "shop",
      pod: "cart-5c6b8-9qwzt",
      container: "worker",
      role: uiRoleArn("shop-queue"),
      code: "STS_THROTTLED",
      message: "Cannot assume role: STS answered Throttling; expected credentials",
      next: CHECK_STEP,
      from: "server",
    },
    ...["c2xkw", "r7lpq", "t9vzd", "b4hnm"].map((end, index) => ({
      time: at((-40 - index) * MINUTE, now),
      since: at((-43 - index) * MINUTE, now),
      count: 2 + index,
      namespace: "data",
      pod: `etl-5f4d-${end}`,
      container: "loader",
      role: uiRoleArn("shared-reports"),
      code: "STS_UNAVAILABLE",
      message: "Cannot assume role: STS did not answer within 5 s; expected an answer",
      next: CHECK_STEP,
      from: "server" as const,
    })),
  ];
}

function smallTrust(now: number): readonly TrustRow[] {
  const print = (byte: string) => Array.from({ length: 32 }, () => byte).join(":");
  return [
    {
      slot: "next",
      subject: "CN=podrole CA 2",
      fingerprint: print("A1"),
      since: at(-2 * DAY, now),
      expires: at(363 * DAY, now),
      inBundle: true,
      inCaBundle: true,
    },
    {
      slot: "current",
      subject: "CN=podrole CA 1",
      fingerprint: print("B2"),
      since: at(-242 * DAY, now),
      expires: at(123 * DAY, now),
      inBundle: true,
      inCaBundle: true,
    },
  ];
}

/** Refusals of the throttled container that STS was not asked about. */
const HELD_BACK = 3;
/** Calls of the six days before the last hour. */
const EARLIER_CALLS = { OK: 8_316, STS_DENIED: 5, STS_THROTTLED: 14, STS_UNAVAILABLE: 5 };

const SHOWN_CODES = ["STS_DENIED", "ROLE_FORBIDDEN", "STS_UNAVAILABLE", "STS_THROTTLED"] as const;

/** One of everything. */
export function smallSnapshot(change: Partial<UiSnapshot> = {}, now = UI_NOW): UiSnapshot {
  const [pods, refusals, trust] = [smallPods(now), smallRefusals(now), smallTrust(now)];
  return {
    ...{ version: "0.1.0", at: at(0, now), pods, refusals, trust },
    refusalsSince: at(-DAY, now),
    installation: {
      namespace: "podrole",
      server: { namespace: "podrole", name: "podrole-server", ready: 2, wanted: 2 },
      webhook: { namespace: "podrole", name: "podrole-webhook", ready: 2, wanted: 2 },
      isRegistered: true,
      isAbsent: false,
    },
    leafSeconds: Object.fromEntries(trust.map(({ fingerprint }) => [fingerprint, 3_600])),
    rotation: {
      leafSeconds: 3_600,
      outlook: [{ step: "sign", at: at(58 * DAY, now) }],
      waitsFor: [
        { step: "prepare", reason: "there is a next CA already; podrole rotate activate makes it sign" },
        { step: "retire", reason: "there is no previous CA" },
      ],
    },
    sts: stsOfCluster(
      {
        ...{ pods, refusals, cronNamespace: "payroll", cronMinutes: 2 },
        ...{ heldBack: HELD_BACK, earlier: EARLIER_CALLS },
      },
      now,
    ),
    replicas: ["a", "b"].map((name) => ({
      name: `podrole-server-${name}`,
      version: "0.1.0",
      startedAt: at(-6 * DAY, now),
      answeredAt: at(0, now),
      problems: [],
    })),
    namespaces: [
      { name: "shop", isLabelled: true, permitted: "arn:aws:iam::123456789012:role/shop-.*" },
      { name: "payroll", isLabelled: true, permitted: "arn:aws:iam::123456789012:role/(payroll|shared)-.*" },
      { name: "data", isLabelled: true, permitted: "arn:aws:iam::123456789012:role/(data|shared)-.*" },
      ...["legacy", "archive", "billing", "search"].map((name) => ({ name, isLabelled: false })),
    ],
    briefs: Object.fromEntries(SHOWN_CODES.map((code) => [code, briefOf(code)])),
    remedies: Object.fromEntries(SHOWN_CODES.map((code) => [code, ERRORS[code].remedy])),
    ...{ similarRoles: {}, earlierCaPods: [] },
    unknown: { pods: [], refusals: [], trust: [], sts: [], namespaces: [] },
    ...change,
  };
}

/** `pods` pods in 50 namespaces that share `roles` roles. */
export function largeSnapshot(pods: number, roles: number, now = UI_NOW): UiSnapshot {
  const rows = Array.from({ length: pods }, (_, index) => {
    const namespace = `team-${index % 50}`;
    const workload = `service-${Math.floor(index / 5)}`;
    const isWell = index % 97 !== 0;
    return podRow(
      {
        ...{ namespace, pod: `${workload}-${index}`, workload: `Deployment/${workload}`, uid: `u-${index}` },
        ...{ role: uiRoleArn(`team-role-${index % roles}`), expires: at((5 + (index % 50)) * MINUTE, now) },
        ...(!isWell && { code: "STS_THROTTLED" }),
      },
      now,
    );
  });
  return smallSnapshot({ pods: rows, refusals: [] }, now);
}
