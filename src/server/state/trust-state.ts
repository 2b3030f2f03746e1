// What the server reports about its CA: certificates and times, never a key.
// The status of the slots is computed at most every half minute: one of its questions is answered by creating a CA.
import { X509Certificate } from "node:crypto";
import type { RotationOptions } from "../../pki/authorities.ts";
import { readCertificates } from "../../pki/bundle.ts";
import { OPERATOR_STEPS, type RotationStatus, statusOf } from "../../pki/rotation-status.ts";
import { slotCertificates } from "../../pki/slots.ts";
import type { TrustSlot, TrustState } from "../../protocol/state/model.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type DueTime, dueAfter, isDue } from "../../runtime/due.ts";
import type { SigningTrust } from "../trust/authority-poller.ts";

export interface TrustReporterDeps {
  readonly clock: Clock;
  readonly current: () => SigningTrust;
  /** Milliseconds until the server's own certificate expires. */
  readonly servingExpiresInMs: () => number;
}

const STATUS_AGE_MS = 30_000;

/** Creates the reporter. Its function throws AUTHORITY_UNAVAILABLE before a CA was read. */
export function createTrustReporter(
  { clock, current, servingExpiresInMs }: TrustReporterDeps,
  rotation: RotationOptions,
): () => TrustState {
  let last: { readonly trust: SigningTrust; readonly status: RotationStatus; readonly until: DueTime } | undefined;

  function statusNow(trust: SigningTrust): RotationStatus | undefined {
    if (trust.slots === undefined) return undefined;
    if (last?.trust !== trust || isDue(clock, last.until)) {
      const status = statusOf(trust.slots, clock.now(), rotation);
      last = { trust, status, until: dueAfter(clock, STATUS_AGE_MS) };
    }
    return last.status;
  }

  return () => {
    const trust = current();
    const status = statusNow(trust);
    return {
      slots: slotsOf(trust),
      leafSeconds: Math.round(rotation.leafLifetimeMs / 1000),
      servingExpiresAt: new Date(clock.now() + servingExpiresInMs()).toISOString(),
      outlook: status?.outlook ?? [],
      waitsFor: OPERATOR_STEPS.flatMap((step) => {
        const reason = status?.refused[step];
        return reason === undefined ? [] : [{ step, reason }];
      }),
    };
  };
}

function slotsOf({ slots, bundlePem }: SigningTrust): readonly TrustSlot[] {
  if (slots === undefined) return readCertificates(bundlePem).map((certificate) => toTrustSlot("own", certificate));
  return slotCertificates(slots).map(({ slot, certificatePem, since, longestLeafMs }) =>
    toTrustSlot(slot, new X509Certificate(certificatePem), {
      since: new Date(since).toISOString(),
      ...(longestLeafMs !== undefined && { longestLeafSeconds: Math.round(longestLeafMs / 1000) }),
    }),
  );
}

function toTrustSlot(
  slot: TrustSlot["slot"],
  { subject, fingerprint256, validToDate }: X509Certificate,
  rest: Pick<TrustSlot, "since" | "longestLeafSeconds"> = {},
): TrustSlot {
  const expiresAt = validToDate.toISOString();
  return { slot, subject: subject.replaceAll("\n", ", "), fingerprint: fingerprint256, expiresAt, ...rest };
}
