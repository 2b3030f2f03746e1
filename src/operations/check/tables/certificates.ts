// Checks of certificates: their expiry, and whether all components trust the same CAs.
import { X509Certificate } from "node:crypto";
import { bundleHash, readCertificates } from "../../../pki/bundle.ts";
import type { SlotCertificate } from "../../../pki/slots.ts";
import { countOf, formatAge } from "../../format.ts";
import { gaugeSamples } from "../collect/metrics-pages.ts";
import {
  type CheckVerdict,
  failed,
  inSection,
  judgeKnown,
  ok,
  problemsOrOk,
  REMEDY_PAGES,
  skipped,
  warning,
  withNext,
} from "../finding.ts";
import { ownWebhooks } from "../own-webhooks.ts";

/** Checks of section "trust". */
export const CERTIFICATE_CHECKS = inSection("trust", "installed", {
  TRUST_BUNDLE: {
    summary: "The server has published its trust bundle, and at least one sixth of the newest CA's lifetime is left.",
    remedy: `If ConfigMap \`podrole-trust\` is missing or has no valid CA, find the reason in the server's log: the server writes the ConfigMap when it starts. If the newest CA expires soon, rotate the CA as ${REMEDY_PAGES.rotate} describes; normally the server publishes the next CA after half of a CA's lifetime, and signs with it after five sixths.`,
    judge: ({ trustBundle, now, namespace }) =>
      judgeKnown(trustBundle, (bundle) => {
        if (bundle === undefined)
          return failed(
            `The trust bundle is not published in namespace "${namespace}"; expected ConfigMap podrole-trust`,
          );
        const certificates = readCertificates(bundle);
        if (certificates.length === 0)
          return failed("The published trust bundle contains no certificate; expected PEM");
        const last = Math.max(...certificates.map(({ validToDate }) => validToDate.getTime()));
        if (last <= now)
          return failed(
            `Every CA of the trust bundle has expired, the last ${formatAge(now - last)} ago; expected a valid one`,
          );
        const newest = certificates.find(({ validToDate }) => validToDate.getTime() === last) as X509Certificate;
        const left = last - now;
        const life = last - newest.validFromDate.getTime();
        const state = `${countOf(certificates.length, "CA")}, the last expires in ${formatAge(left)}`;
        // planRotation() publishes the next CA at half of the lifetime.
        return left < life / 6 ? warning(`${state}; expected a next CA by now`) : ok(state);
      }),
  },
  CA_SLOTS: {
    summary: "The CA's Secret is valid, and the published trust bundle contains exactly the CAs of the Secret.",
    remedy: `If the Secret is damaged, restore it from your backup; podrole never overwrites a damaged Secret. ${REMEDY_PAGES.rotate} explains the slots.`,
    judge: ({ slots, trustBundle, now }) =>
      judgeKnown(slots, (held) => {
        const current = held.find(({ slot }) => slot === "current");
        if (current === undefined) return failed("The CA's Secret has no slot `current`; expected the CA that signs");
        const published = "value" in trustBundle ? trustBundle.value : undefined;
        const bundle = held.map(({ certificatePem }) => certificatePem).join("");
        if (published !== undefined && bundleHash(published) !== bundleHash(bundle)) {
          return warning(
            "The published trust bundle differs from the Secret's CAs; expected the same CAs within a minute",
          );
        }
        return expiresIn(current, now) <= 0
          ? failed("The CA that signs has expired; expected a valid one")
          : ok(held.map((slot) => describeSlot(slot, now)).join("; "));
      }),
  },
  CA_BUNDLE: {
    summary: "`caBundle` of podrole's webhook configuration contains the published trust bundle.",
    remedy:
      "Wait one minute: the server corrects `caBundle` within this time. If another tool (Argo CD, Flux or a chart) overwrites the value, configure that tool to ignore `/webhooks/0/clientConfig/caBundle` ([docs/install.md](install.md#gitops)).",
    judge: ({ webhookConfigurations, trustBundle, namespace }) =>
      judgeKnown(webhookConfigurations, (configurations) =>
        judgeKnown(trustBundle, (bundle = "") => {
          const ours = ownWebhooks(configurations, namespace);
          if (ours.length === 0) return skipped("podrole's webhook is not registered");
          return problemsOrOk(
            ours.flatMap(({ webhook, object }) => judgeCaBundle(webhook.clientConfig.caBundle, bundle, object)),
            "caBundle is the published trust bundle",
          );
        }),
      ),
  },
  SERVING_CERTIFICATES: {
    summary: "The serving certificates of server and webhook are renewed before they expire.",
    remedy:
      "Find out from the log of the pod that the message names why it could not renew its certificate. The webhook requests its certificate from the server.",
    judge: ({ pages }) => {
      const read = pages.flatMap(({ program, pod, samples }) => {
        const seconds =
          "value" in samples ? gaugeSamples(samples.value, "podrole_serving_certificate_expiry_seconds") : [];
        return seconds.map(({ value }) => ({ program, pod, value }));
      });
      if (read.length === 0) return skipped("No replica's metrics could be read");
      return problemsOrOk(
        read.flatMap(({ program, pod, value }): CheckVerdict[] => {
          if (value <= 0)
            return [failed(`The ${program}'s serving certificate has expired; expected a valid one`, `pod ${pod}`)];
          return value < CERTIFICATE_EXPIRES_SOON_SECONDS
            ? [
                warning(
                  `The ${program}'s serving certificate expires in ${formatAge(value * 1000)}; expected it to be renewed`,
                  `pod ${pod}`,
                ),
              ]
            : [];
        }),
        `the first of ${read.length} expires in ${formatAge(Math.min(...read.map(({ value }) => value)) * 1000)}`,
      );
    },
  },
});

/** Lifetimes are 10 minutes or more and renewal starts at half of them: so little is left only if renewal fails. */
const CERTIFICATE_EXPIRES_SOON_SECONDS = 120;

/** The server writes caBundle every minute. */
const CA_BUNDLE_STEP = "podrole status trust  # a minute later: IN CABUNDLE is yes for each CA";

function judgeCaBundle(caBundle: string | undefined, bundle: string, object: string): readonly CheckVerdict[] {
  const trusted = Buffer.from(caBundle ?? "", "base64").toString();
  const held = readCertificates(trusted);
  if (held.length === 0)
    return [failed("caBundle is empty, so the API server cannot trust the webhook; expected the trust bundle", object)];
  if (bundleHash(trusted) === bundleHash(bundle)) return [];
  const expected = readCertificates(bundle);
  const missing = expected.filter(({ raw }) => held.every((certificate) => !certificate.raw.equals(raw)));
  if (missing.length === 0) return [];
  return missing.length === expected.length
    ? [
        failed(
          "caBundle contains no CA of the trust bundle, so the API server cannot trust the webhook; expected all of them",
          object,
        ),
      ]
    : [
        warning(
          `caBundle lacks ${missing.length} of ${expected.length} CAs of the trust bundle; expected all of them before the webhook has a certificate of such a CA (only the API server's calls of the webhook use caBundle, pods do not)`,
          object,
        ),
      ].map((verdict) => withNext(verdict, CA_BUNDLE_STEP));
}

function expiresIn({ certificatePem }: SlotCertificate, now: number): number {
  return new X509Certificate(certificatePem).validToDate.getTime() - now;
}

function describeSlot(slot: SlotCertificate, now: number): string {
  const left = expiresIn(slot, now);
  const end = left > 0 ? `expires in ${formatAge(left)}` : `expired ${formatAge(-left)} ago`;
  return `${slot.slot} for ${formatAge(now - slot.since)}, ${end}`;
}
