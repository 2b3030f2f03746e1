// The migration from kiam or kube2iam: what has moved, the next waves, and what needs work first.
import { type ComponentChild, h } from "preact";
import type { Known } from "../../src/operations/known.ts";
import type { UiMigration, UiMove, UiRefusedWorkload } from "../../src/operations/ui/model.ts";
import { fragmentOfRoute } from "../model/route.ts";
import type { ViewProps } from "./context.ts";
import { countOf, emptyNote, knownPart, sentence, shown, viewTitle } from "./dom.ts";
import { commandList } from "./remedy.ts";
import { cell, fixedHeads, rowsTable } from "./table.ts";
import { useLoaded } from "./use-loaded.ts";

const PREDECESSORS = ["kiam", "kube2iam"] as const;

/** The view. */
export function MigrationView({ snapshot, route, load }: ViewProps): ComponentChild {
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
      : knownPart(data, `the migration from ${from}`, (value) => migration(value, snapshot.namespace)),
  );
}

function migration({ report, waves, postponed, refused }: UiMigration, namespace: string | undefined): ComponentChild {
  const { from, counts, pods, moved, problems, general } = report;
  const scope = namespace === undefined ? "" : ` -n ${shown(namespace)}`;
  const figures = [
    ["refused", counts.refused, "bad"],
    ["need work first", counts.needsWork, "bad"],
    ["work differently", counts.changed, "notice"],
    ["unchanged", counts.unchanged, ""],
  ] as const;
  return h(
    "div",
    null,
    h(
      "section",
      { class: "moved" },
      h("p", null, h("b", null, `${moved} of ${countOf(pods, "pod")} moved`)),
      h(
        "div",
        { class: "share", "aria-hidden": "true" },
        h("span", { style: { width: `${pods === 0 ? 0 : (100 * moved) / pods}%` } }),
      ),
    ),
    h("h2", null, `What changes for the ${pods} pods`),
    h(
      "dl",
      { class: "figures" },
      figures.map(([label, count, tone]) =>
        h("div", { key: label, class: count > 0 ? tone : "" }, h("dd", null, String(count)), h("dt", null, label)),
      ),
    ),
    refused.length > 0 && refusedPart(refused, counts.refused, `podrole migrate ${from}${scope}`),
    problems.length > 0 &&
      h(
        "ul",
        { class: "unknown" },
        problems.map((text) => h("li", { key: text }, shown(text))),
      ),
    postponed.length > 0 && h("section", null, h("h2", null, "Need work first"), moves(postponed)),
    waves.length > 0 &&
      h(
        "section",
        null,
        h("h2", null, "Waves"),
        commandList([`podrole migrate ${from} --waves ${waves.length}${scope}  # prints the commands of each wave`]),
        waveTable(waves),
      ),
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

function waveTable(waves: UiMigration["waves"]): ComponentChild {
  const rowOfMove = (wave: number, { name, pods, risk, findings }: UiMove) =>
    h(
      "tr",
      { key: `${wave} ${name}` },
      cell("state", h("span", { class: "mark" }, h("span", { class: "wave" }, `Wave ${wave}`))),
      cell("main", h("a", { href: fragmentOfRoute({ view: "map", namespace: name }) }, shown(name))),
      cell("number", String(pods)),
      cell("end", h("span", { class: RISKS[risk][0] }, RISKS[risk][1])),
      cell(
        "text",
        findings.map((text) => h("span", { key: text, class: "sentence" }, shown(sentence(text)), " ")),
      ),
    );
  return rowsTable(
    fixedHeads([
      { head: "Wave", kind: "state" },
      { head: "Namespace", kind: "main" },
      { head: "Pods", kind: "number" },
      { head: "Risk", kind: "end" },
      { head: "What to look at", kind: "text" },
    ]),
    waves.flatMap((wave, index) => wave.map((move) => rowOfMove(index + 1, move))),
  );
}

/** Each workload whose pods would be refused, with the reasons; the command prints those of all. */
function refusedPart(refused: readonly UiRefusedWorkload[], pods: number, command: string): ComponentChild {
  const listed = refused.reduce((sum, each) => sum + each.pods, 0);
  return h(
    "section",
    null,
    h("h2", null, "Refused pods"),
    rowsTable(
      fixedHeads([
        { head: "Workload", kind: "main" },
        { head: "Pods", kind: "end" },
        { head: "Why", kind: "text" },
      ]),
      refused.map(({ namespace, kind, name, pods: count, findings }) =>
        h(
          "tr",
          { key: `${namespace} ${kind} ${name} ${findings.join()}` },
          cell("main", shown(`${namespace}/${name}`), h("span", { class: "faint" }, ` · ${shown(kind)}`)),
          cell("end", countOf(count, "pod")),
          cell(
            "text",
            findings.map((text) => h("span", { key: text, class: "sentence" }, shown(sentence(text)), " ")),
          ),
        ),
      ),
    ),
    listed < pods && commandList([`${command}  # lists all of them`]),
  );
}

function moves(all: readonly UiMove[]): ComponentChild {
  return h(
    "ul",
    { class: "lines" },
    all.map(({ name, pods, risk, findings }) =>
      h(
        "li",
        { key: name },
        h("a", { href: fragmentOfRoute({ view: "map", namespace: name }) }, shown(name)),
        h("span", { class: RISKS[risk][0] }, ` ${countOf(pods, "pod")}: ${RISKS[risk][1]}`),
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
