// Why a container lacks what it needs, in one short sentence, and what belongs to it. Pure.
import type { PodRow } from "../../src/operations/status/model.ts";
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import { causeMessage } from "./cause.ts";
import { shortRole } from "./roles.ts";
import { holdStateOf, STATE_LOOKS } from "./state.ts";

/** The texts that a sentence is made from. */
export type WhyContext = Pick<UiSnapshot, "briefs" | "similarRoles">;

/** Returns the sentence; undefined for a container that has what it needs. */
export function whyOf(row: PodRow, { briefs, similarRoles }: WhyContext, now: number): string | undefined {
  const { code, role, message, cause, phase, reason } = row;
  const state = holdStateOf(row, now);
  if (state === "holding" || state === "leaving") return causeMessage(row, undefined);
  const meant = role === undefined ? undefined : similarRoles[role];
  const forbidden = forbiddenText(row);
  if (forbidden !== undefined) return forbidden;
  if (code !== undefined && meant !== undefined) return `Perhaps a misspelt role: containers hold ${shortRole(meant)}.`;
  if (code !== undefined) return briefs[code] ?? message ?? STATE_LOOKS[state].meaning;
  if (message !== undefined && state === "overdue") return `Probably ${EARLIER_CA}`;
  if (message !== undefined && state === "expired")
    return `${STATE_LOOKS.expired.meaning.slice(0, -1)}: probably ${EARLIER_CA}`;
  if (state === "overdue") return "Its renewal should have come by now.";
  if (cause !== undefined) return cause;
  if (state === "starting" && reason !== undefined) return `${phase}: ${reason}`;
  return STATE_LOOKS[state].meaning;
}

/** Without a code, a message comes from the comparison of times with the rotation. */
const EARLIER_CA = "its sidecar trusts only an earlier CA.";

/** Which role a namespace does not permit; undefined for other refusals. */
export function forbiddenText({
  code,
  role,
  namespace,
}: Pick<PodRow, "code" | "role" | "namespace">): string | undefined {
  if (code !== "ROLE_FORBIDDEN" || role === undefined) return undefined;
  return `Namespace ${namespace} does not permit ${shortRole(role)}.`;
}
