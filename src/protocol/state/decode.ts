// Reads an answer about the server's state. The answer comes over the network, and parts of it from pods: nothing in it
// is believed to have its form. Every text is cut, every list bounded, and a row that does not have the form is left
// out and counted. Pure; no function throws.
import { isObject, parseJson } from "../../runtime/json-object.ts";
import { failure, type Result, success } from "../../runtime/result.ts";
import {
  type ContainerHolding,
  type PodState,
  type RefusalRecord,
  type RefusalRecords,
  type ServerReplica,
  STATE_VERSION,
  type StatePage,
  type StsMinute,
  type StsState,
  type TrustSlot,
  type TrustState,
} from "./model.ts";

/** A page, and the number of rows that were left out because they do not have the form. */
export interface DecodedPage {
  readonly page: StatePage;
  readonly ignored: number;
}

const MAX_PODS = 50_000;
const MAX_DECODED_CONTAINERS = 256;
const MAX_ROWS = 5_000;
const MAX_ENTRIES = 100;
/** Longer than every name, ARN and message of podrole; longer text is cut. */
const MAX_DECODED_LENGTH = 1_024;

type StateFields = Readonly<Record<string, unknown>>;

/** Reads one page; the problem is why the text is none, such as "is not JSON; expected an answer of version 1". */
export function decodeStatePage(text: string): Result<DecodedPage> {
  const body = parseJson(text);
  if (!isObject(body)) return failure("is not a JSON object; expected an answer of podrole's server");
  const { version } = body;
  if (version !== STATE_VERSION) {
    const found = typeof version === "number" ? String(version) : "none";
    return failure(`has version ${found}; expected ${STATE_VERSION}: use the command line of the server's version`);
  }
  const replica = isObject(body["replica"]) ? decodeReplica(body["replica"]) : undefined;
  if (replica === undefined) return failure("does not name the replica that answered; expected its name and times");
  const pods = readRows(body["pods"], MAX_PODS, decodePod);
  const refusals = isObject(body["refusals"]) ? decodeRefusals(body["refusals"]) : undefined;
  const trust = isObject(body["trust"]) ? decodeTrust(body["trust"]) : undefined;
  const sts = isObject(body["sts"]) ? decodeSts(body["sts"]) : undefined;
  const page: StatePage = {
    version: STATE_VERSION,
    replica,
    ...optionalText(body, "namespace"),
    podCount: readCount(body["podCount"]),
    pods: pods.rows,
    ...optionalText(body, "next"),
    ...(refusals && { refusals: refusals.records }),
    ...(trust && { trust }),
    ...(sts && { sts }),
  };
  return success({ page, ignored: pods.ignored + (refusals?.ignored ?? 0) });
}

/** Reads records of refusals, and counts the rows that do not have the form. Undefined without `recordedSince`. */
export function decodeRefusals(
  fields: StateFields,
): { readonly records: RefusalRecords; readonly ignored: number } | undefined {
  const recordedSince = readTimestamp(fields["recordedSince"]);
  if (recordedSince === undefined) return undefined;
  const { rows, ignored } = readRows(fields["rows"], MAX_ROWS, decodeRefusal);
  return { records: { recordedSince, ...optionalTime(fields, "sharedAt"), rows }, ignored };
}

function decodeReplica(fields: StateFields): ServerReplica | undefined {
  const startedAt = readTimestamp(fields["startedAt"]);
  const answeredAt = readTimestamp(fields["answeredAt"]);
  const name = readText(fields["name"]);
  if (startedAt === undefined || answeredAt === undefined || name === undefined) return undefined;
  const problems = boundedList(fields["problems"], MAX_ENTRIES).flatMap((problem) => readText(problem) ?? []);
  const account = readText(fields["account"]);
  return {
    name,
    version: readText(fields["version"]) ?? "",
    startedAt,
    answeredAt,
    ...(account !== undefined && AWS_ACCOUNT.test(account) && { account }),
    problems,
  };
}

/** Of AWS. */
const AWS_ACCOUNT = /^\d{12}$/;

function decodePod(fields: StateFields): PodState | undefined {
  const [namespace, name, uid] = [fields["namespace"], fields["name"], fields["uid"]].map(readText);
  if (namespace === undefined || name === undefined || uid === undefined) return undefined;
  return {
    namespace,
    name,
    uid,
    serviceAccount: readText(fields["serviceAccount"]) ?? "",
    ...optionalText(fields, "node"),
    ...optionalCount(fields, "sidecarRestarts"),
    containers: readRows(fields["containers"], MAX_DECODED_CONTAINERS, decodeHolding).rows,
    ...optionalTime(fields, "unknownSince"),
  };
}

function decodeHolding(fields: StateFields): ContainerHolding | undefined {
  const container = readText(fields["container"]);
  const since = readTimestamp(fields["since"]);
  const observedAt = readTimestamp(fields["observedAt"]);
  if (container === undefined || since === undefined || observedAt === undefined) return undefined;
  return {
    container,
    ...optionalText(fields, "role"),
    ...optionalTime(fields, "expiresAt"),
    ...optionalTime(fields, "renewedAt"),
    ...optionalText(fields, "code"),
    since,
    observedAt,
    source: fields["source"] === "issued" ? "issued" : "reported",
  };
}

function decodeRefusal(fields: StateFields): RefusalRecord | undefined {
  const [namespace, pod, code] = [fields["namespace"], fields["pod"], fields["code"]].map(readText);
  const time = readTimestamp(fields["time"]);
  if (namespace === undefined || pod === undefined || code === undefined || time === undefined) return undefined;
  return {
    time,
    since: readTimestamp(fields["since"]) ?? time,
    count: Math.max(1, readCount(fields["count"])),
    namespace,
    pod,
    uid: readText(fields["uid"]) ?? "",
    container: readText(fields["container"]) ?? "",
    ...optionalText(fields, "role"),
    code,
    reason: readText(fields["reason"]) ?? "",
  };
}

function decodeTrust(fields: StateFields): TrustState {
  return {
    slots: readRows(fields["slots"], MAX_ENTRIES, decodeTrustSlot).rows,
    leafSeconds: readCount(fields["leafSeconds"]),
    ...optionalTime(fields, "servingExpiresAt"),
    outlook: readRows(fields["outlook"], MAX_ENTRIES, ({ step, at }) => {
      const [name, time] = [choiceOf(step, ["publish", "sign", "forget"]), readTimestamp(at)];
      return name && time !== undefined ? { step: name, at: time } : undefined;
    }).rows,
    waitsFor: readRows(fields["waitsFor"], MAX_ENTRIES, ({ step, reason }) => {
      const name = choiceOf(step, ["prepare", "activate", "retire"]);
      return name && { step: name, reason: readText(reason) ?? "" };
    }).rows,
  };
}

function decodeTrustSlot(fields: StateFields): TrustSlot | undefined {
  const slot = choiceOf(fields["slot"], ["next", "current", "previous", "own"]);
  const expiresAt = readTimestamp(fields["expiresAt"]);
  if (slot === undefined || expiresAt === undefined) return undefined;
  return {
    slot,
    subject: readText(fields["subject"]) ?? "",
    fingerprint: readText(fields["fingerprint"]) ?? "",
    ...optionalTime(fields, "since"),
    expiresAt,
    ...optionalCount(fields, "longestLeafSeconds"),
  };
}

function decodeSts(fields: StateFields): StsState {
  const results = isObject(fields["results"]) ? Object.entries(fields["results"]).slice(0, MAX_ENTRIES) : [];
  const heldBack = isObject(fields["heldBack"]) ? fields["heldBack"] : {};
  return {
    results: Object.fromEntries(results.map(([code, count]) => [cut(code), readCount(count)])),
    waiting: readCount(fields["waiting"]),
    heldBack: { rate: readCount(heldBack["rate"]), pause: readCount(heldBack["pause"]) },
    windowSeconds: readCount(fields["windowSeconds"]),
    namespaces: readRows(fields["namespaces"], MAX_ENTRIES, ({ namespace, calls, share }) => {
      const name = readText(namespace);
      return name === undefined ? undefined : { namespace: name, calls: readCount(calls), share: readShare(share) };
    }).rows,
    ...(fields["minutes"] !== undefined && { minutes: readRows(fields["minutes"], MAX_ENTRIES, decodeMinute).rows }),
  };
}

function decodeMinute({ at, ok, failed }: StateFields): StsMinute | undefined {
  const time = readTimestamp(at);
  return time === undefined ? undefined : { at: time, ok: readCount(ok), failed: readCount(failed) };
}

function readRows<Row>(value: unknown, max: number, decode: (fields: StateFields) => Row | undefined) {
  const found = boundedList(value, max);
  const rows = found.flatMap((entry) => (isObject(entry) ? (decode(entry) ?? []) : []) as Row[]);
  const total = Array.isArray(value) ? value.length : 0;
  return { rows: rows as readonly Row[], ignored: total - rows.length };
}

function boundedList(value: unknown, max: number): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, max) : [];
}

function readText(value: unknown): string | undefined {
  return typeof value === "string" ? cut(value) : undefined;
}

function cut(text: string): string {
  return text.length > MAX_DECODED_LENGTH ? text.slice(0, MAX_DECODED_LENGTH) : text;
}

/** Rewritten, so that times can be compared as texts. */
function readTimestamp(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length > MAX_DECODED_LENGTH) return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

function readCount(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function readShare(value: unknown): number {
  return typeof value === "number" && value >= 0 && value <= 1 ? value : 0;
}

function choiceOf<Name extends string>(value: unknown, names: readonly Name[]): Name | undefined {
  return names.find((name) => name === value);
}

function optionalText<Name extends string>(fields: StateFields, name: Name): { readonly [Key in Name]?: string } {
  const text = readText(fields[name]);
  return (text === undefined ? {} : { [name]: text }) as { readonly [Key in Name]?: string };
}

function optionalTime<Name extends string>(fields: StateFields, name: Name): { readonly [Key in Name]?: string } {
  const time = readTimestamp(fields[name]);
  return (time === undefined ? {} : { [name]: time }) as { readonly [Key in Name]?: string };
}

function optionalCount<Name extends string>(fields: StateFields, name: Name): { readonly [Key in Name]?: number } {
  return (typeof fields[name] === "number" ? { [name]: readCount(fields[name]) } : {}) as {
    readonly [Key in Name]?: number;
  };
}
