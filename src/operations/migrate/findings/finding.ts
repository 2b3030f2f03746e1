// Findings about a pod that is to move. The weight of its heaviest finding is the pod's verdict.

/**
 * In ascending order. "note": nothing changes; "change": the pod works, but something differs; "work": something must
 * be done first; "refused": podrole would refuse the pod's creation.
 */
export const FINDING_WEIGHTS = ["note", "change", "work", "refused"] as const;
/** How much a finding matters. */
export type FindingWeight = (typeof FINDING_WEIGHTS)[number];

/** The verdicts that follow from the weights, in the same order. */
export const POD_VERDICTS = ["unchanged", "changed", "needsWork", "refused"] as const;
/** What a migration means for a pod. */
export type PodVerdict = (typeof POD_VERDICTS)[number];

/** One difference between today and podrole, for one pod. */
export interface MigrationFinding {
  /** Machine-readable, stable. */
  readonly id: FindingId;
  readonly weight: FindingWeight;
  /** One sentence, no full stop. */
  readonly text: string;
  /** What the operator should do: a sentence, or a command that begins with "kubectl". */
  readonly todo?: string;
}

/** Every id; docs/migrate-report.md has a row for each. */
export const FINDING_IDS = [
  "refused",
  "crashed-kiam",
  "loses-role",
  "gets-role",
  "role-differs",
  "session-name",
  "external-id",
  "host-network",
  "windows",
  "place",
  "opted-out",
  "static-pod",
  "edited",
  "annotation-key",
  "does-not-complete",
  "dns-policy",
  "metadata-paths",
  "metadata-endpoint",
  "sdk-too-old",
  "shadowed",
  "warning",
] as const;
/** The id of a finding, as JSON has it. */
export type FindingId = (typeof FINDING_IDS)[number];

/** The verdict of the heaviest finding; "unchanged" without findings. */
export function verdictOf(findings: readonly MigrationFinding[]): PodVerdict {
  const heaviest = Math.max(0, ...findings.map(({ weight }) => FINDING_WEIGHTS.indexOf(weight)));
  return POD_VERDICTS[heaviest] as PodVerdict;
}
