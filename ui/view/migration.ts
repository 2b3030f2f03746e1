// The migration from kiam or kube2iam: what has moved, the next waves, and what needs work first.
import { type ComponentChild, h } from "preact";
import type { Known } from "../../src/operations/known.ts";
import type { UiMigration, UiMove } from "../../src/operations/ui/model.ts";
import { fragmentOfRoute } from "../model/route.ts";
import type { ViewProps } from "./context.ts";
import { emptyNote, shown, unknownNotes, viewTitle } from "./dom.ts";
import { useLoaded } from "./use-loaded.ts";

const PREDECESSORS = ["kiam", "kube2iam"] as const;

/** The view. */
export function MigrationView({ route, load }: ViewProps): ComponentChild {
  const from = route.parts[0] === "kube2iam" ? "kube2iam" : "kiam";
  const { data, problem } = useLoaded<Known<UiMigration>>(load, "migration", { from });
  return h(
    "div",
    { class: "view" },
    viewTitle("Migration", "What changes for each pod if podrole replaces kiam or kube2iam"),
    h(
      "nav",
      { class: "tabs", "aria-label": "Predecessor" },
      PREDECESSORS.map((name) =>
        h(
          "a",
          {
            key: name,
            href: fragmentOfRoute({ view: "migration", parts: [name] }),
            "aria-current": name === from ? "page" : undefined,
          },
          name,
        ),
      ),
    ),
    problem !== undefined && h("p", { class: "problem" }, shown(problem)),
    data === undefined
      ? problem === undefined && h("p", { class: "faint" }, "Reading workloads …")
      : "unknown" in data
        ? unknownNotes([{ what: `the migration from ${from}`, why: data.unknown, needs: data.needs ?? [] }])
        : migration(data.value),
  );
}

function migration({ report, waves, postponed }: UiMigration): ComponentChild {
  const { counts, pods, moved, problems, general } = report;
  return h(
    "div",
    null,
    h(
      "dl",
      { class: "figures" },
      [
        ["pods", pods, ""],
        ["moved already", moved, "good"],
        ["unchanged", counts.unchanged, ""],
        ["work differently", counts.changed, counts.changed > 0 ? "notice" : ""],
        ["need work first", counts.needsWork, counts.needsWork > 0 ? "bad" : ""],
        ["refused", counts.refused, counts.refused > 0 ? "bad" : ""],
      ].map(([label, count, tone]) =>
        h(
          "div",
          { key: String(label), class: String(tone) },
          h("dd", null, String(count)),
          h("dt", null, String(label)),
        ),
      ),
    ),
    problems.length > 0 &&
      h(
        "ul",
        { class: "unknown" },
        problems.map((text) => h("li", { key: text }, shown(text))),
      ),
    waves.map((wave, index) => h("section", { key: index }, h("h2", null, `Wave ${index + 1}`), moves(wave))),
    postponed.length > 0 && h("section", null, h("h2", null, "Need work first"), moves(postponed)),
    waves.length === 0 && postponed.length === 0 && emptyNote("No namespace is left to move"),
    h(
      "section",
      null,
      h("h2", null, "Changes for every pod"),
      h(
        "ul",
        null,
        general.map((text) => h("li", { key: text }, shown(text))),
      ),
    ),
  );
}

const RISKS = [
  ["good", "nothing changes"],
  ["notice", "something works differently"],
  ["bad", "something needs work first"],
] as const;

function moves(all: readonly UiMove[]): ComponentChild {
  return h(
    "ul",
    { class: "lines" },
    all.map(({ name, pods, risk, findings }) =>
      h(
        "li",
        { key: name },
        h("a", { href: fragmentOfRoute({ view: "map", namespace: name }) }, shown(name)),
        h("span", { class: RISKS[risk][0] }, ` ${pods} pods: ${RISKS[risk][1]}`),
        findings.length > 0 &&
          h(
            "ul",
            null,
            findings.map((text) => h("li", { key: text }, shown(text))),
          ),
      ),
    ),
  );
}
