// The columns of podrole status: for each topic the heads and the cells of a row, with the tone of each cell.
import { formatAge } from "../../operations/format.ts";
import type { PodRow, RefusedRow, RoleRow, Status, StatusTopic, TrustRow } from "../../operations/status/model.ts";
import { isRowWell } from "../../operations/status/pod-rows.ts";
import type { Tone } from "./style.ts";

/** A cell, and what its colour would mean. */
export interface Cell {
  readonly text: string;
  readonly tone: Tone;
}

/** What the cells of a status depend on besides their row. */
interface CellContext {
  /** Unix milliseconds. */
  readonly now: number;
  readonly isWide: boolean;
  /** Returns a role as the column shows it. */
  readonly roleText: (role: string) => string;
}

interface Column<Row> {
  readonly head: string;
  /** Only with -o wide. */
  readonly isWide?: true;
  /** Left out if the rows are of one namespace. */
  readonly isPlace?: true;
  readonly cell: (row: Row, context: CellContext) => Cell;
}

/** The heads and rows of a table. */
export interface StatusTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** Returns the table of the status's topic; `isWide` as of -o wide. */
export function statusTable(status: Status, isWide: boolean): StatusTable {
  const { topic } = status;
  const rows: readonly object[] = status[topic] ?? [];
  const roles = rows.flatMap((row) => ("role" in row && typeof row.role === "string" ? row.role : []));
  const context: CellContext = {
    now: Date.parse(status.at),
    isWide,
    roleText: isWide ? (role) => role : shortener(roles),
  };
  const columns = (COLUMNS[topic] as readonly Column<object>[]).filter(
    (column) => (isWide || !column.isWide) && (status.namespace === undefined || !column.isPlace),
  );
  return {
    head: columns.map(({ head }) => head),
    rows: rows.map((row) => columns.map(({ cell }) => cell(row, context))),
  };
}

/** Cuts what all ARNs have in common: the account's prefix, if it is the same for all of them. */
function shortener(roles: readonly string[]): CellContext["roleText"] {
  const prefixes = new Set(roles.flatMap((role) => /^arn:[^/]*:role\//.exec(role)?.[0] ?? []));
  const [prefix] = prefixes;
  return (role) => (prefixes.size === 1 && prefix && role.startsWith(prefix) ? role.slice(prefix.length) : role);
}

const plain = (text: string): Cell => ({ text, tone: "plain" });
const ABSENT: Cell = { text: "-", tone: "faint" };
const UNKNOWN: Cell = { text: "unknown", tone: "faint" };
const optional = (text: string | undefined): Cell => (text === undefined || text === "" ? ABSENT : plain(text));

function agoCell(time: string | undefined, now: number): Cell {
  return time === undefined || Number.isNaN(Date.parse(time)) ? ABSENT : plain(formatAge(now - Date.parse(time)));
}

function expiryCell(time: string, now: number): Cell {
  const left = Date.parse(time) - now;
  return left > 0 ? plain(formatAge(left)) : { text: `expired ${formatAge(-left)} ago`, tone: "bad" };
}

/** The role that a container has; of a pod that is not injected, the one that it names. */
function roleCell({ role, namedRole }: PodRow, { roleText }: CellContext): Cell {
  if (role !== undefined || namedRole === undefined) return optional(role && roleText(role));
  return { text: `${roleText(namedRole)} (named)`, tone: "faint" };
}

function heldExpiry({ expires, unknown }: PodRow, { now }: CellContext): Cell {
  if (expires !== undefined) return expiryCell(expires, now);
  return unknown === undefined ? ABSENT : UNKNOWN;
}

function phaseCell(row: PodRow, { now }: CellContext): Cell {
  const { phase, reason } = row;
  const text = phase === "waiting" && reason !== undefined ? `sidecar ${reason}` : PHASE_TEXTS[phase];
  if (phase === "terminating" || phase === "unknown") return { text, tone: "faint" };
  if (isRowWell(row, now)) return { text, tone: "good" };
  return { text, tone: phase === "starting" || phase === "absent" ? "waiting" : "bad" };
}

const PHASE_TEXTS: Readonly<Record<PodRow["phase"], string>> = {
  ready: "ready",
  starting: "starting",
  waiting: "waiting",
  ended: "ended",
  absent: "not started",
  "not injected": "not injected",
  terminating: "terminating",
  unknown: "unknown",
};

const codeCell = (code: string | undefined): Cell => (code === undefined ? ABSENT : { text: code, tone: "bad" });

const POD_COLUMNS: readonly Column<PodRow>[] = [
  { head: "NAMESPACE", isPlace: true, cell: ({ namespace }) => plain(namespace) },
  { head: "POD", cell: ({ pod }) => plain(pod) },
  { head: "CONTAINER", cell: ({ container }) => optional(container) },
  { head: "ROLE", cell: roleCell },
  { head: "STATE", cell: phaseCell },
  { head: "EXPIRES IN", cell: heldExpiry },
  { head: "LAST CODE", cell: ({ code }) => codeCell(code) },
  { head: "RENEWED", isWide: true, cell: ({ renewed }, { now }) => agoCell(renewed, now) },
  { head: "ROLE FROM", isWide: true, cell: ({ roleFrom }) => optional(roleFrom) },
  { head: "RESTARTS", isWide: true, cell: ({ restarts }) => plain(String(restarts)) },
  { head: "AGE", isWide: true, cell: ({ created }, { now }) => agoCell(created, now) },
  { head: "SIDECAR", isWide: true, cell: ({ sidecar }) => optional(sidecar) },
  { head: "NODE", isWide: true, cell: ({ node }) => optional(node) },
];

const ROLE_COLUMNS: readonly Column<RoleRow>[] = [
  { head: "ROLE", cell: ({ role }, { roleText }) => plain(roleText(role)) },
  { head: "PODS", cell: ({ pods }) => plain(String(pods)) },
  { head: "CONTAINERS", cell: ({ containers }) => plain(String(containers)) },
  {
    head: "READY",
    cell: ({ ready, containers }) => ({ text: String(ready), tone: ready < containers ? "waiting" : "good" }),
  },
  {
    head: "NEAREST EXPIRY",
    cell: ({ nearestExpiry }, { now }) => (nearestExpiry ? expiryCell(nearestExpiry, now) : ABSENT),
  },
  { head: "LAST CODES", cell: ({ codes }) => codeCell(codesText(codes)) },
  { head: "NAMESPACES", cell: ({ namespaces }, { isWide }) => plain(namesText(namespaces, isWide)) },
];

function codesText(codes: RoleRow["codes"]): string | undefined {
  const entries = Object.entries(codes).map(([code, count]) => `${code} ${count}`);
  return entries.length === 0 ? undefined : entries.join(", ");
}

const MAX_NAMES_SHOWN = 3;

function namesText(names: readonly string[], isWide: boolean): string {
  const rest = isWide ? 0 : names.length - MAX_NAMES_SHOWN;
  return rest > 0 ? `${names.slice(0, MAX_NAMES_SHOWN).join(",")} and ${rest} more` : names.join(",");
}

const REFUSAL_COLUMNS: readonly Column<RefusedRow>[] = [
  { head: "LAST SEEN", cell: ({ time }, { now }) => agoCell(time, now) },
  { head: "NAMESPACE", isPlace: true, cell: ({ namespace }) => plain(namespace) },
  { head: "POD", cell: ({ pod }) => plain(pod) },
  { head: "CONTAINER", cell: ({ container }) => optional(container) },
  { head: "CODE", cell: ({ code }) => codeCell(code) },
  { head: "COUNT", cell: ({ count }) => plain(String(count)) },
  { head: "ROLE", cell: ({ role }, { roleText }) => optional(role && roleText(role)) },
  { head: "READ FROM", isWide: true, cell: ({ from }) => plain(from) },
  { head: "REASON", isWide: true, cell: ({ message }) => plain(message) },
];

const TRUST_COLUMNS: readonly Column<TrustRow>[] = [
  { head: "SLOT", cell: ({ slot }) => (slot === undefined ? UNKNOWN : plain(slot)) },
  { head: "SUBJECT", cell: ({ subject }) => plain(subject) },
  { head: "EXPIRES IN", cell: ({ expires }, { now }) => expiryCell(expires, now) },
  { head: "IN SLOT FOR", cell: ({ since }, { now }) => agoCell(since, now) },
  { head: "IN BUNDLE", cell: ({ inBundle }) => trustCell(inBundle) },
  { head: "IN CABUNDLE", cell: ({ inCaBundle }) => trustCell(inCaBundle) },
  {
    head: "FINGERPRINT",
    cell: ({ fingerprint }, { isWide }) => plain(isWide ? fingerprint : `${fingerprint.slice(0, 23)}...`),
  },
];

function trustCell(isTrusted: boolean | undefined): Cell {
  if (isTrusted === undefined) return UNKNOWN;
  return isTrusted ? { text: "yes", tone: "good" } : { text: "no", tone: "waiting" };
}

const COLUMNS: { readonly [Topic in StatusTopic]: readonly Column<never>[] } = {
  pods: POD_COLUMNS,
  roles: ROLE_COLUMNS,
  refusals: REFUSAL_COLUMNS,
  trust: TRUST_COLUMNS,
};
