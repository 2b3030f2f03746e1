// CloudTrail's records: the AWS calls made with session credentials that podrole issued. They are joined by the access
// key ID, which is in `userIdentity` of every call with temporary credentials
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html).

import { isObject, parseJson } from "../../../runtime/json-object.ts";
import { listAt, textAt, timeOf } from "./json-fields.ts";

/** One call of an AWS API, with the credentials of a session. */
export interface AwsCall {
  /** Unix milliseconds. */
  readonly at: number;
  readonly accessKeyId: string;
  /** Service and operation, such as "s3:GetObject". */
  readonly action: string;
  readonly region: string | undefined;
  readonly sourceIp: string | undefined;
  readonly errorCode: string | undefined;
}

/**
 * The calls in one JSON text: a record, `{"Records": […]}` as in CloudTrail's files, a list of records, or the output
 * of `aws cloudtrail lookup-events`. Undefined for any other text.
 */
export function readCalls(text: string): readonly AwsCall[] | undefined {
  const value = parseJson(text);
  if (Array.isArray(value)) return value.flatMap((record) => readCall(record) ?? []);
  if (!isObject(value)) return undefined;
  if (Array.isArray(value["Records"])) return listAt(value, "Records").flatMap((record) => readCall(record) ?? []);
  if (Array.isArray(value["Events"])) {
    const records = listAt(value, "Events").map((event) => parseJson(textAt(event, "CloudTrailEvent") ?? ""));
    return records.flatMap((record) => readCall(record) ?? []);
  }
  if (textAt(value, "eventName") === undefined) return undefined;
  const call = readCall(value);
  return call === undefined ? [] : [call];
}

/** Undefined for calls without an access key, which AWS services and the console make. */
function readCall(record: unknown): AwsCall | undefined {
  const [at, name] = [timeOf(textAt(record, "eventTime")), textAt(record, "eventName")];
  const accessKeyId = textAt(record, "userIdentity", "accessKeyId");
  if (at === undefined || name === undefined || accessKeyId === undefined) return undefined;
  const service = (textAt(record, "eventSource") ?? "").replace(/\.amazonaws\.com(\.cn)?$/, "");
  return {
    at,
    accessKeyId,
    action: `${service}:${name}`,
    region: textAt(record, "awsRegion"),
    sourceIp: textAt(record, "sourceIPAddress"),
    errorCode: textAt(record, "errorCode"),
  };
}

/** All calls of one action with one access key. */
export interface CallSum {
  readonly action: string;
  count: number;
  /** Unix milliseconds. */
  first: number;
  last: number;
  /** Count by error code. */
  readonly errors: Map<string, number>;
  readonly sourceIps: Set<string>;
}

/** The calls that an answer needs, by access key ID. */
export interface CallJoin {
  add(call: AwsCall): void;
  /** In order of their first call. */
  calls(accessKeyId: string): readonly CallSum[];
}

/** A key is used from few addresses unless it was stolen; the first addresses are then enough evidence. */
const MAX_ADDRESSES = 20;

/** Creates a join that counts only calls with one of these access keys. */
export function createCallJoin({ accessKeyIds }: { readonly accessKeyIds: ReadonlySet<string> }): CallJoin {
  const sums = new Map<string, Map<string, CallSum>>();
  return {
    add({ at, accessKeyId, action, errorCode, sourceIp }) {
      if (!accessKeyIds.has(accessKeyId)) return;
      const ofKey = sums.get(accessKeyId) ?? new Map<string, CallSum>();
      sums.set(accessKeyId, ofKey);
      const sum = ofKey.get(action) ?? {
        action,
        count: 0,
        first: at,
        last: at,
        errors: new Map(),
        sourceIps: new Set(),
      };
      ofKey.set(action, sum);
      sum.count += 1;
      sum.first = Math.min(sum.first, at);
      sum.last = Math.max(sum.last, at);
      if (errorCode !== undefined) sum.errors.set(errorCode, (sum.errors.get(errorCode) ?? 0) + 1);
      if (sourceIp !== undefined && sum.sourceIps.size < MAX_ADDRESSES) sum.sourceIps.add(sourceIp);
    },
    calls: (accessKeyId) => [...(sums.get(accessKeyId)?.values() ?? [])].toSorted((a, b) => a.first - b.first),
  };
}
