// What a check says of a cluster: findings as data. A check is a pure function of facts; nothing here asks anything.
import type { Facts, Known } from "./facts.ts";

export type State = "ok" | "warning" | "failed" | "skipped";

export interface Verdict {
  readonly state: State;
  /** For people: the state in one sentence, with what was wanted where it is not well; why, when skipped. */
  readonly message: string;
  /** What it is about, where a check looks at many: "pod shop/orders-1". */
  readonly object?: string;
}

export interface Check {
  readonly section: Section;
  /** One sentence for docs/checks.md: what is looked at. */
  readonly summary: string;
  /** What a person does when it is not well. */
  readonly remedy: string;
  /** Asked before podrole is installed ("pre"), afterwards ("installed"), or always. */
  readonly when: "pre" | "installed" | "always";
  readonly judge: (facts: Facts) => Verdict | readonly Verdict[];
}

export type CheckTable = Readonly<Record<string, Check>>;

export const SECTIONS = {
  prerequisites: "the cluster and the person who asks",
  rights: "what RBAC lets podrole's programs do",
  installation: "what is deployed",
  trust: "certificates and who believes them",
  registration: "how the API server calls the webhook",
  running: "what the programs say of themselves",
  workloads: "namespaces and pods that use podrole",
  nodes: "what pods reach besides podrole",
} as const;

export type Section = keyof typeof SECTIONS;

export interface Finding extends Verdict {
  readonly id: string;
  readonly section: Section;
  /** Where the check is explained. */
  readonly hint: string;
}

export const ok = (message: string): Verdict => ({ state: "ok", message });
export const skipped = (message: string): Verdict => ({ state: "skipped", message });
export const warning = (message: string, object?: string): Verdict => about("warning", message, object);
export const failed = (message: string, object?: string): Verdict => about("failed", message, object);

function about(state: State, message: string, object: string | undefined): Verdict {
  return { state, message, ...(object !== undefined && { object }) };
}

/** Judges what is known; skips, with the reason, what is not. */
export function given<T>(known: Known<T>, judge: (value: T) => Verdict | readonly Verdict[]) {
  return "unknown" in known ? skipped(known.unknown) : judge(known.value);
}

/** The problems, or one ok when there are none. */
export function orOk(problems: readonly Verdict[], message: string): Verdict | readonly Verdict[] {
  return problems.length > 0 ? problems : ok(message);
}

export function findingsOf(checks: CheckTable, facts: Facts, phase: "pre" | "installed"): readonly Finding[] {
  return Object.entries(checks)
    .filter(([, { when }]) => when === "always" || when === phase)
    .flatMap(([id, { section, judge }]) => {
      const hint = `docs/checks.md#${id.toLowerCase()}`;
      return [judge(facts)].flat().map((verdict): Finding => Object.assign({ id, section, hint }, verdict));
    });
}

/** True unless a finding failed; warnings and skipped checks are accepted. */
export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ state }) => state !== "failed");
}
