// CloudTrail's records: which AWS calls were made with the session credentials that podrole gave. The access key id joins
// them; it is in `userIdentity` of every call with temporary credentials
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html).
import { isFields, listAt, parseJson, textAt, timeOf } from "./json.ts";

export interface AwsCall {
  readonly at: number;
  readonly accessKeyId: string;
  /** "s3:GetObject" */
  readonly action: string;
  readonly region: string | undefined;
  readonly sourceIp: string | undefined;
  readonly errorCode: string | undefined;
}

/**
 * The calls of one text: a record, `{"Records": […]}` as CloudTrail writes its files, a list, or what
 * `aws cloudtrail lookup-events` prints. Undefined: it is none of these.
 */
export function readCalls(text: string): readonly AwsCall[] | undefined {
  const value = parseJson(text);
  if (Array.isArray(value)) return value.flatMap((record) => readCall(record) ?? []);
  if (!isFields(value)) return undefined;
  if (Array.isArray(value["Records"])) return listAt(value, "Records").flatMap((record) => readCall(record) ?? []);
  if (Array.isArray(value["Events"])) {
    const records = listAt(value, "Events").map((event) => parseJson(textAt(event, "CloudTrailEvent") ?? ""));
    return records.flatMap((record) => readCall(record) ?? []);
  }
  if (textAt(value, "eventName") === undefined) return undefined;
  const call = readCall(value);
  return call === undefined ? [] : [call];
}

/** Undefined for calls without an access key: those of AWS services and of the console. */
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

/** Calls of one action with one key, summed up. */
export interface CallSum {
  readonly action: string;
  count: number;
  first: number;
  last: number;
  /** By error code. */
  readonly errors: Map<string, number>;
  readonly sourceIps: Set<string>;
}

export interface CallJoin {
  add(call: AwsCall): void;
  /** In order of their first call. */
  calls(accessKeyId: string): readonly CallSum[];
}

/** Addresses of one key are few, unless it was stolen: then the first ones tell. */
const MOST_ADDRESSES = 20;

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
      if (sourceIp !== undefined && sum.sourceIps.size < MOST_ADDRESSES) sum.sourceIps.add(sourceIp);
    },
    calls: (accessKeyId) => [...(sums.get(accessKeyId)?.values() ?? [])].toSorted((a, b) => a.first - b.first),
  };
}
