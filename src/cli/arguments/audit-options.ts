// The flags of podrole audit as typed options, or every problem at once.
import type { AuditQuery } from "../../operations/audit/question.ts";
import { timeOf } from "../../operations/audit/records/json-fields.ts";
import { ERRORS, type ErrorCode } from "../../protocol/errors.ts";
import { DAY_MS } from "../../runtime/clock.ts";
import { duration, flagName, oneOf, type Parser } from "../../runtime/settings.ts";
import type { Flags } from "../terminal.ts";
import {
  type Arguments,
  createFlagReader,
  type FlagReader,
  filesOf,
  type InstallationArguments,
  readInstallation,
} from "./flags.ts";

/** Typed options of podrole audit, for all of its questions. */
export interface AuditArguments extends InstallationArguments {
  readonly query: AuditQuery;
  /** "-" is standard input; empty if the cluster's logs are read. */
  readonly files: readonly string[];
  readonly apiAuditLogs: readonly string[];
  readonly cloudTrail: readonly string[];
  /** Unix milliseconds; undefined for no limit. */
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly json: boolean;
}

/** `now` is Unix milliseconds; durations are counted back from it. */
export function readAudit(
  flags: Flags,
  [name = "", subject = ""]: readonly string[],
  now: number,
): Arguments<AuditArguments> {
  const reader = createFlagReader(flags);
  const [since, until] = [reader.read("since", timeParser(now)), reader.read("until", timeParser(now))];
  if (since !== undefined && until !== undefined && since > until) {
    reader.refuse(`--since: ${JSON.stringify(flags["since"])} is later than --until ${JSON.stringify(flags["until"])}`);
  }
  const files = filesOf(flags["filename"]);
  const fromCluster = flags["fromCluster"] === "true";
  if (fromCluster && files.length > 0) {
    reader.refuse(`--filename: ${JSON.stringify(files.join(" "))} and --from-cluster exclude each other`);
  }
  for (const key of ["kubeconfig", "context", "podroleNamespace"]) {
    if (!fromCluster && flags[key] !== undefined) reader.refuse(`--${flagName(key)} needs --from-cluster`);
  }
  return reader.finish({
    query: readQuery(reader, name, subject, flags),
    files: fromCluster ? [] : files.length > 0 ? files : ["-"],
    ...readInstallation(flags),
    apiAuditLogs: filesOf(flags["apiAuditLog"]),
    cloudTrail: filesOf(flags["cloudtrail"]),
    since,
    until,
    json: flags["output"] === "json",
  });
}

/** Reads a point in time, or a duration before `now`, as Unix milliseconds. */
export function timeParser(now: number): Parser<number> {
  return {
    expects: 'an RFC 3339 time such as "2026-11-26T08:00:00Z" or a duration such as "90m", "2h" or "7d"',
    parse(text) {
      const [, days = "", rest = ""] = /^(?:(\d+)d)?(.*)$/.exec(text) ?? [];
      const back = rest === "" ? 0 : duration.parse(rest);
      if (text !== "" && back !== undefined) return now - Number(days) * DAY_MS - back;
      return timeOf(text);
    },
  };
}

const reasonParser = oneOf(Object.keys(ERRORS) as ErrorCode[]);
const ACCESS_KEY_ID = /^[A-Z0-9]{16,128}$/;
const NAMESPACED_POD = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/;

/** Problems go to `reader`, which then discards the query. */
function readQuery(reader: FlagReader, name: string, subject: string, { role, namespace }: Flags): AuditQuery {
  switch (name) {
    case "who":
      return { about: "role", role: role ?? "", namespace };
    case "key":
      if (!ACCESS_KEY_ID.test(subject)) {
        const expected = 'an access key ID such as "ASIAIOSFODNN7EXAMPLE"';
        reader.refuse(`<access-key-id>: ${JSON.stringify(subject)} is not ${expected}`);
      }
      return { about: "key", accessKeyId: subject, namespace };
    case "refusals":
      return { about: "refusals", reason: reader.read("reason", reasonParser), role, namespace };
    default: {
      const [, place = "", pod = ""] = NAMESPACED_POD.exec(subject) ?? [];
      if (pod === "") {
        reader.refuse(`<namespace/name>: ${JSON.stringify(subject)} is not a pod such as "shop/orders-7d9f"`);
      }
      return { about: "pod", namespace: place, pod };
    }
  }
}
