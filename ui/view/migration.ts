// The migration from kiam or kube2iam: what has moved, the next waves, and what needs work first.
import { type ComponentChild, h } from "preact";
import type { Known } from "../../src/operations/known.ts";
import type { UiMigration, UiMove, UiRefusedWorkload } from "../../src/operations/ui/model.ts";
import { type MigrationPart, whereabouts } from "../model/migration.ts";
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

function migration(found: UiMigration, namespace: string | undefined): ComponentChild {
  const { report, waves, postponed, refused } = found;
  const { from, counts, pods, moved, problems, general } = report;
  const scope = namespace === undefined ? "" : ` -n ${shown(namespace)}`;
  return h(
    "div",
    null,
    h(
      "section",
      null,
      h("h2", null, `${moved.toLocaleString("en")} of ${countOf(pods, "pod")} moved`),
      partsBar(whereabouts(found)),
    ),
    h(
      "section",
      null,
      h("h2", null, `What changes for the ${pods.toLocaleString("en")} pods`),
      partsBar([
        { label: "refused", count: counts.refused, tone: "bad" },
        { label: "need work first", count: counts.needsWork, tone: "work" },
        { label: "work differently", count: counts.changed, tone: "notice" },
        { label: "unchanged", count: counts.unchanged, tone: "rest" },
      ]),
    ),
    refused.length > 0 && refusedPart(refused, counts.refused, `podrole migrate ${from}${scope}`),
    problems.length > 0 &&
      h(
        "ul",
        { class: "unknown" },
        problems.map((text) => h("li", { key: text }, shown(text))),
      ),
    postponed.length > 0 && postponedPart(postponed),
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
        { class: "general" },
        general.map((text) => h("li", { key: text }, shown(text))),
      ),
    ),
  );
}

/** All parts of a whole as one bar, and what each of them is. */
function partsBar(parts: readonly MigrationPart[]): ComponentChild {
  const present = parts.filter(({ count }) => count > 0);
  return h(
    "div",
    { class: "parts-of-all" },
    h(
      "div",
      { class: "stacked", "aria-hidden": "true" },
      present.map(({ label, count, tone }) => h("span", { key: label, class: tone, style: { flexGrow: count } })),
    ),
    h(
      "ul",
      null,
      parts.map(({ label, count, tone }) =>
        h(
          "li",
          { key: label, class: tone },
          h("i", { "aria-hidden": "true" }),
          h("b", null, count.toLocaleString("en")),
          ` ${label}`,
        ),
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
      cell("first", `Wave ${wave}`),
      cell("main", namespaceLink(name)),
      podsCell(pods),
      cell("end", h("span", { class: RISKS[risk][0] }, RISKS[risk][1])),
      findingsCell(findings),
    );
  return rowsTable(
    fixedHeads([
      { head: "Wave", kind: "first" },
      { head: "Namespace", kind: "main" },
      { head: "Pods", kind: "number" },
      { head: "Risk", kind: "end" },
      { head: "What to look at", kind: "text" },
    ]),
    waves.flatMap((wave, index) => wave.map((move) => rowOfMove(index + 1, move))),
    "waves",
  );
}

/** Each workload whose pods would be refused, with the reasons; the command prints those of all. */
function refusedPart(refused: readonly UiRefusedWorkload[], pods: number, command: string): ComponentChild {
  const listed = refused.reduce((sum, each) => sum + each.pods, 0);
  return h(
    "section",
    null,
    h("h2", null, "Refused pods", h("span", { class: "total" }, countOf(pods, "pod"))),
    rowsTable(
      whyHeads("Workload"),
      refused.map(({ namespace, kind, name, pods: count, findings }) =>
        whyRow(
          `${namespace} ${kind} ${name} ${findings.join()}`,
          [shown(`${namespace}/${name}`), h("span", { key: "kind", class: "faint" }, ` · ${shown(kind)}`)],
          { pods: count, findings },
        ),
      ),
      "moves",
    ),
    listed < pods && commandList([`${command}  # lists all of them`]),
  );
}

function postponedPart(postponed: readonly UiMove[]): ComponentChild {
  return h(
    "section",
    null,
    h(
      "h2",
      null,
      "Namespaces that need work first",
      h(
        "span",
        { class: "total" },
        countOf(
          postponed.reduce((sum, move) => sum + move.pods, 0),
          "pod",
        ),
      ),
    ),
    h(
      "p",
      { class: "faint" },
      "A namespace moves as a whole: of these, some pods would be refused or need work, and the others wait for them.",
    ),
    rowsTable(
      whyHeads("Namespace"),
      postponed.map((move) => whyRow(move.name, namespaceLink(move.name), move)),
      "moves",
    ),
  );
}

function whyHeads(what: string): readonly ComponentChild[] {
  return fixedHeads([
    { head: what, kind: "main" },
    { head: "Pods", kind: "number" },
    { head: "Why", kind: "text" },
  ]);
}

function whyRow(key: string, what: ComponentChild, { pods, findings }: Pick<UiMove, "pods" | "findings">) {
  return h("tr", { key }, cell("main", what), podsCell(pods), findingsCell(findings));
}

/** On a narrow screen, where the column has no head, with its unit. */
function podsCell(pods: number): ComponentChild {
  return cell("number", pods.toLocaleString("en"), h("span", { class: "narrow" }, pods === 1 ? " pod" : " pods"));
}

function findingsCell(findings: readonly string[]): ComponentChild {
  return cell(
    "text",
    findings.map((text) => h("span", { key: text, class: "sentence" }, shown(sentence(text)), " ")),
  );
}

function namespaceLink(name: string): ComponentChild {
  return h("a", { href: fragmentOfRoute({ view: "map", namespace: name }) }, shown(name));
}
