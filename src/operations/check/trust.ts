// Certificates, their ages, and whether everybody believes the same ones.
import { X509Certificate } from "node:crypto";
import { bundleHash, readCertificates } from "../../pki/bundle.ts";
import type { SlotFacts } from "./facts.ts";
import { type CheckTable, failed, given, ok, orOk, skipped, type Verdict, warning } from "./finding.ts";
import { PAGE } from "./pages.ts";
import { ownWebhooks } from "./registration.ts";
import { formatAge, countOf } from "../format.ts";
import { gauge } from "./samples.ts";

export const TRUST = {
  TRUST_BUNDLE: {
    section: "trust",
    when: "installed",
    summary: "The server has published its trust bundle, and a CA in it is valid for long enough.",
    remedy: `The server writes ConfigMap \`podrole-trust\` when it starts: look at its log. A CA renews itself after five sixths of its life; ${PAGE.rotate} tells how to help.`,
    judge: ({ trustBundle, now, namespace }) =>
      given(trustBundle, (bundle) => {
        if (bundle === undefined) return failed(`The trust bundle is not published in namespace "${namespace}"`);
        const certificates = readCertificates(bundle);
        if (certificates.length === 0) return failed("The published trust bundle holds no certificate, wanted PEM");
        const last = Math.max(...certificates.map(({ validToDate }) => validToDate.getTime()));
        if (last <= now)
          return failed(`Every CA of the trust bundle has expired, the last ${formatAge(now - last)} ago`);
        const newest = certificates.find(({ validToDate }) => validToDate.getTime() === last) as X509Certificate;
        const left = last - now;
        const life = last - newest.validFromDate.getTime();
        const state = `${countOf(certificates.length, "CA")}, the last expires in ${formatAge(left)}`;
        // planRotation() publishes the next one at half of the life.
        return left < life / 6 ? warning(`${state}, wanted a next one by now`) : ok(state);
      }),
  },
  CA_SLOTS: {
    section: "trust",
    when: "installed",
    summary: "The CA's Secret can be read by podrole, its slots fit together, and its bundle is the published one.",
    remedy: `${PAGE.rotate} explains the slots. A damaged Secret is left as it is: restore it from your backup.`,
    judge: ({ slots, trustBundle, now }) =>
      given(slots, (held) => {
        const current = held.find(({ slot }) => slot === "current");
        if (current === undefined) return failed("The CA's Secret has no slot `current`, wanted one that signs");
        const published = "value" in trustBundle ? trustBundle.value : undefined;
        const bundle = held.map(({ certificatePem }) => certificatePem).join("");
        if (published !== undefined && bundleHash(published) !== bundleHash(bundle)) {
          return warning("The published trust bundle is not the Secret's, wanted the same within a minute");
        }
        return expiresIn(current, now) <= 0
          ? failed("The CA that signs has expired")
          : ok(held.map((slot) => slotInWords(slot, now)).join("; "));
      }),
  },
  CA_BUNDLE: {
    section: "trust",
    when: "installed",
    summary: "`caBundle` of podrole's webhook configuration is the published trust bundle.",
    remedy:
      "The server writes it within a minute. If it does not stay, something else resets it (Argo CD, Flux, a chart): let that ignore `/webhooks/0/clientConfig/caBundle` ([docs/install.md](install.md#gitops)).",
    judge: ({ webhookConfigurations, trustBundle, namespace }) =>
      given(webhookConfigurations, (configurations) =>
        given(trustBundle, (bundle = "") => {
          const ours = ownWebhooks(configurations, namespace);
          if (ours.length === 0) return skipped("podrole's webhook is not registered");
          return orOk(
            ours.flatMap(({ webhook, object }) => judgeCaBundle(webhook.clientConfig.caBundle, bundle, object)),
            "it is the published trust bundle",
          );
        }),
      ),
  },
  SERVING_CERTIFICATES: {
    section: "trust",
    when: "installed",
    summary: "The certificates that server and webhook show are renewed ahead of time.",
    remedy:
      "The log of the pod that the message names says why it could not renew; the webhook asks the server for its own.",
    judge: ({ pages }) => {
      const read = pages.flatMap(({ program, pod, samples }) => {
        const seconds = "value" in samples ? gauge(samples.value, "podrole_serving_certificate_expiry_seconds") : [];
        return seconds.map(({ value }) => ({ program, pod, value }));
      });
      if (read.length === 0) return skipped("No replica could be asked for its metrics");
      return orOk(
        read.flatMap(({ program, pod, value }): Verdict[] => {
          if (value <= 0) return [failed(`The ${program}'s serving certificate has expired`, `pod ${pod}`)];
          return value < SOON_SECONDS
            ? [warning(`The ${program}'s serving certificate expires in ${formatAge(value * 1000)}`, `pod ${pod}`)]
            : [];
        }),
        `the first of ${read.length} expires in ${formatAge(Math.min(...read.map(({ value }) => value)) * 1000)}`,
      );
    },
  },
} as const satisfies CheckTable;

/** Renewal comes at half of a life of 10 minutes or more: so little is left only when it fails. */
const SOON_SECONDS = 120;

function judgeCaBundle(caBundle: string | undefined, bundle: string, object: string): readonly Verdict[] {
  const believed = Buffer.from(caBundle ?? "", "base64").toString();
  const held = readCertificates(believed);
  if (held.length === 0) return [failed("caBundle is empty: the API server cannot trust the webhook", object)];
  if (bundleHash(believed) === bundleHash(bundle)) return [];
  const wanted = readCertificates(bundle);
  const missing = wanted.filter(({ raw }) => held.every((one) => !one.raw.equals(raw)));
  if (missing.length === 0) return [];
  return missing.length === wanted.length
    ? [failed("caBundle has no CA of the trust bundle: the API server cannot trust the webhook", object)]
    : [warning(`caBundle lacks ${missing.length} of ${wanted.length} CAs of the trust bundle`, object)];
}

function expiresIn({ certificatePem }: SlotFacts, now: number): number {
  return new X509Certificate(certificatePem).validToDate.getTime() - now;
}

function slotInWords(slot: SlotFacts, now: number): string {
  const left = expiresIn(slot, now);
  const end = left > 0 ? `expires in ${formatAge(left)}` : `expired ${formatAge(-left)} ago`;
  return `${slot.slot} since ${formatAge(now - slot.since)}, ${end}`;
}
