// The CA's slots for people and machines: ages, what the servers do next by themselves, which verb is possible now.
import { X509Certificate } from "node:crypto";
import { type Authorities, outlook, type RotationOptions, type RotationVerb, rotate } from "../../pki/authorities.ts";
import { ageInWords } from "../check/words.ts";

export interface SlotStatus {
  readonly slot: "next" | "current" | "previous";
  readonly subject: string;
  /** SHA-256 of the certificate, as openssl prints it. */
  readonly fingerprint: string;
  /** RFC 3339: published since (next), signing since (current), replaced since (previous). */
  readonly since: string;
  readonly expires: string;
}

export interface RotationStatus {
  readonly slots: readonly SlotStatus[];
  /** What the servers do by themselves, soonest first. */
  readonly outlook: readonly { readonly step: "publish" | "sign" | "forget"; readonly at: string }[];
  /** By verb: why it is refused now; absent when it is possible. */
  readonly refused: Readonly<Partial<Record<RotationVerb, string>>>;
}

const VERBS = ["prepare", "activate", "retire"] as const;

/** `now` is Unix milliseconds. */
export function statusOf(held: Authorities, now: number, options: RotationOptions): RotationStatus {
  const { next, current, previous } = held;
  const refused = VERBS.flatMap((verb) => {
    const result = rotate(verb, held, now, options);
    return typeof result === "string" ? [[verb, result] as const] : [];
  });
  return {
    slots: [
      ...(next ? [slotStatus("next", next.authority.certificatePem, next.since)] : []),
      slotStatus("current", current.authority.certificatePem, current.since),
      ...(previous ? [slotStatus("previous", previous.certificatePem, previous.since)] : []),
    ],
    outlook: outlook(held, options).map(({ step, at }) => ({ step, at: new Date(at).toISOString() })),
    refused: Object.fromEntries(refused),
  };
}

function slotStatus(slot: SlotStatus["slot"], pem: string, since: number): SlotStatus {
  const { subject, fingerprint256, validToDate } = new X509Certificate(pem);
  return {
    slot,
    subject: subject.replaceAll("\n", ", "),
    fingerprint: fingerprint256,
    since: new Date(since).toISOString(),
    expires: validToDate.toISOString(),
  };
}

const SINCE = { next: "published", current: "signs", previous: "replaced" } as const;
const STEPS = {
  publish: "a next CA is made and published",
  sign: "the next CA signs",
  forget: "the previous CA is forgotten",
} as const;

export function statusText({ slots, outlook: steps, refused }: RotationStatus, now: number): string {
  const lines = [
    ...slots.map(({ slot, subject, fingerprint, since, expires }) => {
      const left = Date.parse(expires) - now;
      const end = left > 0 ? `expires in ${ageInWords(left)}` : `expired ${ageInWords(-left)} ago`;
      const age = ageInWords(now - Date.parse(since));
      return `${slot.padEnd(8)}  ${subject}  ${SINCE[slot]} since ${age}, ${end}  ${fingerprint.slice(0, 23)}…`;
    }),
    "",
    "by themselves the servers do:",
    ...steps.map(({ step, at }) => `  ${whenInWords(Date.parse(at), now)}: ${STEPS[step]}`),
    "",
    ...VERBS.map((verb) => `podrole rotate ${verb}: ${refused[verb] ?? "possible now"}`),
  ];
  return `${lines.join("\n")}\n`;
}

function whenInWords(at: number, now: number): string {
  return at <= now ? "at their next look" : `in ${ageInWords(at - now)} (${new Date(at).toISOString()})`;
}
