// Reads one line of a log as one of podrole's audit records (docs/audit.md). A line may be as podrole wrote it, or
// wrapped on the way: by `kubectl logs --prefix`, by a container runtime's prefix, or in a log collector's JSON.
import type {
  AdmissionLine,
  AdmissionRole,
  AuditLine,
  CertificateLine,
  CredentialsLine,
  FieldOf,
} from "../../../runtime/audit-line.ts";
import { isObject, parseJson } from "../../../runtime/json-object.ts";
import { fieldsAt, listAt, numberAt, textAt, timeOf } from "./json-fields.ts";

interface CommonRecord {
  /** Unix milliseconds. */
  readonly at: number;
  readonly decision: string;
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly namespace: string | undefined;
  readonly pod: string | undefined;
}

/** A role that a pod requested for one container. */
export interface RequestedRole {
  readonly container: string;
  /** The annotation's text, and the ARN that it resolves to. */
  readonly requested: string | undefined;
  readonly resolved: string | undefined;
}

/** The webhook's decision about a pod. */
export interface AdmissionRecord extends CommonRecord {
  readonly kind: "admission";
  /** True if the caller of the webhook proved that it is the API server; anyone else may have made the record up. */
  readonly isProven: boolean;
  /** uid of the AdmissionReview. */
  readonly request: string | undefined;
  readonly user: string | undefined;
  readonly groups: readonly string[];
  readonly generateName: string | undefined;
  /** Kind and name, such as "ReplicaSet/orders-5d9". */
  readonly owner: string | undefined;
  readonly dryRun: boolean;
  readonly roles: readonly RequestedRole[];
}

interface InstanceRecord extends CommonRecord {
  readonly podUid: string | undefined;
  readonly serviceAccount: string | undefined;
  /** Address of the caller as ip:port. */
  readonly peer: string | undefined;
  readonly expiration: string | undefined;
  /** How many lines were not written since the last one because they repeat this one (docs/audit.md). */
  readonly omitted: number;
}

/** The server's decision about a certificate for a pod instance. */
export interface CertificateRecord extends InstanceRecord {
  readonly kind: "certificate";
  readonly credentialId: string | undefined;
  /** Name of the PodCertificateRequest that the certificate answers. */
  readonly podCertificateRequest: string | undefined;
  readonly serial: string | undefined;
  /** AnswerEvidence. */
  readonly evidence: string | undefined;
}

/** The server's decision about credentials for one container. */
export interface CredentialsRecord extends InstanceRecord {
  readonly kind: "credentials";
  readonly container: string | undefined;
  readonly role: string | undefined;
  readonly sessionName: string | undefined;
  readonly accessKeyId: string | undefined;
  readonly outcome: string | undefined;
}

/** One line of the audit log; a field is undefined if the line lacks it. */
export type AuditRecord = AdmissionRecord | CertificateRecord | CredentialsRecord;

/** Undefined if the line is not one of podrole's audit records. */
export function readRecord(line: string): AuditRecord | undefined {
  // Most lines of most logs are skipped here without being parsed.
  if (!line.includes("audit")) return undefined;
  const record = unwrapLine(line.slice(Math.max(line.indexOf("{"), 0)), 2);
  const text = textReader<AuditLine>(record);
  const [kind, at, decision] = [kindOf(text("audit")), timeOf(textAt(record, "time")), text("decision")];
  if (kind === undefined || at === undefined || decision === undefined) return undefined;
  const [reason, message] = [text("reason"), text("message")];
  const common = { at, decision, reason, message, namespace: text("namespace"), pod: text("pod") };
  switch (kind) {
    case "admission":
      return { kind, ...common, ...admissionParts(record) };
    case "certificate":
      return { kind, ...common, ...instanceParts(record), ...certificateParts(record) };
    case "credentials":
      return { kind, ...common, ...instanceParts(record), ...credentialsParts(record) };
  }
}

/** Lines about readers of the server's state (`audit: "state"`) are about no pod. */
const AUDIT_KINDS: readonly AuditRecord["kind"][] = ["admission", "certificate", "credentials"];

function kindOf(text: string | undefined): AuditRecord["kind"] | undefined {
  return AUDIT_KINDS.find((kind) => kind === text);
}

/** Reads text fields of a line by the names under which the programs write them. */
function textReader<Line extends AuditLine>(record: unknown) {
  return (field: FieldOf<Line>, ...path: readonly string[]) => textAt(record, field, ...path);
}

function admissionParts(record: unknown) {
  const text = textReader<AdmissionLine>(record);
  const list = (field: FieldOf<AdmissionLine>) => listAt(record, field);
  const flag = (field: FieldOf<AdmissionLine>) => isObject(record) && record[field] === true;
  const [kind, name] = [text("owner", "kind"), text("owner", "name")];
  return {
    isProven: text("caller") === PROVEN_CALLER,
    request: text("request"),
    user: text("user"),
    groups: list("groups").filter((group) => typeof group === "string"),
    generateName: text("generateName"),
    owner: kind === undefined ? undefined : `${kind}/${name ?? ""}`,
    dryRun: flag("dryRun"),
    roles: list("roles").map(readRequestedRole),
  };
}

const PROVEN_CALLER: AdmissionLine["caller"] = "api-server";

function readRequestedRole(role: unknown): RequestedRole {
  const text = (field: keyof AdmissionRole) => textAt(role, field);
  return { container: text("container") ?? "", requested: text("asked"), resolved: text("resolved") };
}

function instanceParts(record: unknown) {
  const text = textReader<CertificateLine | CredentialsLine>(record);
  return {
    podUid: text("podUid"),
    serviceAccount: text("serviceAccount"),
    peer: text("peer"),
    expiration: text("expiration"),
    omitted: omittedOf(record),
  };
}

function certificateParts(record: unknown) {
  const text = textReader<CertificateLine>(record);
  return {
    credentialId: text("credentialId"),
    podCertificateRequest: text("podCertificateRequest"),
    serial: text("serial"),
    evidence: text("evidence"),
  };
}

function credentialsParts(record: unknown) {
  const text = textReader<CredentialsLine>(record);
  return {
    container: text("container"),
    role: text("role"),
    sessionName: text("sessionName"),
    accessKeyId: text("accessKeyId"),
    outcome: text("outcome"),
  };
}

const OMITTED: FieldOf<CertificateLine> & FieldOf<CredentialsLine> = "omitted";

function omittedOf(record: unknown): number {
  const omitted = numberAt(record, OMITTED) ?? 0;
  return Number.isSafeInteger(omitted) && omitted > 0 ? omitted : 0;
}

/** Collectors put the line into their own field: as text (Docker, Fluent Bit) or as an object (Cloud Logging). */
function unwrapLine(text: string, depth: number): unknown {
  const value = parseJson(text);
  if (!isObject(value) || textAt(value, "audit") !== undefined || depth === 0 || isOwnLine(value)) return value;
  const inner = textAt(value, "log") ?? textAt(value, "message") ?? textAt(value, "MESSAGE");
  if (inner?.includes("{")) return unwrapLine(inner.slice(inner.indexOf("{")), depth - 1);
  return textAt(value, "jsonPayload", "audit") === undefined ? value : fieldsAt(value, "jsonPayload");
}

/** A log line of podrole itself. It may quote untrusted text, so nothing inside it is read as a record. */
function isOwnLine(value: Record<string, unknown>): boolean {
  return typeof value["level"] === "number" && ["server", "webhook"].includes(textAt(value, "program") ?? "");
}
