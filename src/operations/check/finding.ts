// Checks and their findings as data. A check is a pure function of facts; nothing here reads the cluster.

import type { Known, Unknown } from "../known.ts";
import { type StepFields, stepFields } from "../next-steps.ts";
import type { Diagnosis } from "../sidecar-diagnosis.ts";
import type { Facts } from "./facts.ts";

/** "skipped": the facts that the check needs are unknown. */
export type CheckState = "ok" | "warning" | "failed" | "skipped";

/** What a check says about the cluster, or about one object, with the diagnosis of podrole explain and status. */
export interface CheckVerdict extends StepFields, Partial<Diagnosis> {
  readonly state: CheckState;
  /** The state in one sentence, with the expected state for a problem, or the reason for a skipped check. */
  readonly message: string;
  /** The object, if the check judges several: "pod shop/orders-1". */
  readonly object?: string;
  /**
   * Set if the check could not look: permissions that the caller lacks, such as "list on pods in namespace shop"; empty
   * if something else failed. Absent if there is nothing to look at.
   */
  readonly needs?: readonly string[];
}

/** A check: when it runs, what it expects, and how it judges the facts. */
export interface Check {
  readonly section: Section;
  /** One sentence for the check's page (CHECK_PAGES): the state that the check expects. */
  readonly summary: string;
  /** What the operator does about a problem. */
  readonly remedy: string;
  /** Runs with --pre, without it ("installed"), or always. */
  readonly when: "pre" | "installed" | "always";
  /** If it fails, there is nothing for the other checks to judge, and its verdict is the only one. */
  readonly isPrecondition?: true;
  readonly judge: (facts: Facts) => CheckVerdict | readonly CheckVerdict[];
}

/** A check without what it shares with the others of its table. */
export type CheckRow = Omit<Check, "section" | "when">;

/** Checks by id, in the order of the output. */
export type CheckTable = Readonly<Record<string, Check>>;

/** Puts checks into one section of the output and one phase. */
export function inSection(section: Section, when: Check["when"], rows: Readonly<Record<string, CheckRow>>): CheckTable {
  return Object.fromEntries(Object.entries(rows).map(([id, row]) => [id, { section, when, ...row }]));
}

/** Sections of the output, with what their checks are about. */
export const CHECK_SECTIONS = {
  prerequisites: "the cluster and your permissions",
  rights: "RBAC permissions of podrole's programs",
  installation: "what is deployed",
  trust: "certificates, and which components trust them",
  registration: "how the API server calls the webhook",
  running: "metrics of the programs",
  workloads: "namespaces and pods that use podrole",
  nodes: "what pods can reach on their nodes",
} as const;

/** The id of a section, as JSON has it. */
export type Section = keyof typeof CHECK_SECTIONS;

/** Pages of docs/ that describe the checks of each section, one heading for each. */
export const CHECK_PAGES: Readonly<Record<Section, string>> = {
  prerequisites: "docs/checks-installation.md",
  rights: "docs/checks-installation.md",
  installation: "docs/checks-installation.md",
  trust: "docs/checks-trust.md",
  registration: "docs/checks-trust.md",
  running: "docs/checks-trust.md",
  workloads: "docs/checks-workloads.md",
  nodes: "docs/checks-workloads.md",
};

/** Pages that remedies link to. */
export const REMEDY_PAGES = {
  install: "[docs/install.md](install.md)",
  outages: "[docs/outages.md](outages.md)",
  rotate: "[docs/ca.md](ca.md)",
  upgrade: "[docs/operate.md](operate.md#upgrade)",
  errors: "[docs/errors.md](errors.md)",
  apiServer: "[docs/api-server.md](api-server.md)",
} as const;

/** A verdict with the check that it is from. */
export interface Finding extends CheckVerdict {
  readonly id: string;
  readonly section: Section;
  /** The heading that explains the check: "docs/checks-trust.md#ca_slots". */
  readonly hint: string;
}

/** A verdict: as expected. */
export const ok = (message: string): CheckVerdict => ({ state: "ok", message });
/** A verdict: not judged, with the reason. */
export const skipped = (message: string): CheckVerdict => ({ state: "skipped", message });
/** A verdict: not judged, because a fact is unknown. */
export const skippedUnknown = ({ unknown, needs }: Unknown): CheckVerdict => ({
  ...skipped(unknown),
  ...(needs && { needs }),
});
/** A verdict: podrole works, but not as it should. `object`: the one that is concerned. */
export const warning = (message: string, object?: string): CheckVerdict => verdictAbout("warning", message, object);
/** A verdict: podrole, or pods that use it, cannot work. `object`: the one that is concerned. */
export const failed = (message: string, object?: string): CheckVerdict => verdictAbout("failed", message, object);

function verdictAbout(state: CheckState, message: string, object: string | undefined): CheckVerdict {
  return { state, message, ...(object !== undefined && { object }) };
}

/** Returns the verdict with the operator's next commands. */
export const withNext = (verdict: CheckVerdict, ...steps: readonly string[]): CheckVerdict => ({
  ...verdict,
  ...stepFields(steps),
});

/** Returns the verdict with the diagnosis, as far as there is one, and the commands. */
export function withDiagnosis(
  verdict: CheckVerdict,
  { cause, remedy, scope, recovery, requires, forAll, verify }: Partial<Diagnosis>,
  steps: readonly string[],
): CheckVerdict {
  return {
    ...verdict,
    ...(cause !== undefined && { cause }),
    ...(remedy !== undefined && { remedy }),
    ...(scope !== undefined && { scope }),
    ...(recovery !== undefined && { recovery }),
    ...(requires !== undefined && { requires }),
    ...(forAll !== undefined && { forAll }),
    ...(verify !== undefined && { verify }),
    ...stepFields(steps),
  };
}

/** Judges a known fact; skips an unknown one with its reason. */
export function judgeKnown<T>(known: Known<T>, judge: (value: T) => CheckVerdict | readonly CheckVerdict[]) {
  return "unknown" in known ? skippedUnknown(known) : judge(known.value);
}

/** Returns the problems, or one ok if there are none. */
export function problemsOrOk(
  problems: readonly CheckVerdict[],
  message: string,
): CheckVerdict | readonly CheckVerdict[] {
  return problems.length > 0 ? problems : ok(message);
}

/** Runs the checks of a phase, in the order of the table, except those of `skip`: ids or sections. */
export function findingsOf(
  checks: CheckTable,
  facts: Facts,
  phase: "pre" | "installed",
  skip: readonly string[] = [],
): readonly Finding[] {
  const selected = Object.entries(checks).filter(
    ([id, { when, section }]) => (when === "always" || when === phase) && !skip.includes(id) && !skip.includes(section),
  );
  const preconditions = selected.filter(([, { isPrecondition }]) => isPrecondition).flatMap(judgeFacts);
  const unmet = preconditions.filter(({ state }) => state === "failed");
  return unmet.length > 0 ? unmet : selected.flatMap(judgeFacts);

  function judgeFacts([id, { section, judge }]: (typeof selected)[number]): readonly Finding[] {
    const hint = `${CHECK_PAGES[section]}#${id.toLowerCase()}`;
    return [judge(facts)].flat().map((verdict): Finding => Object.assign({ id, section, hint }, verdict));
  }
}

/** True unless a finding failed; warnings and skipped checks are accepted. */
export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ state }) => state !== "failed");
}

/** True unless a check could not look at what it judges. */
export function hasLooked(findings: readonly Finding[]): boolean {
  return findings.every(({ needs }) => needs === undefined);
}
