// The calls of the STS emulator and their outcomes, for assertions and for the demo's output. Records never contain a
// secret or a session token; they contain access key IDs, as CloudTrail does.
import type { StsTag } from "./caller.ts";
import { type QueryForm, readTags } from "./query.ts";

/** The record of one call. */
export interface StsCall {
  /** Unix milliseconds. */
  readonly at: number;
  readonly action: string;
  /** "ok", the code of the error response, or "down" if the connection was reset. */
  readonly outcome: string;
  /** Undefined if the caller was not authenticated. */
  readonly callerArn: string | undefined;
  readonly callerAccessKeyId: string | undefined;
  readonly roleArn: string | undefined;
  readonly sessionName: string | undefined;
  readonly durationSeconds: number | undefined;
  readonly externalId: string | undefined;
  readonly sourceIdentity: string | undefined;
  readonly tags: readonly StsTag[];
  readonly transitiveTagKeys: readonly string[];
  readonly policyArns: readonly string[];
  /** The issued session. */
  readonly accessKeyId: string | undefined;
}

/** The records of all calls. */
export interface CallLog {
  list(): readonly StsCall[];
  /** Returns the AssumeRole calls of `roleArn`, or of every role. */
  assumed(roleArn?: string): readonly StsCall[];
  clear(): void;
  add(call: StsCall): void;
}

/** Older calls are dropped beyond this number. */
const MAX_CALLS = 20_000;

/** Creates an empty log of calls. */
export function createCallLog(): CallLog {
  let calls: StsCall[] = [];
  return {
    list: () => calls,
    assumed: (roleArn) =>
      calls.filter((call) => call.action === "AssumeRole" && (roleArn === undefined || call.roleArn === roleArn)),
    clear() {
      calls = [];
    },
    add(call) {
      calls.push(call);
      if (calls.length > MAX_CALLS) calls = calls.slice(-MAX_CALLS / 2);
    },
  };
}

type CallOutcome = Pick<StsCall, "at" | "outcome" | "callerArn" | "callerAccessKeyId" | "accessKeyId">;

/** The fields as they were sent, whatever the outcome. */
export function recordOf(action: string, form: QueryForm, verdict: CallOutcome): StsCall {
  const duration = form.get("DurationSeconds");
  return {
    ...verdict,
    action,
    roleArn: form.get("RoleArn"),
    sessionName: form.get("RoleSessionName"),
    durationSeconds: duration === undefined ? undefined : Number(duration),
    externalId: form.get("ExternalId"),
    sourceIdentity: form.get("SourceIdentity"),
    tags: readTags(form),
    transitiveTagKeys: form.list("TransitiveTagKeys").map((member) => member("") ?? ""),
    policyArns: form.list("PolicyArns").map((member) => member("arn") ?? ""),
  };
}
