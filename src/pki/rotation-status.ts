// Status of the CA: its slots with their ages, the steps that servers take next, and the steps that are possible now.
import { X509Certificate } from "node:crypto";
import {
  type Authorities,
  type RotationOptions,
  type RotationVerb,
  rotateSlots,
  rotationOutlook,
} from "./authorities.ts";
import { type SlotCertificate, slotCertificates } from "./slots.ts";

/** One CA, without its key. */
export interface SlotStatus {
  readonly slot: "next" | "current" | "previous";
  readonly subject: string;
  /** SHA-256 of the certificate, in the format of openssl. */
  readonly fingerprint: string;
  /** RFC 3339: published since (next), signing since (current), replaced since (previous). */
  readonly since: string;
  readonly expires: string;
}

/** The CA's slots, and what can happen to them next. */
export interface RotationStatus {
  readonly slots: readonly SlotStatus[];
  /** Steps that the servers will take without an operator, soonest first. */
  readonly outlook: readonly { readonly step: "publish" | "sign" | "forget"; readonly at: string }[];
  /** By verb: why it is refused now; absent if it is possible. */
  readonly refused: Readonly<Partial<Record<RotationVerb, string>>>;
}

/** Steps of an operator, in the order of a rotation. */
export const OPERATOR_STEPS = ["prepare", "activate", "retire"] as const;

/** Returns the status at `now` (Unix milliseconds). */
export function statusOf(held: Authorities, now: number, options: RotationOptions): RotationStatus {
  const refused = OPERATOR_STEPS.flatMap((verb) => {
    const result = rotateSlots(verb, held, now, options);
    return result.ok ? [] : [[verb, result.problem] as const];
  });
  return {
    slots: slotCertificates(held).map(slotStatus),
    outlook: rotationOutlook(held, options).map(({ step, at }) => ({ step, at: new Date(at).toISOString() })),
    refused: Object.fromEntries(refused),
  };
}

function slotStatus({ slot, certificatePem, since }: SlotCertificate): SlotStatus {
  const { subject, fingerprint256, validToDate } = new X509Certificate(certificatePem);
  return {
    slot,
    subject: subject.replaceAll("\n", ", "),
    fingerprint: fingerprint256,
    since: new Date(since).toISOString(),
    expires: validToDate.toISOString(),
  };
}
