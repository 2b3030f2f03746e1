// The status as text: a table, what is wrong with the installation, reason and remedy for each code, what is unknown,
// and a count. And as JSON, YAML and names.

import { accountsText } from "../../operations/aws-accounts.ts";
import type { BlockedWorkload } from "../../operations/blocked-workloads.ts";
import { countOf } from "../../operations/format.ts";
import type { InstallationFacts } from "../../operations/installation-facts.ts";
import { notInstalledText, type ProgramName } from "../../operations/installed.ts";
import { REGISTERED_STEP, registerStep } from "../../operations/installer.ts";
import { labelStep, stepFields } from "../../operations/next-steps.ts";
import { absenceOf } from "../../operations/program-absence.ts";
import type { PodRow, RefusedRow, Status } from "../../operations/status/model.ts";
import { isRowWell } from "../../operations/status/pod-rows.ts";
import { restartsOfUninjected, UNREGISTERED, unregisteredScope } from "../../operations/uninjected-cause.ts";
import { diagnosisLines, type ShownDiagnosis } from "./diagnosis.ts";
import { type StatusTable, statusTable } from "./status-columns.ts";
import type { Paint } from "./style.ts";
import { columnWidths, escapeControls, tableLine } from "./text.ts";

/** How the text is written. */
export interface StatusTextOptions {
  readonly isWide: boolean;
  readonly paint: Paint;
}

/** Returns the table and what belongs to it. */
export function statusText(status: Status, { isWide, paint }: StatusTextOptions): string {
  const table = statusTable(status, isWide);
  const notes = [
    ...installationProblems(status).map((text) => paint(escapeControls(text), "bad")),
    ...causeNotes(status).map((text) => escapeControls(text)),
    ...(isWide ? accountLines(status) : []).map((text) => escapeControls(text)),
    ...unknownLines(status).map((text) => paint(escapeControls(text), "faint")),
    escapeControls(statusSummary(status)),
  ];
  const shown = table.rows.length === 0 ? "" : `${tableLines(table, paint).join("\n")}\n\n`;
  return `${shown}${notes.join("\n")}\n`;
}

/** Returns the lines of a table, with the widths of its widest cells. */
export function tableLines({ head, rows }: StatusTable, paint: Paint): readonly string[] {
  const texts = rows.map((cells) => cells.map(({ text }) => escapeControls(text)));
  const widths = columnWidths([head, ...texts]);
  return [
    tableLine(head, widths),
    ...rows.map((cells, row) =>
      tableLine(texts[row] ?? [], widths, (text, column) => paint(text, cells[column]?.tone ?? "plain")),
    ),
  ];
}

/** Returns names as `kubectl get -o name` prints them, each once; the ARNs of roles; fingerprints of CAs. */
export function statusNames({ topic, pods = [], roles = [], refusals = [], trust = [] }: Status): string {
  const names = {
    pods: pods.map(({ pod }) => `pod/${pod}`),
    roles: roles.map(({ role }) => role),
    refusals: refusals.map(({ pod }) => `pod/${pod}`),
    trust: trust.map(({ fingerprint }) => fingerprint),
  }[topic];
  return [...new Set(names)].map((name) => `${escapeControls(name)}\n`).join("");
}

/** What is wrong with the installation: a line each, and what to do. */
function installationProblems(status: Status): readonly string[] {
  const { installation, isLabelled, namespace, topic, pods = [], blocked = [] } = status;
  if (installation.isAbsent) return [notInstalledText(installation.namespace)];
  const { isRegistered, facts = {} } = installation;
  // Pods that are not injected say the same, with what to do about themselves, and so do workloads without pods.
  const isSaid =
    pods.some(({ phase }) => phase === "not injected") || blocked.some(({ cause }) => cause.includes(UNREGISTERED));
  return [
    ...absenceLines("server", installation),
    ...absenceLines("webhook", installation),
    ...(isRegistered === false && !isSaid
      ? [
          `${UNREGISTERED}: new pods are not injected`,
          ...blockOf({
            scope: unregisteredScope(facts.running),
            ...forAllOf(facts),
            ...stepFields([registerStep(facts), REGISTERED_STEP]),
          }),
        ]
      : []),
    ...(isLabelled === false && topic === "pods" && !isSaid
      ? [
          `namespace ${namespace} does not have the label podrole.io/inject: enabled: no new pod in it is injected`,
          ...blockOf(stepFields([labelStep(namespace ?? "")])),
        ]
      : []),
  ];
}

function forAllOf({ running }: InstallationFacts): Pick<ShownDiagnosis, "forAll"> {
  const forAll = restartsOfUninjected(running);
  return forAll === undefined ? {} : { forAll };
}

function absenceLines(program: ProgramName, { facts = {}, ...counts }: Status["installation"]): readonly string[] {
  const count = counts[program];
  const absence = count && absenceOf(program, count, facts);
  if (absence === undefined) return [];
  const heading = `podrole's ${program}: 0 of ${count?.wanted} replicas are ready`;
  return [heading].concat(blockOf({ ...absence, ...stepFields(absence.steps) }));
}

function blockOf(shown: ShownDiagnosis): readonly string[] {
  return diagnosisLines(shown).map((line) => `  ${line}`);
}

/** Diagnoses of the output, at most; -o json has every row. */
const MAX_SHOWN = 10;

/** For each cause: which pods or workloads have it, what to do, and the next commands. */
function causeNotes({ pods = [], blocked = [], refusals = [], installation }: Status): readonly string[] {
  const said = new Set(absentCauses(installation));
  const rows: readonly (PodRow | RefusedRow)[] = [...pods, ...refusals];
  const groups = Map.groupBy(
    rows.filter(({ cause }) => cause !== undefined && !said.has(cause)),
    causeKey,
  );
  return [
    ...[...groups.values()].slice(0, MAX_SHOWN).flatMap(linesOfCause),
    ...blocked.slice(0, MAX_SHOWN).flatMap(blockedLines),
  ];
}

function absentCauses({ server, facts = {} }: Status["installation"]): readonly string[] {
  const absence = server && absenceOf("server", server, facts);
  return absence === undefined ? [] : [absence.cause];
}

/** The same for rows that the same remedy helps. */
function causeKey(row: PodRow | RefusedRow): string {
  return [row.code ?? rowPhase(row) ?? "", row.role, row.remedy].join(" ");
}

function rowPhase(row: PodRow | RefusedRow): PodRow["phase"] | undefined {
  return "phase" in row ? row.phase : undefined;
}

function linesOfCause(users: readonly (PodRow | RefusedRow)[]): readonly string[] {
  const [first] = users;
  if (first === undefined) return [];
  const { forAll, ...shown } = first;
  const isOfMany = new Set(users.map(subjectOf)).size > 1 || first.scope !== undefined;
  return [`${headingOf(first)} (${whose(users)})`, ...blockOf(isOfMany && forAll !== undefined ? first : shown)];
}

function headingOf(row: PodRow | RefusedRow): string {
  if (row.code !== undefined) return row.code;
  if ("requestedRole" in row && row.requestedRole !== undefined) return "role changed";
  return rowPhase(row) === "not injected" ? "not injected" : "no credentials";
}

function blockedLines(blocked: BlockedWorkload): readonly string[] {
  const { namespace, workload } = blocked;
  return [`${workload} in namespace ${namespace} cannot create its pods`, ...blockOf(blocked)];
}

function whose(users: readonly (PodRow | RefusedRow)[]): string {
  const names = [...new Set(users.map(subjectOf))];
  const [first = ""] = names;
  if (names.length === 1) return first;
  return first.startsWith("pod ")
    ? `${names.length} pods, such as ${first.slice(4)}`
    : `${names.length}, such as ${first}`;
}

/** Pods that were refused before they had a name are known by the object that creates them. */
function subjectOf({ namespace, pod }: PodRow | RefusedRow): string {
  return pod.includes("/") ? `${pod} in namespace ${namespace}` : `pod ${namespace}/${pod}`;
}

/** The accounts of the roles in the table, which its ARNs name, beside that of the server. */
function accountLines({ pods = [], roles = [], refusals = [], serverAccount }: Status): readonly string[] {
  const shown = [...pods, ...roles, ...refusals].flatMap(({ role }) => role ?? []);
  const text = accountsText(shown, serverAccount);
  return text === undefined ? [] : [text];
}

function unknownLines({ unknown }: Status): readonly string[] {
  return unknown.map(({ what, why, needs }) =>
    needs.length > 0 ? `unknown: ${what}: needs ${needs.join(", ")}` : `unknown: ${what}: ${why}`,
  );
}

function statusSummary(status: Status): string {
  const { topic, namespace, pods, blocked, roles = [], refusals = [], refusalsSince, trust = [] } = status;
  const where = namespace === undefined ? "" : ` in namespace ${namespace}`;
  switch (topic) {
    case "pods":
      return [
        podSummary(pods ?? [], { where, now: Date.parse(status.at), isBlocked: (blocked ?? []).length > 0 }),
        ...blockedSummary(status),
      ].join("; ");
    case "roles":
      return `${countOf(roles.length, "role")}${where}`;
    case "refusals": {
      const reach =
        refusalsSince === undefined
          ? "from the pods' Events of the last hour, and how sidecars ended"
          : `since ${refusalsSince}, whatever restarts the server had`;
      return `${refusedText(refusals)}${where} ${reach}; earlier ones are in the servers' logs (podrole audit refusals); not counted: ${UNCOUNTED_REFUSALS}`;
    }
    case "trust":
      return `${countOf(trust.length, "CA")}; podrole rotate status shows the next steps`;
  }
}

/**
 * The API server answers for itself. A ready pod keeps what it has, and neither the server nor the cluster learns of
 * such a renewal.
 */
const UNCOUNTED_REFUSALS =
  "pods that podrole's admission policy or a quota refuses (podrole status shows their workloads), and ready pods that cannot reach or trust the server (kubectl logs POD -c podrole-sidecar)";

/** A row counts equal refusals of one container. */
function refusedText(rows: readonly RefusedRow[]): string {
  const count = rows.reduce((sum, row) => sum + row.count, 0);
  if (count === rows.length) return countOf(count, "refusal");
  return `${countOf(count, "refusal")} in ${countOf(rows.length, "row")}`;
}

function podSummary(
  rows: readonly PodRow[],
  { where, now, isBlocked }: { readonly where: string; readonly now: number; readonly isBlocked: boolean },
): string {
  const users = new Set(rows.filter(({ phase }) => phase !== "not injected").map(qualified));
  const spaces = new Set(rows.map(({ namespace }) => namespace)).size;
  const all = new Set(rows.map(qualified)).size;
  const copies = new Set(rows.filter(({ isCopy }) => isCopy).map(qualified)).size;
  const hasChanged = rows.some(({ requestedRole }) => requestedRole !== undefined);
  const unwell = new Set(rows.filter((row) => !isRowWell(row, now)).map(qualified)).size;
  const well = hasChanged ? "all are ready, not all with the role that they name now" : "all have what they need";
  const wellness = unwell === 0 ? well : `${unwell} of ${countOf(all, "pod")} not well`;
  if (rows.length === 0)
    return isBlocked ? `no such pod exists${where}` : `no pod${where} uses podrole or names a role`;
  const places = where === "" ? ` in ${countOf(spaces, "namespace")}` : where;
  const naming = all - copies;
  const isEach = users.size === naming;
  const counted = isEach ? countOf(naming, "pod") : `${users.size} of ${countOf(naming, "pod")}`;
  const named = isEach ? "" : ` that ${naming === 1 ? "names" : "name"} a role`;
  const verb = users.size === 1 || naming === 1 ? "uses" : "use";
  const copied = copies === 0 ? [] : [copies === 1 ? "1 copy has no role" : `${copies} copies have no role`];
  return [`${counted}${places}${named} ${verb} podrole`, ...copied, wellness].join("; ");
}

function blockedSummary({ blocked = [] }: Status): readonly string[] {
  const workloads = new Set(blocked.map(({ namespace, workload }) => `${namespace}/${workload}`)).size;
  if (workloads === 0) return [];
  return [workloads === 1 ? "1 workload cannot create its pods" : `${workloads} workloads cannot create their pods`];
}

function qualified({ namespace, pod }: PodRow): string {
  return `${namespace}/${pod}`;
}
