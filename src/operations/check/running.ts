// What the programs say of themselves: metrics of every replica, read through the API server's proxy.
import type { Facts, PodPages } from "./facts.ts";
import { type CheckTable, failed, ok, orOk, skipped, type Verdict, warning } from "./finding.ts";
import { PAGE } from "./pages.ts";
import { gauge, type Sample, type Samples } from "./samples.ts";
import { formatAge, countOf } from "../format.ts";

/** A quiet watch is opened anew after 90 s: beyond this, opening fails. */
const OLD_WATCH_SECONDS = 300;
/** SDKs renew 5 minutes before expiry at the latest. */
const SOON_SECONDS = 300;

interface Read {
  readonly program: PodPages["program"];
  readonly pod: string;
  readonly samples: Samples;
}

function readPages(pages: readonly PodPages[], program?: PodPages["program"]): readonly Read[] {
  return pages.flatMap(({ samples, ...page }) =>
    "value" in samples && (program === undefined || page.program === program)
      ? [{ ...page, samples: samples.value }]
      : [],
  );
}

/** Judges each sample of a gauge of each replica. */
function eachSample(
  read: readonly Read[],
  name: string,
  judge: (sample: Sample, page: Read) => Verdict | undefined,
): readonly Verdict[] {
  return read.flatMap((page) => gauge(page.samples, name).flatMap((sample) => judge(sample, page) ?? []));
}

const NOBODY = "No replica could be asked for its metrics";

export const RUNNING = {
  PAGES: {
    section: "running",
    when: "installed",
    summary: "Every replica's metrics page answers.",
    remedy:
      "It is asked through the API server's proxy (`pods/proxy`). What is refused there is your right; a pod that does not answer is not up, or a NetworkPolicy keeps the API server away from port 8080.",
    judge: ({ pages }) => {
      if (pages.length === 0) return skipped("There is no running replica to ask");
      return orOk(
        pages.flatMap(({ pod, samples }) => ("unknown" in samples ? [warning(samples.unknown, `pod ${pod}`)] : [])),
        `${countOf(pages.length, "replica")} asked, and all answer`,
      );
    },
  },
  WATCH_AGE: {
    section: "running",
    when: "installed",
    summary: "What the programs know of pods, namespaces and service accounts is fresh.",
    remedy: "The replica cannot watch: its log says why (an API server that is away, RBAC that was changed).",
    judge: ({ pages }: Facts) => {
      const read = readPages(pages);
      if (read.length === 0) return skipped(NOBODY);
      const oldest = Math.max(
        0,
        ...read.flatMap(({ samples }) => gauge(samples, "podrole_watch_age_seconds").map(({ value }) => value)),
      );
      return orOk(
        eachSample(read, "podrole_watch_age_seconds", ({ labels, value }, { pod }) => {
          if (value <= OLD_WATCH_SECONDS) return undefined;
          const age = Number.isFinite(value) ? `was last fresh ${formatAge(value * 1000)} ago` : "was never read";
          return failed(`The watch of ${labels["resource"]} ${age}, wanted 5 min at most`, `pod ${pod}`);
        }),
        `the oldest was fresh ${formatAge(oldest * 1000)} ago`,
      );
    },
  },
  STS: {
    section: "running",
    when: "installed",
    summary: "STS answers the server.",
    remedy: `Egress to STS, region, VPC endpoint, or the server's own AWS credentials: its log says which. ${PAGE.errors} has STS_UNAVAILABLE and STS_DENIED.`,
    judge: ({ pages }: Facts) => {
      const read = readPages(pages, "server");
      if (read.length === 0) return skipped(NOBODY);
      const calls = new Map<string, number>();
      for (const { samples } of read) {
        for (const { labels, value } of gauge(samples, "podrole_sts_calls_total")) {
          const code = labels["code"] ?? "";
          calls.set(code, (calls.get(code) ?? 0) + value);
        }
      }
      return judgeSts(calls);
    },
  },
  NEAREST_EXPIRY: {
    section: "running",
    when: "installed",
    summary: "Sessions are renewed long before they expire.",
    remedy: "Renewal fails: look at `podrole_sts_calls_total` and the server's log.",
    judge: ({ pages }: Facts) => {
      const read = readPages(pages, "server");
      const name = "podrole_credential_nearest_expiry_seconds";
      const values = read.flatMap(({ samples }) => gauge(samples, name).map(({ value }) => value));
      if (values.length === 0) return skipped(NOBODY);
      const first = Math.min(...values);
      return orOk(
        eachSample(read, name, ({ value }, { pod }) =>
          value < SOON_SECONDS
            ? warning(`A session held by the server expires in ${formatAge(value * 1000)}`, `pod ${pod}`)
            : undefined,
        ),
        Number.isFinite(first) ? `the first session expires in ${formatAge(first * 1000)}` : "no session is held",
      );
    },
  },
} as const satisfies CheckTable;

function judgeSts(calls: ReadonlyMap<string, number>): Verdict {
  const told = [...calls].flatMap(([code, count]) => (count > 0 ? [`${code} ${count}`] : [])).join(", ");
  const answered = [...calls].some(([code, count]) => code !== "STS_UNAVAILABLE" && count > 0);
  if (answered) return ok(`STS answers (calls since the start: ${told})`);
  const failures = calls.get("STS_UNAVAILABLE") ?? 0;
  return failures === 0
    ? skipped("No pod has asked for credentials since the servers started")
    : failed(`STS never answered ${failures} calls since the servers started, wanted an answer`);
}
