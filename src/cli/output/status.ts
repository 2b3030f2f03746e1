// The status as text: a table, what is wrong with the installation, reason and remedy for each code, what is unknown,
// and a count. And as JSON, YAML and names.
import { countOf } from "../../operations/format.ts";
import { notInstalledText, type ReplicaCount } from "../../operations/installed.ts";
import {
  describeStep,
  explainStep,
  labelStep,
  REGISTER_STEP,
  type StepFields,
  stepsIn,
} from "../../operations/next-steps.ts";
import type { BlockedWorkload, PodRow, RefusedRow, Status } from "../../operations/status/model.ts";
import { isRowWell } from "../../operations/status/pod-rows.ts";
import { UNKNOWN_AGES } from "../../operations/uninjected-cause.ts";
import { ERRORS, isErrorCode } from "../../protocol/errors.ts";
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
    ...codeNotes(status).map((text) => escapeControls(text)),
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

function installationProblems({ installation, isLabelled, namespace, topic }: Status): readonly string[] {
  if (installation.isAbsent) return [notInstalledText(installation.namespace)];
  const { server, webhook, isRegistered } = installation;
  return [
    ...(server?.ready === 0
      ? [
          `${unready("server", server)}: pods get no credentials before it has one, and running pods keep theirs until they expire`,
          nextLine(describeStep(server)),
        ]
      : []),
    ...(webhook?.ready === 0
      ? [
          `${unready("webhook", webhook)}: no pod of a labelled namespace can be created`,
          nextLine(describeStep(webhook)),
        ]
      : []),
    ...(isRegistered === false
      ? [`podrole's webhook is not registered: new pods are not injected`, nextLine(REGISTER_STEP)]
      : []),
    ...(isLabelled === false && topic === "pods"
      ? [
          `namespace ${namespace} does not have the label podrole.io/inject: enabled: no new pod in it is injected`,
          nextLine(labelStep(namespace ?? "")),
        ]
      : []),
  ];
}

function unready(program: string, { wanted, reasons = [] }: ReplicaCount): string {
  return `podrole's ${program} has no ready replica (${[`0 of ${wanted}`, ...reasons].join("; ")})`;
}

/** The next command, below what it is about. */
function nextLine(step: string): string {
  return `  next: ${step}`;
}

function nextLines(row: StepFields): readonly string[] {
  return stepsIn(row).map(nextLine);
}

/** Codes of the output, at most; -o json has every row. */
const MAX_CODES_SHOWN = 10;

/**
 * For each code: how many rows have it, the first of them, reason and remedy, and the next command. Then the workloads
 * and pods without a code.
 */
function codeNotes(status: Status): readonly string[] {
  const { pods = [], blocked = [], refusals = [] } = status;
  const rows: readonly (PodRow | RefusedRow)[] = [...pods, ...refusals];
  const byCode = Map.groupBy(
    rows.filter(({ code }) => code !== undefined),
    ({ code = "" }) => code,
  );
  return [
    ...[...byCode].slice(0, MAX_CODES_SHOWN).flatMap(([code, users]) => linesOfCode(code, users)),
    ...blocked.slice(0, MAX_CODES_SHOWN).flatMap(blockedLines),
    ...uninjectedLines(status),
    ...changedLines(pods),
  ];
}

function linesOfCode(code: string, users: readonly (PodRow | RefusedRow)[]): readonly string[] {
  const first = users.find(({ message }) => message !== undefined && message !== "") ?? users[0];
  return [`${code} (${whose(users)}): ${codeText(code, first)}`, ...nextLines(first ?? {})];
}

/** Reason and remedy: what status found out about the pod, or else what the message and the code say. */
function codeText(code: string, row: PodRow | RefusedRow | undefined): string {
  if (row !== undefined && "cause" in row && row.cause !== undefined && row.remedy !== undefined) {
    return `${row.cause.replace(`${code}: `, "")} -- ${row.remedy}`;
  }
  const message = row?.message ?? "";
  const remedy = isErrorCode(code) ? ERRORS[code].remedy : "a newer version of podrole describes this code";
  return message.includes(remedy) ? message : [message, remedy].filter(Boolean).join(" -- ");
}

function blockedLines(blocked: BlockedWorkload): readonly string[] {
  const { namespace, workload, message } = blocked;
  return [`${workload} in namespace ${namespace} cannot create its pods: ${message}`, ...nextLines(blocked)];
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

function uninjectedLines({ pods = [], isLabelled, installation: { isRegistered } }: Status): readonly string[] {
  const bare = pods.filter(({ phase }) => phase === "not injected");
  const [first] = bare;
  if (first === undefined) return [];
  const why =
    isRegistered === false
      ? "podrole's webhook is not registered"
      : isLabelled === false
        ? "its namespace does not have the label"
        : (first.cause ?? UNKNOWN_AGES);
  const explained = explainStep({ namespace: first.namespace, kind: "pod", name: first.pod });
  return [
    `not injected (${whose(bare)}): the pod names a role and has no podrole-sidecar: ${why}`,
    nextLine(`${explained}  # why, and what to do`),
    ...nextLines(first),
  ];
}

function changedLines(pods: readonly PodRow[]): readonly string[] {
  const changed = pods.filter(({ requestedRole }) => requestedRole !== undefined);
  const [first] = changed;
  if (first === undefined) return [];
  const { role, requestedRole } = first;
  return [
    `role changed (${whose(changed)}): the pod's annotation now names ${requestedRole}, and its container ${first.roleFrom === "server" ? "has" : "got"} ${role}${first.roleFrom === "server" ? "" : " at admission"}; if that is intended, there is nothing to do: without --pin-roles, the next renewal follows the annotation`,
    ...nextLines(first),
  ];
}

function unknownLines({ unknown }: Status): readonly string[] {
  return unknown.map(({ what, why, needs }) =>
    needs.length > 0 ? `unknown: ${what}: needs ${needs.join(", ")}` : `unknown: ${what}: ${why}`,
  );
}

function statusSummary(status: Status): string {
  const { topic, namespace, pods, roles = [], refusals = [], refusalsSince, trust = [] } = status;
  const where = namespace === undefined ? "" : ` in namespace ${namespace}`;
  switch (topic) {
    case "pods":
      return [podSummary(pods ?? [], where, Date.parse(status.at)), ...blockedSummary(status)].join("; ");
    case "roles":
      return `${countOf(roles.length, "role")}${where}`;
    case "refusals": {
      const since = refusalsSince ?? "the pods' Events of the last hour, and how sidecars ended";
      const reach = refusalsSince === undefined ? `from ${since}` : `since ${since}`;
      return `${countOf(refusals.length, "refusal")}${where} ${reach}; earlier ones are in the servers' logs (podrole audit refusals)`;
    }
    case "trust":
      return `${countOf(trust.length, "CA")}; podrole rotate status shows the next steps`;
  }
}

function podSummary(rows: readonly PodRow[], where: string, now: number): string {
  const users = new Set(rows.filter(({ phase }) => phase !== "not injected").map(qualified));
  const spaces = new Set(rows.map(({ namespace }) => namespace)).size;
  const all = new Set(rows.map(qualified)).size;
  const hasChanged = rows.some(({ requestedRole }) => requestedRole !== undefined);
  const unwell = new Set(rows.filter((row) => !isRowWell(row, now)).map(qualified)).size;
  if (rows.length === 0) return `no pod${where} uses podrole or names a role`;
  const places = where === "" ? ` in ${countOf(spaces, "namespace")}` : where;
  return `${countOf(users.size, "pod")}${places} ${users.size === 1 ? "uses" : "use"} podrole; ${unwell === 0 ? (hasChanged ? "all are ready, not all with the role that they name now" : "all have what they need") : `${unwell} of ${countOf(all, "pod")} not well`}`;
}

function blockedSummary({ blocked = [] }: Status): readonly string[] {
  const workloads = new Set(blocked.map(({ namespace, workload }) => `${namespace}/${workload}`)).size;
  if (workloads === 0) return [];
  return [workloads === 1 ? "1 workload cannot create its pods" : `${workloads} workloads cannot create their pods`];
}

function qualified({ namespace, pod }: PodRow): string {
  return `${namespace}/${pod}`;
}
