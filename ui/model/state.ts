// The state of one container as the page colours it, from a row of podrole status. Pure.
import type { PodRow } from "../../src/operations/status/model.ts";
import { isRenewalOverdue } from "../../src/operations/ui/overdue.ts";
import { isMaker } from "./maker.ts";

/** From the worst to the best. */
export const HOLD_STATES = [
  "expired",
  "refused",
  "blocked",
  "bare",
  "overdue",
  "failing",
  "starting",
  "unknown",
  "leaving",
  "holding",
] as const;

/** What a container has now. */
export type HoldState = (typeof HOLD_STATES)[number];

/** Shapes that tell the states apart without colour. */
export type Glyph = "cross" | "ban" | "hollow" | "late" | "warning" | "clock" | "question" | "dash" | "dot" | "check";

/** How a state is shown: never by colour alone. */
export interface StateLook {
  readonly label: string;
  readonly glyph: Glyph;
  readonly tone: "good" | "bad" | "notice" | "muted" | "wait";
  readonly meaning: string;
}

/** The look of each state. */
export const STATE_LOOKS: Readonly<Record<HoldState, StateLook>> = {
  expired: { label: "expired", glyph: "cross", tone: "bad", meaning: "Its credentials have expired." },
  refused: { label: "refused", glyph: "ban", tone: "bad", meaning: "It was refused, and has no credentials." },
  blocked: {
    label: "blocked",
    glyph: "ban",
    tone: "bad",
    meaning: "Its pods are refused at admission: none was created.",
  },
  bare: {
    label: "not injected",
    glyph: "hollow",
    tone: "bad",
    meaning: "The pod names a role and has no podrole-sidecar.",
  },
  overdue: {
    label: "overdue",
    glyph: "late",
    tone: "notice",
    meaning: "Its credentials are valid, and their renewal should have come by now.",
  },
  failing: {
    label: "not renewed",
    glyph: "warning",
    tone: "notice",
    meaning: "It has credentials, and their last renewal was refused.",
  },
  starting: { label: "waiting", glyph: "clock", tone: "wait", meaning: "Its sidecar has no credentials yet." },
  unknown: { label: "unknown", glyph: "question", tone: "muted", meaning: "It is not known what it holds." },
  leaving: { label: "terminating", glyph: "dash", tone: "muted", meaning: "The pod is being deleted." },
  holding: { label: "valid", glyph: "dot", tone: "good", meaning: "It has valid credentials." },
};

/** States that mean the same for an operator, from the worst to the best. */
export const SEVERITIES = ["failing", "at risk", "pending", "valid"] as const;

/** How much a state matters. */
export type Severity = (typeof SEVERITIES)[number];

/** Its states, and how it is shown. */
export const SEVERITY_LOOKS: Readonly<Record<Severity, StateLook & { readonly states: readonly HoldState[] }>> = {
  failing: {
    ...{ label: "Failing", glyph: "cross", tone: "bad", meaning: "no valid credentials" },
    states: ["expired", "refused", "blocked", "bare"],
  },
  "at risk": {
    ...{ label: "At risk", glyph: "warning", tone: "notice", meaning: "valid credentials that are not renewed" },
    states: ["overdue", "failing"],
  },
  pending: {
    ...{ label: "Pending", glyph: "clock", tone: "wait", meaning: "being started or deleted, or not known" },
    states: ["starting", "unknown", "leaving"],
  },
  valid: { ...{ label: "Valid", glyph: "dot", tone: "good", meaning: "valid credentials" }, states: ["holding"] },
};

const SEVERITY_OF: ReadonlyMap<HoldState, Severity> = new Map(
  SEVERITIES.flatMap((severity) => SEVERITY_LOOKS[severity].states.map((state) => [state, severity] as const)),
);

/** Returns the severity of a state. */
export function severityOf(state: HoldState): Severity {
  return SEVERITY_OF.get(state) ?? "pending";
}

/** Returns how many containers are counted in the states of a severity. */
export function severityCount(counts: StateCounts, severity: Severity): number {
  return SEVERITY_LOOKS[severity].states.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
}

/** What the reader searches for to see the containers of one severity: "is:at-risk". */
export function severitySearch(severity: Severity): string {
  return `is:${severity.replaceAll(" ", "-")}`;
}

/** The tone of a code that stands for no container: throttling delays calls, everything else fails them. */
export function codeTone(code: string): "bad" | "notice" {
  return code === "STS_THROTTLED" ? "notice" : "bad";
}

/** Every view asks for the states of one reading at one time. */
const judged = new WeakMap<PodRow, { readonly state: HoldState; readonly now: number }>();

/** Returns the state at `now` (Unix milliseconds). */
export function holdStateOf(row: PodRow, now: number): HoldState {
  const known = judged.get(row);
  if (known?.now === now) return known.state;
  const state = judge(row, now);
  judged.set(row, { state, now });
  return state;
}

function judge({ pod, phase, expires, renewed, code }: PodRow, now: number): HoldState {
  if (isMaker(pod)) return "blocked";
  if (phase === "terminating") return "leaving";
  if (phase === "not injected") return "bare";
  if (expires !== undefined) {
    if (Date.parse(expires) <= now) return "expired";
    if (code !== undefined) return "failing";
    return isRenewalOverdue({ renewed, expires }, now) ? "overdue" : "holding";
  }
  if (code !== undefined) return "refused";
  if (phase === "ready") return "holding";
  return phase === "unknown" ? "unknown" : "starting";
}

/** Containers by state. */
export type StateCounts = Readonly<Partial<Record<HoldState, number>>>;

/** Counts the states. */
export function countStates(states: readonly HoldState[]): StateCounts {
  const counts: Partial<Record<HoldState, number>> = {};
  for (const state of states) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

/** Returns the worst state that is counted; "unknown" if none is. */
export function worstState(counts: StateCounts): HoldState {
  return HOLD_STATES.find((state) => (counts[state] ?? 0) > 0) ?? "unknown";
}

/** Compares two states for sorting: the worse one comes first. */
export function worseFirst(a: HoldState, b: HoldState): number {
  return HOLD_STATES.indexOf(a) - HOLD_STATES.indexOf(b);
}

/** What the order of a list depends on. */
export interface Urgency {
  readonly state: HoldState;
  /** When the first of its credentials expire. */
  readonly expires: string | undefined;
}

/** Compares two entries of a list: the worse state comes first, and of those at risk what expires first. */
export function urgentFirst(a: Urgency, b: Urgency): number {
  const isAtRisk = severityOf(a.state) === "at risk" && severityOf(b.state) === "at risk";
  const expiryOf = ({ expires }: Urgency) => (expires === undefined ? Infinity : Date.parse(expires));
  return isAtRisk ? expiryOf(a) - expiryOf(b) || 0 : worseFirst(a.state, b.state);
}

/** Returns how many containers are counted. */
export function totalOf(counts: StateCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** "2 refused, 5 valid", the worst first. */
export function countsText(counts: StateCounts): string {
  return HOLD_STATES.flatMap((state) => (counts[state] ? `${counts[state]} ${STATE_LOOKS[state].label}` : [])).join(
    ", ",
  );
}

/** What the reader searches for to see the containers of one state: "is:not-renewed". */
export function stateSearch(state: HoldState): string {
  return `is:${STATE_LOOKS[state].label.replaceAll(" ", "-")}`;
}
