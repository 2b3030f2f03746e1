// The use of STS: calls by result, what was held back, and the share of each namespace.
import { type ComponentChild, h } from "preact";
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import type { StsMinute } from "../../src/protocol/state/model.ts";
import { fragmentOfRoute } from "../model/route.ts";
import { codeTone } from "../model/state.ts";
import { stsChartOf } from "../model/sts-chart.ts";
import type { ViewProps } from "./context.ts";
import { codeTag, emptyNote, shown, timeText, unknownNotes, viewTitle } from "./dom.ts";

/** The view. */
export function StsView({ snapshot, now }: ViewProps): ComponentChild {
  const { sts, unknown, replicas } = snapshot;
  return h(
    "div",
    { class: "view sts" },
    viewTitle("STS", "Calls of podrole's servers to AWS STS, and whose pods need them"),
    unknownNotes(unknown.sts),
    sts === undefined
      ? emptyNote(
          "The use of STS cannot be shown",
          h("p", null, "The metric podrole_sts_calls_total of the server has the same counts."),
        )
      : [h(CallChart, { key: "chart", minutes: sts.minutes, now }), usage(sts, startText(replicas, now))],
    replicas.length > 0 &&
      h(
        "section",
        null,
        h("h2", null, "Servers"),
        h(
          "ul",
          { class: "lines" },
          troubledFirst(replicas).map(({ name, version, startedAt, problems }) =>
            h(
              "li",
              { key: name },
              h("b", null, shown(name)),
              h("span", { class: "faint" }, ` ${shown(version)}, started `, timeText(startedAt, now)),
              problems.map((problem) => h("p", { key: problem, class: "problem" }, shown(problem))),
            ),
          ),
        ),
      ),
  );
}

/** Since when the servers have counted: their counts are sums, so those of a later start lack what was before it. */
function startText(replicas: UiSnapshot["replicas"], now: number): ComponentChild {
  const starts = replicas.map(({ startedAt }) => startedAt).toSorted();
  const [first] = starts;
  if (first === undefined) return "since the servers' start";
  return [replicas.length === 1 ? "since the server started " : "since the servers started ", timeText(first, now)];
}

function troubledFirst(replicas: UiSnapshot["replicas"]): UiSnapshot["replicas"] {
  return replicas.toSorted((a, b) => b.problems.length - a.problems.length || (a.name < b.name ? -1 : 1));
}

/** A bar for each minute of the last hour. */
function CallChart({
  minutes,
  now,
}: {
  readonly minutes: readonly StsMinute[] | undefined;
  readonly now: number;
}): ComponentChild {
  if (minutes === undefined) return null;
  const { bars, barWidth, times, counts, ok, failed } = stsChartOf(minutes, now);
  const percent = (part: number) => `${part * 100}%`;
  return h(
    "section",
    null,
    h(
      "h2",
      null,
      "Calls of the last hour",
      h(
        "span",
        { class: "legends" },
        h("span", { class: "legend" }, h("i", { class: "ok" }), `${ok.toLocaleString("en")} succeeded`),
        h("span", { class: "legend" }, h("i", { class: "failed" }), `${failed.toLocaleString("en")} failed`),
      ),
    ),
    h(
      "div",
      { class: "chart", "aria-hidden": "true" },
      h("span", { class: "axis" }, "calls a minute, times in UTC"),
      counts.map(({ place, label }) =>
        h("div", { key: label, class: "count-mark", style: { bottom: percent(place) } }, h("span", null, label)),
      ),
      bars.map(({ at, left, okHeight, failedHeight, ok: succeeded, failed: lost }) =>
        h(
          "span",
          {
            key: at,
            class: "minute",
            title: `${at.slice(11, 16)} UTC: ${succeeded} succeeded, ${lost} failed`,
            style: { left: percent(left), width: percent(barWidth) },
          },
          h("i", { class: "failed", style: { height: percent(failedHeight) } }),
          h("i", { class: "ok", style: { height: percent(okHeight) } }),
        ),
      ),
      times.map(({ place, label }) =>
        h("span", { key: label, class: "time-mark", style: { left: percent(place) } }, label),
      ),
    ),
  );
}

function usage(
  { results, waiting, heldBack, windowSeconds, namespaces }: NonNullable<UiSnapshot["sts"]>,
  since: ComponentChild,
): ComponentChild {
  const ok = results["OK"] ?? 0;
  const others = Object.entries(results)
    .filter(([code]) => code !== "OK")
    .toSorted(([, a], [, b]) => b - a);
  const failed = others.reduce((sum, [, count]) => sum + count, 0);
  const part = failed === 0 ? "" : ` (${((100 * failed) / (ok + failed)).toFixed(1)} %)`;
  return h(
    "div",
    null,
    h("h2", null, "Calls ", since),
    h(
      "dl",
      { class: "figures" },
      figure("failed", failed, failed > 0 ? "bad" : "", part),
      figure("refused after throttling", heldBack.pause, heldBack.pause > 0 ? "notice" : ""),
      figure("refused by rate limit", heldBack.rate, heldBack.rate > 0 ? "notice" : ""),
      figure("waiting now", waiting, waiting > 0 ? "wait" : ""),
      figure("succeeded", ok),
    ),
    h(
      "div",
      { class: "halves" },
      others.length > 0 &&
        h(
          "section",
          null,
          h("h2", null, "Failures by code"),
          h(
            "ul",
            { class: "shares" },
            others.map(([code, count]) =>
              shareLine(
                { key: code, tone: codeTone(code) },
                h("a", { href: fragmentOfRoute({ view: "refusals", parts: [code] }) }, codeTag(code, codeTone(code))),
                count / failed,
                `${count} · ${Math.round((100 * count) / failed)} %`,
              ),
            ),
          ),
          h(
            "p",
            { class: "faint" },
            "A server repeats a failure for up to 2 min without a call, so Refusals may count more.",
          ),
        ),
      h(
        "section",
        null,
        h("h2", null, `Calls by namespace, last ${Math.round(windowSeconds)} s`),
        namespaces.length === 0
          ? emptyNote("No call in this time")
          : h(
              "ul",
              { class: "shares" },
              namespaces.map(({ namespace, calls, share }) =>
                shareLine(
                  { key: namespace },
                  h("a", { href: fragmentOfRoute({ view: "map", namespace }) }, shown(namespace)),
                  share,
                  `${calls} · ${Math.round(share * 100)} %`,
                ),
              ),
            ),
      ),
    ),
  );
}

/** What has a share, the share as a bar, and in figures. */
function shareLine(
  { key, tone = "" }: { readonly key: string; readonly tone?: string },
  what: ComponentChild,
  share: number,
  figures: string,
): ComponentChild {
  return h(
    "li",
    { key, class: tone },
    what,
    h("span", { class: "share", "aria-hidden": "true" }, h("span", { style: { width: `${share * 100}%` } })),
    h("span", { class: "number" }, figures),
  );
}

function figure(label: string, count: number, tone = "", share = ""): ComponentChild {
  const figures = h("dd", null, count.toLocaleString("en"), share !== "" && h("small", null, share));
  return h("div", { key: label, class: tone }, figures, h("dt", null, label));
}
