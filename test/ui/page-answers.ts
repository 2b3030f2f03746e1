// Answers to a page that a view asks for alone: a migration, the audit lines of one pod, and who could have a role.
import type { UiMigration, UiRoleUser } from "../../src/operations/ui/model.ts";
import { uiRoleArn } from "./snapshots.ts";

/** The cluster of the small snapshot: its injected pods have moved, and its one that is not injected is refused. */
export const MIGRATION: UiMigration = {
  report: {
    ...{ from: "kiam", pods: 71, moved: 12, withoutRole: 24 },
    counts: { unchanged: 46, changed: 16, needsWork: 7, refused: 2 },
    general: ["Pods are restarted once, so that the webhook can inject them"],
    problems: [],
  },
  waves: [
    [{ name: "search", pods: 7, risk: 0, findings: [] }],
    [{ name: "billing", pods: 16, risk: 1, findings: ["session names change to namespace.pod"] }],
  ],
  postponed: [
    {
      ...{ name: "legacy", pods: 9, risk: 2 },
      findings: [
        'namespace "legacy" does not permit legacy-import: permit it in iam.amazonaws.com/permitted',
        "the SDK is older than 2023: update it, or set podrole.io/metadata",
      ],
    },
    {
      ...{ name: "archive", pods: 3, risk: 2 },
      findings: ["it uses the host's network, on which podrole-sidecar cannot serve: remove hostNetwork"],
    },
  ],
  refused: [
    {
      ...{ namespace: "legacy", kind: "Job", name: "importer", pods: 1 },
      findings: ['namespace "legacy" does not permit legacy-import: permit it in iam.amazonaws.com/permitted'],
    },
    {
      ...{ namespace: "archive", kind: "CronJob", name: "snapshot", pods: 1 },
      findings: ["it uses the host's network, on which podrole-sidecar cannot serve: remove hostNetwork"],
    },
  ],
};

/** Of the pod whose role STS denies: its four attempts are those of its refusal. */
export const AUDIT = {
  value: [
    {
      at: "2026-06-01T11:49:01Z",
      what: "admitted",
      text: `by system:serviceaccount:kube-system:replicaset-controller for ReplicaSet/mailer-6f7d9; app=${uiRoleArn("shop-mial")}`,
    },
    { at: "2026-06-01T11:49:04Z", what: "certificate", text: "serial 1f:6a:03 for pod uid u-5, proved by JTI=6d0e" },
    ...["11:49:05", "11:51:40", "11:55:10", "11:59:40"].map((time) => ({
      at: `2026-06-01T${time}Z`,
      what: "refused",
      text: "credentials of app: STS_DENIED: Cannot assume role",
    })),
  ],
};

/** Who could have a role of the small cluster. */
export const ROLE_USERS: readonly UiRoleUser[] = [
  { namespace: "data", isLabelled: true, isPermitted: true },
  { namespace: "payroll", isLabelled: true, isPermitted: true },
  ...["archive", "billing", "legacy", "search"].map((namespace) => ({
    namespace,
    isLabelled: false,
    isPermitted: false,
    why: `namespace "${namespace}" permits no role`,
  })),
  {
    namespace: "shop",
    isLabelled: true,
    isPermitted: false,
    why: 'namespace "shop" permits "arn:aws:iam::123456789012:role/shop-.*"',
  },
];
