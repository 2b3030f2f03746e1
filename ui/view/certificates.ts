// The CAs on a timeline, who trusts them, and what a rotation would do next.
import { type ComponentChild, h } from "preact";
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import { nextCommandsOf } from "../model/cause.ts";
import { dateText, spanText } from "../model/time.ts";
import { type TrustBar, type TrustLine, trustGap, trustLineOf, trustMarks, trustVerdict } from "../model/trust.ts";
import type { ViewProps } from "./context.ts";
import { emptyNote, podLink, sentence, shown, timeText, unknownNotes, viewTitle } from "./dom.ts";
import { icon } from "./icon.ts";
import { CopyButton, commandList } from "./remedy.ts";

/** The view. */
export function CertificatesView({ snapshot, now }: ViewProps): ComponentChild {
  const { trust, rotation, unknown, leafSeconds, earlierCaPods } = snapshot;
  const line = trustLineOf(trust, rotation, now);
  return h(
    "div",
    { class: "view" },
    viewTitle("Certificates", "podrole's own CAs, who trusts them, and their rotation"),
    unknownNotes([...unknown.trust, ...unknown.pods.filter(({ what }) => what === "what containers hold")]),
    line !== undefined && verdictLine(line, snapshot, now),
    earlierCaPods.length > 0 && earlierCaBox(snapshot),
    line === undefined
      ? emptyNote("No CA can be shown")
      : h(
          "section",
          { class: "certificates" },
          timeLine(line),
          h(
            "ul",
            { class: "holds" },
            line.bars.map((bar) => caItem(bar, leafSeconds[bar.row.fingerprint] ?? signedFor(bar, rotation), now)),
          ),
        ),
    rotation !== undefined && rotationPart(rotation, now),
  );
}

function verdictLine(line: TrustLine, { rotation, earlierCaPods }: UiSnapshot, now: number): ComponentChild {
  const verdict = trustVerdict(line, rotation, earlierCaPods);
  if (verdict === undefined) return null;
  const { tone, text, next } = verdict;
  return h(
    "p",
    { class: "verdict" },
    h("b", { class: `mark ${tone}` }, icon(VERDICT_ICONS[tone]), text),
    next && [" The servers' next step: ", next.label, ", ", timeText(next.time, now), "."],
  );
}

/** More pods are found in the list of pods. */
const MAX_EARLIER_CA_PODS = 20;

function earlierCaBox({ earlierCaPods, pods }: UiSnapshot): ComponentChild {
  const named = earlierCaPods.slice(0, MAX_EARLIER_CA_PODS);
  const rows = named.flatMap((name) => pods.find(({ namespace, pod }) => `${namespace}/${pod}` === name) ?? []);
  return h(
    "section",
    { class: "cause bad", "aria-label": "Pods that probably trust only an earlier CA" },
    h(
      "header",
      null,
      icon("late"),
      h(
        "b",
        null,
        "Pods that have not renewed since the current CA began to sign: their credentials expire and are not replaced.",
      ),
    ),
    rows.map((row) =>
      h(
        "div",
        { key: `${row.namespace}/${row.pod}`, class: "all" },
        h("p", null, podLink(row.namespace, row.pod)),
        commandList(nextCommandsOf(row)),
      ),
    ),
    earlierCaPods.length > named.length && h("p", { class: "faint" }, `${earlierCaPods.length - named.length} more`),
  );
}

const VERDICT_ICONS = { good: "check", notice: "warning", bad: "cross" } as const;

/** The drawing: a scale, a track for each CA, and a row for each step; the list below it says the same in words. */
function timeLine({ bars, marks, ticks, now: nowAt }: TrustLine): ComponentChild {
  const at = (place: number) => ({ left: `${place * 100}%` });
  const side = (place: number) => (place > 0.55 ? "before" : "after");
  return h(
    "div",
    { class: "timeline", "aria-hidden": "true" },
    h(
      "div",
      { class: "lines-of-time" },
      ticks.map(({ at: place, label }) => h("span", { key: label, class: "gridline", style: at(place) })),
      marks.map(({ at: place, label }) => h("span", { key: label, class: "coming", style: at(place) })),
      h("span", { class: "now", style: at(nowAt) }),
    ),
    h(
      "div",
      { class: "scale" },
      ticks.map(({ at: place, label }) => h("span", { key: label, style: at(place) }, label)),
    ),
    bars.map(({ row, title, from, to, isExpired }) => [
      h("b", { key: `name ${row.fingerprint}`, class: "lane" }, title),
      h(
        "div",
        { key: row.fingerprint, class: "track" },
        h("span", {
          class: `ca ${isExpired ? "bad" : title}`,
          style: { ...at(from), width: `${Math.max(0.6, (to - from) * 100)}%` },
        }),
      ),
    ]),
    marks.map(({ at: place, time, label }) =>
      h(
        "div",
        { key: `${label} ${time}`, class: "event" },
        h("span", { class: side(place), style: at(place) }, `${dateText(Date.parse(time))}: ${label}`),
      ),
    ),
    h("div", { class: "event" }, h("span", { class: `today ${side(nowAt)}`, style: at(nowAt) }, "now")),
  );
}

/** What the CA that signs gives its certificates now, before a server has recorded one. */
function signedFor({ row }: TrustBar, rotation: UiSnapshot["rotation"]): number | undefined {
  return row.slot === "current" || row.slot === "own" ? rotation?.leafSeconds : undefined;
}

function caItem(bar: TrustBar, leaf: number | undefined, now: number): ComponentChild {
  const { row, title, meaning, isExpired } = bar;
  const gap = trustGap(row);
  const trusted = trustMarks(row);
  return h(
    "li",
    { key: row.fingerprint },
    h("p", { class: "held" }, h("b", null, h("span", { class: `swatch ca ${isExpired ? "bad" : title}` }), title)),
    h("p", { class: "faint" }, meaning),
    h(
      "dl",
      null,
      h("dt", null, "Subject"),
      h("dd", null, shown(row.subject)),
      h("dt", null, isExpired ? "Expired" : "Expires"),
      h(
        "dd",
        { class: isExpired ? "bad" : undefined },
        timeText(row.expires, now),
        h("span", { class: "faint" }, ` · ${dateText(Date.parse(row.expires))}`),
      ),
      trusted !== "" && h("dt", null, "Trusted by"),
      trusted !== "" && h("dd", null, trusted),
      leaf !== undefined && h("dt", null, "Its certificates"),
      leaf !== undefined && h("dd", null, `valid for at most ${spanText(leaf * 1_000)}`),
      h("dt", null, "SHA-256"),
      h("dd", null, h("code", { title: shown(row.fingerprint) }, shown(row.fingerprint.slice(0, 23)), "…")),
    ),
    gap !== "" && h("p", { class: "problem" }, gap),
  );
}

function rotationPart(
  { waitsFor, servingExpiresAt }: NonNullable<UiSnapshot["rotation"]>,
  now: number,
): ComponentChild {
  const refused = new Map(waitsFor.map(({ step, reason }) => [step, reason] as const));
  return h(
    "section",
    null,
    h("h2", null, "Rotation by hand"),
    servingExpiresAt !== undefined &&
      h("p", { class: "faint" }, "The server's own certificate expires ", timeText(servingExpiresAt, now), "."),
    h(
      "ul",
      { class: "verbs" },
      (["prepare", "activate", "retire"] as const).map((step) => {
        const command = `podrole rotate ${step}`;
        const reason = refused.get(step);
        return h(
          "li",
          { key: step, class: reason === undefined ? "possible" : "muted" },
          h("code", null, command),
          h("span", { class: "faint" }, sentence(shown(reason ?? STEP_PURPOSES[step]))),
          reason === undefined && h(CopyButton, { text: command }),
        );
      }),
    ),
  );
}

const STEP_PURPOSES = {
  prepare: "possible now: publishes a next CA",
  activate: "possible now: the next CA begins to sign",
  retire: "possible now: the previous CA is forgotten",
} as const;
