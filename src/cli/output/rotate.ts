// Text of podrole rotate: the status of the CA, and what a step means for servers and pods.
import type { RotationVerb } from "../../pki/authorities.ts";
import { formatAge } from "../../operations/format.ts";
import { type RotationStatus, VERBS } from "../../operations/rotate/status.ts";

/** What happens after each step. */
export const DONE: Readonly<Record<RotationVerb, string>> = {
  prepare: "the Secret holds a next CA; the servers publish it within a minute",
  activate: "the next CA is now the current one; every server signs with it within a minute",
  retire: "the previous CA is removed from the Secret; the servers remove it from the bundle within a minute",
};

/** The risk that --force accepted. */
export const FORCED: Readonly<Record<RotationVerb, string>> = {
  prepare: "if there was a next CA, it has been replaced",
  activate: "pods that did not receive the new CA yet cannot renew; restart those that do not recover",
  retire: "certificates signed by the previous CA are no longer accepted; restart pods that do not recover",
};

const SINCE = { next: "published", current: "signs", previous: "replaced" } as const;
const STEPS = {
  publish: "create and publish a next CA",
  sign: "sign with the next CA",
  forget: "forget the previous CA",
} as const;

/** The status as text; `now` is Unix milliseconds. */
export function rotationText({ slots, outlook: steps, refused }: RotationStatus, now: number): string {
  const lines = [
    ...slots.map(({ slot, subject, fingerprint, since, expires }) => {
      const left = Date.parse(expires) - now;
      const end = left > 0 ? `expires in ${formatAge(left)}` : `expired ${formatAge(-left)} ago`;
      const age = formatAge(now - Date.parse(since));
      return `${slot.padEnd(8)}  ${subject}  ${SINCE[slot]} since ${age}, ${end}  ${fingerprint.slice(0, 23)}…`;
    }),
    "",
    "the servers will:",
    ...steps.map(({ step, at }) => `  ${formatTime(Date.parse(at), now)}: ${STEPS[step]}`),
    "",
    ...VERBS.map((verb) => `podrole rotate ${verb}: ${refused[verb] ?? "possible now"}`),
  ];
  return `${lines.join("\n")}\n`;
}

function formatTime(at: number, now: number): string {
  return at <= now
    ? "at their next check, within a minute"
    : `in ${formatAge(at - now)} (${new Date(at).toISOString()})`;
}
