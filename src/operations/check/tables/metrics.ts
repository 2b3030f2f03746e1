// Checks of the metrics of every replica, read through the API server's proxy.

import { countOf, formatAge } from "../../format.ts";
import { allKnown } from "../../known.ts";
import { gaugeSamples, type Sample, type Samples } from "../collect/metrics-pages.ts";
import type { Facts, PodPages } from "../facts.ts";
import {
  type CheckVerdict,
  failed,
  inSection,
  ok,
  problemsOrOk,
  REMEDY_PAGES,
  skipped,
  skippedUnknown,
  warning,
} from "../finding.ts";

/** A watch without events is reopened after 90 s: an older one cannot be reopened. */
const OLD_WATCH_SECONDS = 300;
/** SDKs renew at the latest 5 minutes before expiry. */
const CREDENTIALS_EXPIRE_SOON_SECONDS = 300;

interface ReadPage {
  readonly program: PodPages["program"];
  readonly pod: string;
  readonly samples: Samples;
}

function readSamples(pages: readonly PodPages[], program?: PodPages["program"]): readonly ReadPage[] {
  return pages.flatMap(({ samples, ...page }) =>
    "value" in samples && (program === undefined || page.program === program)
      ? [{ ...page, samples: samples.value }]
      : [],
  );
}

/** Judges each sample of one metric of each replica. */
function eachSample(
  read: readonly ReadPage[],
  name: string,
  judge: (sample: Sample, page: ReadPage) => CheckVerdict | undefined,
): readonly CheckVerdict[] {
  return read.flatMap((page) => gaugeSamples(page.samples, name).flatMap((sample) => judge(sample, page) ?? []));
}

/** Why there are no metrics to judge: the replicas are unknown, may not be read, or do not run. */
function withoutMetrics({
  pages,
  deployments,
  ownPods,
}: Pick<Facts, "pages" | "deployments" | "ownPods">): CheckVerdict {
  const replicas = allKnown({ deployments, ownPods });
  if ("unknown" in replicas) return skippedUnknown(replicas);
  const denied = pages.map(({ samples }) => samples).find((samples) => "unknown" in samples && isDenied(samples));
  if (denied && "unknown" in denied) return skippedUnknown(denied);
  return skipped(pages.length === 0 ? "No replica is running" : "No replica's metrics could be read");
}

function isDenied({ needs = [] }: { readonly needs?: readonly string[] }): boolean {
  return needs.length > 0;
}

/** Checks of section "running". */
export const METRICS_CHECKS = inSection("running", "installed", {
  PAGES: {
    summary: "The metrics of every replica can be read.",
    remedy:
      "podrole check reads the metrics through the API server's proxy. If access is refused, request the permission `get` on `pods/proxy`. If a pod does not respond, check that it is running and that no NetworkPolicy blocks the API server from the port of its `--pages-bind` (8080 by default).",
    judge: (facts: Facts) => {
      const { pages } = facts;
      if (pages.every(({ samples }) => "unknown" in samples && isDenied(samples))) {
        return withoutMetrics(facts);
      }
      return problemsOrOk(
        pages.flatMap(({ pod, samples }) => ("unknown" in samples ? [warning(samples.unknown, `pod ${pod}`)] : [])),
        `the metrics of ${countOf(pages.length, "replica")} were read`,
      );
    },
  },
  WATCH_AGE: {
    summary:
      "The programs' caches of pods, namespaces, ServiceAccounts, LimitRanges and ResourceQuotas are up to date.",
    remedy:
      "Find out from the replica's log why it cannot watch the API server, for example because of an outage or a changed RBAC permission.",
    judge: (facts: Facts) => {
      const read = readSamples(facts.pages);
      if (read.length === 0) return withoutMetrics(facts);
      const oldest = Math.max(
        0,
        ...read.flatMap(({ samples }) => gaugeSamples(samples, "podrole_watch_age_seconds").map(({ value }) => value)),
      );
      return problemsOrOk(
        eachSample(read, "podrole_watch_age_seconds", ({ labels, value }, { pod }) => {
          if (value <= OLD_WATCH_SECONDS) return undefined;
          const age = Number.isFinite(value)
            ? `was last up to date ${formatAge(value * 1000)} ago`
            : "has never been up to date";
          return failed(`The watch of ${labels["resource"]} ${age}; expected at most 5 min`, `pod ${pod}`);
        }),
        `every watch was up to date within the last ${formatAge(oldest * 1000)}`,
      );
    },
  },
  STS: {
    summary:
      "STS has answered at least one call since the servers started. (This says nothing about the present: the alert PodroleStsUnavailable reports a current outage.)",
    remedy: `Check the network path to STS, the region, the VPC endpoint and the server's own AWS credentials; the server's log contains the reason. ${REMEDY_PAGES.errors} describes STS_UNAVAILABLE and STS_DENIED.`,
    judge: (facts: Facts) => {
      const read = readSamples(facts.pages, "server");
      if (read.length === 0) return withoutMetrics(facts);
      const calls = new Map<string, number>();
      for (const { samples } of read) {
        for (const { labels, value } of gaugeSamples(samples, "podrole_sts_calls_total")) {
          const code = labels["code"] ?? "";
          calls.set(code, (calls.get(code) ?? 0) + value);
        }
      }
      return judgeSts(calls);
    },
  },
  NEAREST_EXPIRY: {
    summary: "No cached session expires within the next 5 minutes: sessions are normally renewed long before.",
    remedy: "Find out from the metric `podrole_sts_calls_total` and the server's log why the renewal fails.",
    judge: (facts: Facts) => {
      const read = readSamples(facts.pages, "server");
      const name = "podrole_credential_nearest_expiry_seconds";
      const values = read.flatMap(({ samples }) => gaugeSamples(samples, name).map(({ value }) => value));
      if (values.length === 0) return withoutMetrics(facts);
      const first = Math.min(...values);
      return problemsOrOk(
        eachSample(read, name, ({ value }, { pod }) =>
          value < CREDENTIALS_EXPIRE_SOON_SECONDS
            ? warning(`A cached session expires in ${formatAge(value * 1000)}; expected it to be renewed`, `pod ${pod}`)
            : undefined,
        ),
        Number.isFinite(first)
          ? `the first cached session expires in ${formatAge(first * 1000)}`
          : "no session is cached",
      );
    },
  },
});

function judgeSts(calls: ReadonlyMap<string, number>): CheckVerdict {
  const counts = [...calls].flatMap(([code, count]) => (count > 0 ? [`${code} ${count}`] : [])).join(", ");
  const answered = [...calls].some(([code, count]) => code !== "STS_UNAVAILABLE" && count > 0);
  if (answered) return ok(`STS responds (calls since the servers started: ${counts})`);
  const failures = calls.get("STS_UNAVAILABLE") ?? 0;
  return failures === 0
    ? skipped("No pod has requested credentials since the servers started")
    : failed(`STS has answered none of ${failures} calls since the servers started; expected answers`);
}
