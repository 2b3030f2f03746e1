// The rows of podrole status trust: the CAs of the server's answer, else those of the published trust bundle, with who
// trusts each. Pure.
import type { X509Certificate } from "node:crypto";
import { readCertificates } from "../../pki/bundle.ts";
import type { TrustSlot, TrustState } from "../../protocol/state/model.ts";
import type { WebhookConfigurationObject } from "../check/facts.ts";
import { ownWebhooks } from "../check/own-webhooks.ts";
import { deriveKnown, type Known } from "../known.ts";
import type { TrustRow } from "./model.ts";

/** What the rows are made from. */
export interface TrustRowInput {
  readonly trust: Known<TrustState>;
  /** PEM of the published bundle; undefined if there is none. */
  readonly bundle: Known<string | undefined>;
  readonly webhooks: Known<readonly WebhookConfigurationObject[]>;
  /** podrole's own namespace. */
  readonly namespace: string;
}

/** Returns the rows: the server's slots first, then what only the bundle contains. */
export function trustRows({ trust, bundle, webhooks, namespace }: TrustRowInput): readonly TrustRow[] {
  const published = deriveKnown(bundle, (pem) => readCertificates(pem ?? ""));
  const trusted = deriveKnown(webhooks, (all) => ownWebhooks(all, namespace).map(({ webhook }) => caBundleOf(webhook)));
  const whereIn = (fingerprint: string): Pick<TrustRow, "inBundle" | "inCaBundle"> => ({
    ...("value" in published && { inBundle: hasCertificate(published.value, fingerprint) }),
    ...("value" in trusted && {
      inCaBundle: trusted.value.length > 0 && trusted.value.every((each) => hasCertificate(each, fingerprint)),
    }),
  });
  const slots = "value" in trust ? trust.value.slots : [];
  const slotRow = ({ slot, subject, fingerprint, expiresAt, since }: TrustSlot): TrustRow => ({
    slot,
    subject,
    fingerprint,
    expires: expiresAt,
    ...(since !== undefined && { since }),
    ...whereIn(fingerprint),
  });
  const certificateRow = ({ subject, fingerprint256, validToDate }: X509Certificate): TrustRow => ({
    subject: subject.replaceAll("\n", ", "),
    fingerprint: fingerprint256,
    expires: validToDate.toISOString(),
    ...whereIn(fingerprint256),
  });
  const known = new Set(slots.map(({ fingerprint }) => fingerprint));
  const others = ("value" in published ? published.value : []).filter(
    ({ fingerprint256 }) => !known.has(fingerprint256),
  );
  return [...slots.map(slotRow), ...others.map(certificateRow)];
}

function caBundleOf({ clientConfig }: { readonly clientConfig: { readonly caBundle?: string } }): X509Certificate[] {
  return readCertificates(Buffer.from(clientConfig.caBundle ?? "", "base64").toString());
}

function hasCertificate(certificates: readonly X509Certificate[], fingerprint: string): boolean {
  return certificates.some(({ fingerprint256 }) => fingerprint256 === fingerprint);
}
