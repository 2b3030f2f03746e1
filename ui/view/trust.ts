// The CAs on a timeline, who trusts them, and what a rotation would do next.
import { type ComponentChild, h } from "preact";
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import { spanText } from "../model/time.ts";
import { type TrustBar, type TrustLine, trustGap, trustLineOf, trustMarks, trustVerdict } from "../model/trust.ts";
import type { ViewProps } from "./context.ts";
import { emptyNote, shown, timeText, unknownNotes, viewTitle } from "./dom.ts";

/** The view. */
export function TrustView({ snapshot, now }: ViewProps): ComponentChild {
  const { trust, rotation, unknown, leafSeconds } = snapshot;
  const line = trustLineOf(trust, rotation, now);
  return h(
    "div",
    { class: "view" },
    viewTitle("Trust", "podrole's CAs, who trusts them, and their rotation"),
    unknownNotes([...unknown.trust, ...unknown.pods.filter(({ what }) => what === "what containers hold")]),
    line !== undefined && verdictLine(line, rotation, now),
    line === undefined
      ? emptyNote("No CA can be shown")
      : h("section", null, h("h2", null, "CAs"), timeLine(line, leafSeconds, now)),
    rotation !== undefined && rotationPart(rotation, now),
  );
}

function verdictLine(line: TrustLine, rotation: UiSnapshot["rotation"], now: number): ComponentChild {
  const verdict = trustVerdict(line, rotation);
  if (verdict === undefined) return null;
  const { tone, text, next } = verdict;
  return h(
    "p",
    { class: "verdict" },
    h("b", { class: tone }, `${VERDICT_GLYPHS[tone]} ${text}`),
    next && [" The servers' next step: ", next.label, ", ", timeText(next.time, now), "."],
  );
}

const VERDICT_GLYPHS = { good: "✓", notice: "▲", bad: "✕" } as const;

function timeLine(
  { bars, marks, begin, end, now: nowAt }: TrustLine,
  leafSeconds: UiSnapshot["leafSeconds"],
  now: number,
): ComponentChild {
  return h(
    "div",
    { class: "trust" },
    h(
      "div",
      { class: "scale", "aria-hidden": "true" },
      h("span", null, begin.slice(0, 10)),
      h("span", { class: "now", style: { left: `${nowAt * 100}%` } }, "now"),
      h("span", null, end.slice(0, 10)),
    ),
    h(
      "ul",
      null,
      bars.map((bar) => caItem(bar, leafSeconds[bar.row.fingerprint], { nowAt, now, marks })),
    ),
    marks.length > 0 &&
      h(
        "ol",
        { class: "marks" },
        marks.map(({ time, label }) =>
          h("li", { key: `${label} ${time}` }, h("b", null, timeText(time, now)), " ", label),
        ),
      ),
  );
}

function caItem(
  bar: TrustBar,
  leaf: number | undefined,
  { nowAt, now, marks }: { readonly nowAt: number; readonly now: number; readonly marks: TrustLine["marks"] },
): ComponentChild {
  const { row, title, meaning, from, to, isExpired } = bar;
  const gap = trustGap(row);
  const trusted = trustMarks(row);
  return h(
    "li",
    { key: row.fingerprint },
    h(
      "div",
      { class: "track", "aria-hidden": "true" },
      h("span", {
        class: `ca ${isExpired ? "bad" : title}`,
        style: { left: `${from * 100}%`, width: `${Math.max(0.6, (to - from) * 100)}%` },
      }),
      marks.map(({ at, label }) =>
        h("span", { key: `${label} ${at}`, class: "tick", title: label, style: { left: `${at * 100}%` } }),
      ),
      h("span", { class: "now", style: { left: `${nowAt * 100}%` } }),
    ),
    h("p", null, h("b", null, title), " ", shown(row.subject), h("span", { class: "faint" }, ` · ${meaning}`)),
    h(
      "p",
      { class: "faint" },
      isExpired ? h("b", { class: "bad" }, "expired ") : "expires ",
      timeText(row.expires, now),
      leaf !== undefined && ` · leaf certificates of at most ${spanText(leaf * 1_000)}`,
      " · SHA-256 ",
      h("code", null, shown(row.fingerprint.slice(0, 23)), "…"),
    ),
    trusted !== "" && h("p", { class: gap === "" ? "faint" : "" }, trusted),
    gap !== "" && h("p", { class: "problem" }, gap),
  );
}

function rotationPart(
  { waitsFor, leafSeconds, servingExpiresAt }: NonNullable<UiSnapshot["rotation"]>,
  now: number,
): ComponentChild {
  const refused = new Map(waitsFor.map(({ step, reason }) => [step, reason] as const));
  return h(
    "section",
    null,
    h("h2", null, "Rotation"),
    h(
      "dl",
      { class: "rotation" },
      h("dt", null, "Leaf certificates now"),
      h("dd", null, `valid for ${spanText(leafSeconds * 1_000)}`),
      servingExpiresAt !== undefined && h("dt", null, "Server's own certificate"),
      servingExpiresAt !== undefined && h("dd", null, "expires ", timeText(servingExpiresAt, now)),
    ),
    h(
      "ul",
      { class: "verbs" },
      (["prepare", "activate", "retire"] as const).map((step) =>
        h(
          "li",
          { key: step, class: "muted" },
          h("code", null, `podrole rotate ${step}`),
          h("span", null, refused.has(step) ? shown(refused.get(step) ?? "") : "possible now"),
        ),
      ),
    ),
  );
}
