// The state of one container as the page colours it, from a row of podrole status. Pure.
import type { PodRow } from "../../src/operations/status/model.ts";

/** From the worst to the best. */
export const HOLD_STATES = [
  "expired",
  "refused",
  "failing",
  "bare",
  "starting",
  "unknown",
  "leaving",
  "holding",
] as const;

/** What a container has now. */
export type HoldState = (typeof HOLD_STATES)[number];

/** How a state is shown: never by colour alone. */
export interface StateLook {
  readonly label: string;
  readonly glyph: string;
  readonly tone: "good" | "bad" | "notice" | "muted" | "wait";
  readonly meaning: string;
}

/** The look of each state. */
export const STATE_LOOKS: Readonly<Record<HoldState, StateLook>> = {
  expired: { label: "expired", glyph: "✕", tone: "bad", meaning: "its credentials have expired" },
  refused: { label: "refused", glyph: "✕", tone: "bad", meaning: "it was refused, and has no credentials" },
  failing: {
    label: "not renewed",
    glyph: "▲",
    tone: "notice",
    meaning: "it has credentials, and their last renewal was refused",
  },
  bare: { label: "not injected", glyph: "○", tone: "bad", meaning: "the pod names a role and has no podrole-sidecar" },
  starting: { label: "waiting", glyph: "◔", tone: "wait", meaning: "its sidecar has no credentials yet" },
  unknown: { label: "unknown", glyph: "?", tone: "muted", meaning: "it cannot be said what it holds" },
  leaving: { label: "terminating", glyph: "–", tone: "muted", meaning: "the pod is being deleted" },
  holding: { label: "valid", glyph: "●", tone: "good", meaning: "it has valid credentials" },
};

/** Returns the state at `now` (Unix milliseconds). */
export function holdStateOf({ phase, expires, code }: PodRow, now: number): HoldState {
  if (phase === "terminating") return "leaving";
  if (phase === "not injected") return "bare";
  if (expires !== undefined) {
    if (Date.parse(expires) <= now) return "expired";
    return code === undefined ? "holding" : "failing";
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
