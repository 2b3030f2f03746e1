// Answers to a page that a view asks for alone: a migration, the audit lines of one pod, and who could have a role.
import type { UiMigration, UiRoleUser } from "../../src/operations/ui/model.ts";
import { uiRoleArn } from "./snapshots.ts";

export const MIGRATION: UiMigration = {
  report: {
    from: "kiam",
    pods: 214,
    counts: { unchanged: 171, changed: 31, needsWork: 9, refused: 3 },
    moved: 62,
    withoutRole: 103,
    general: ["Pods are restarted once, so that the webhook can inject them"],
    problems: [],
  },
  waves: [
    [{ name: "data", pods: 6, risk: 0, findings: [] }],
    [{ name: "payroll", pods: 31, risk: 1, findings: ["session names change to namespace.pod"] }],
  ],
  postponed: [
    {
      name: "legacy",
      pods: 11,
      risk: 2,
      findings: ["the SDK is older than 2023: update it, or set podrole.io/metadata"],
    },
    {
      name: "archive",
      pods: 1,
      risk: 2,
      findings: ["it uses the host's network, on which podrole-sidecar cannot serve: remove hostNetwork"],
    },
  ],
  refused: [
    {
      namespace: "legacy",
      kind: "Deployment",
      name: "importer",
      pods: 2,
      findings: ['namespace "legacy" does not permit legacy-import: permit it in iam.amazonaws.com/permitted'],
    },
    {
      namespace: "archive",
      kind: "CronJob",
      name: "snapshot",
      pods: 1,
      findings: ["it uses the host's network, on which podrole-sidecar cannot serve: remove hostNetwork"],
    },
  ],
};
export const AUDIT = {
  value: [
    {
      at: "2026-06-01T11:49:01Z",
      what: "admitted",
      text: `by system:serviceaccount:kube-system:replicaset-controller for ReplicaSet/mailer-6f7d9; app=${uiRoleArn("shop-mial")}`,
    },
    { at: "2026-06-01T11:49:04Z", what: "certificate", text: "serial 1f:6a:03 for pod uid u-5, proved by JTI=6d0e" },
    { at: "2026-06-01T11:49:05Z", what: "refused", text: "credentials of app: STS_DENIED: Cannot assume role" },
  ],
};

/** Who could have a role of the small cluster. */
export const ROLE_USERS: readonly UiRoleUser[] = [
  { namespace: "data", isLabelled: true, isPermitted: true },
  { namespace: "payroll", isLabelled: true, isPermitted: true },
  { namespace: "legacy", isLabelled: false, isPermitted: false, why: 'namespace "legacy" permits no role' },
  {
    namespace: "shop",
    isLabelled: true,
    isPermitted: false,
    why: 'namespace "shop" permits "arn:aws:iam::123456789012:role/shop-.*"',
  },
];
