// Text of podrole rotate: the status of the CA, and what a step means for servers and pods.

import { formatAge } from "../../operations/format.ts";
import type { RotationVerb } from "../../pki/authorities.ts";
import { OPERATOR_STEPS, type RotationStatus } from "../../pki/rotation-status.ts";

/** What happens after each step. */
export const STEP_RESULTS: Readonly<Record<RotationVerb, string>> = {
  prepare: "the Secret contains a next CA; the servers publish it within one minute",
  activate: "the next CA is now the current one; every server signs with it within one minute",
  retire: "the previous CA is removed from the Secret; the servers remove it from the trust bundle within one minute",
};

/** The risk that --force accepted. */
export const FORCED_STEP_RESULTS: Readonly<Record<RotationVerb, string>> = {
  prepare: "if there was already a next CA, it has been replaced",
  activate: "pods that have not yet received the new CA cannot renew; restart the pods that do not recover",
  retire: "certificates signed by the previous CA are no longer accepted; restart the pods that do not recover",
};

const SLOT_AGE_TEXTS = {
  next: (age: string) => `published ${age} ago`,
  current: (age: string) => `signing for ${age}`,
  previous: (age: string) => `replaced ${age} ago`,
} as const;
const STEP_TEXTS = {
  publish: "create and publish a next CA",
  sign: "sign with the next CA",
  forget: "remove the previous CA",
} as const;

/** The status as text; `now` is Unix milliseconds. */
export function rotationText({ slots, outlook: steps, refused }: RotationStatus, now: number): string {
  const lines = [
    ...slots.map(({ slot, subject, fingerprint, since, expires }) => {
      const left = Date.parse(expires) - now;
      const end = left > 0 ? `expires in ${formatAge(left)}` : `expired ${formatAge(-left)} ago`;
      const age = formatAge(now - Date.parse(since));
      return `${slot.padEnd(8)}  ${subject}  ${SLOT_AGE_TEXTS[slot](age)}, ${end}  ${fingerprint.slice(0, 23)}…`;
    }),
    "",
    "the servers will:",
    ...steps.map(({ step, at }) => `  ${formatDueTime(Date.parse(at), now)}: ${STEP_TEXTS[step]}`),
    "",
    ...OPERATOR_STEPS.map((verb) => `podrole rotate ${verb}: ${refused[verb] ?? "possible now"}`),
  ];
  return `${lines.join("\n")}\n`;
}

function formatDueTime(at: number, now: number): string {
  return at <= now
    ? "at their next check, within one minute"
    : `in ${formatAge(at - now)} (${new Date(at).toISOString()})`;
}
