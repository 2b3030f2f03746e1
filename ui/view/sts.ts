// The use of STS: calls by result, what was held back, and the share of each namespace.
import { type ComponentChild, h } from "preact";
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import { fragmentOfRoute } from "../model/route.ts";
import type { ViewProps } from "./context.ts";
import { emptyNote, shown, timeText, unknownNotes, viewTitle } from "./dom.ts";

/** The view. */
export function StsView({ snapshot, now }: ViewProps): ComponentChild {
  const { sts, unknown, replicas } = snapshot;
  return h(
    "div",
    { class: "view" },
    viewTitle("STS", "Calls of podrole's servers to AWS STS, and whose pods need them"),
    unknownNotes(unknown.sts),
    sts === undefined
      ? emptyNote(
          "The use of STS cannot be shown",
          h("p", null, "The metric podrole_sts_calls_total of the server has the same counts."),
        )
      : usage(sts),
    replicas.length > 0 &&
      h(
        "section",
        null,
        h("h2", null, "Servers"),
        h(
          "ul",
          { class: "lines" },
          replicas.map(({ name, version, startedAt, problems }) =>
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

function usage({
  results,
  waiting,
  heldBack,
  windowSeconds,
  namespaces,
}: NonNullable<UiSnapshot["sts"]>): ComponentChild {
  const ok = results["OK"] ?? 0;
  const others = Object.entries(results)
    .filter(([code]) => code !== "OK")
    .toSorted(([, a], [, b]) => b - a);
  const failed = others.reduce((sum, [, count]) => sum + count, 0);
  const part = failed === 0 ? "" : ` (${((100 * failed) / (ok + failed)).toFixed(1)} %)`;
  return h(
    "div",
    null,
    h("h2", null, "Calls since the servers' start"),
    h(
      "dl",
      { class: "figures" },
      figure("succeeded", ok),
      figure("failed", failed, failed > 0 ? "bad" : "", part),
      figure("refused by the rate limit", heldBack.rate, heldBack.rate > 0 ? "notice" : ""),
      figure("refused after throttling", heldBack.pause, heldBack.pause > 0 ? "bad" : ""),
      figure("waiting now", waiting, waiting > 0 ? "wait" : ""),
    ),
    h(
      "div",
      { class: "halves" },
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
                  namespace,
                  h("a", { href: fragmentOfRoute({ view: "map", namespace }) }, shown(namespace)),
                  share,
                  `${calls} · ${Math.round(share * 100)} %`,
                ),
              ),
            ),
      ),
      others.length > 0 &&
        h(
          "section",
          null,
          h("h2", null, "Failures by code"),
          h(
            "ul",
            { class: "shares bad" },
            others.map(([code, count]) =>
              shareLine(
                code,
                h(
                  "a",
                  { href: fragmentOfRoute({ view: "refusals", search: code }) },
                  h("code", { class: "code" }, shown(code)),
                ),
                count / failed,
                `${count} · ${Math.round((100 * count) / failed)} %`,
              ),
            ),
          ),
        ),
    ),
  );
}

/** What has a share, the share as a bar, and in figures. */
function shareLine(key: string, what: ComponentChild, share: number, figures: string): ComponentChild {
  return h(
    "li",
    { key },
    what,
    h("span", { class: "share", "aria-hidden": "true" }, h("span", { style: { width: `${share * 100}%` } })),
    h("span", { class: "number" }, figures),
  );
}

function figure(label: string, count: number, tone = "", share = ""): ComponentChild {
  const figures = h("dd", null, count.toLocaleString("en"), share !== "" && h("small", null, share));
  return h("div", { key: label, class: tone }, figures, h("dt", null, label));
}
