// What there is to say about a pod that moves. The weight of the heaviest finding is the pod's verdict.

/** Ascending. "note": nothing changes by it; "change": it works, but differs; "work": something must be done first;
 * "refused": podrole would not let the pod be created. */
export const WEIGHTS = ["note", "change", "work", "refused"] as const;
export type Weight = (typeof WEIGHTS)[number];

export const VERDICTS = ["unchanged", "changed", "needsWork", "refused"] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface Finding {
  /** Machine-readable, stable. */
  readonly id: FindingId;
  readonly weight: Weight;
  /** One sentence, no full stop. */
  readonly text: string;
  /** What a person does about it: a sentence, or a command that begins with "kubectl". */
  readonly todo?: string;
}

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
  "metadata-paths",
  "metadata-endpoint",
  "sdk-too-old",
  "shadowed",
  "warning",
] as const;
export type FindingId = (typeof FINDING_IDS)[number];

export function verdictOf(findings: readonly Finding[]): Verdict {
  const heaviest = Math.max(0, ...findings.map(({ weight }) => WEIGHTS.indexOf(weight)));
  return VERDICTS[heaviest] as Verdict;
}
