// The flags of podrole audit as values, or every problem at once: each names the flag, what was given and what would do.
import { ERRORS, isErrorCode } from "../../protocol/errors.ts";
import { type Parser, duration } from "../../runtime/settings.ts";
import { timeOf } from "./json.ts";
import { createPod } from "./pod.ts";
import type { Question } from "./question.ts";
import { createRefusals } from "./refusals.ts";
import { createWho } from "./who.ts";

export interface AuditOptions {
  readonly question: Question;
  /** "-" is standard input. Empty: the cluster's logs are read. */
  readonly files: readonly string[];
  /** Which cluster, when its logs are read. */
  readonly connection: Flags;
  readonly podroleNamespace: string;
  readonly apiAuditLogs: readonly string[];
  readonly cloudTrail: readonly string[];
  /** Unix milliseconds. */
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly output: "table" | "json";
}

type Flags = Readonly<Record<string, string>>;

const DAY_MS = 86_400_000;

/** A point in time, or how far back from `now`. */
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

export function readOptions(
  [name = "", subject = ""]: readonly string[],
  flags: Flags,
  now: number,
): { readonly options: AuditOptions } | { readonly problems: readonly string[] } {
  const problems: string[] = [];
  const time = timeParser(now);
  function timeFlag(flag: "since" | "until"): number | undefined {
    const text = flags[flag];
    const value = text === undefined ? undefined : time.parse(text);
    if (text !== undefined && value === undefined)
      problems.push(`--${flag}: ${JSON.stringify(text)} is not ${time.expects}`);
    return value;
  }
  const [since, until] = [timeFlag("since"), timeFlag("until")];
  if (since !== undefined && until !== undefined && since > until) {
    problems.push(`--since: ${JSON.stringify(flags["since"])} is later than --until ${JSON.stringify(flags["until"])}`);
  }
  const files = filesOf(flags["filename"]);
  const fromCluster = flags["fromCluster"] === "true";
  if (fromCluster && files.length > 0) {
    problems.push(`--filename: ${JSON.stringify(files.join(" "))} and --from-cluster exclude each other`);
  }
  for (const flag of ["kubeconfig", "context", "podroleNamespace"]) {
    if (!fromCluster && flags[flag] !== undefined) problems.push(`${dashed(flag)} needs --from-cluster`);
  }
  const question = questionOf(name, subject, flags);
  if (typeof question === "string") return { problems: [...problems, question] };
  if (problems.length > 0) return { problems };
  return {
    options: {
      ...{ question, since, until },
      files: fromCluster ? [] : files.length > 0 ? files : ["-"],
      connection: flags,
      podroleNamespace: flags["podroleNamespace"] ?? "podrole",
      apiAuditLogs: filesOf(flags["apiAuditLog"]),
      cloudTrail: filesOf(flags["cloudtrail"]),
      output: flags["output"] === "json" ? "json" : "table",
    },
  };
}

function questionOf(name: string, subject: string, { role, namespace, reason }: Flags): Question | string {
  switch (name) {
    case "who":
      return createWho({ role, namespace });
    case "key":
      if (!/^[A-Z0-9]{16,128}$/.test(subject)) {
        return `<access-key-id>: ${JSON.stringify(subject)} is not an access key id such as "ASIAIOSFODNN7EXAMPLE"`;
      }
      return createWho({ accessKeyId: subject, namespace });
    case "refusals":
      if (reason !== undefined && !isErrorCode(reason)) {
        return `--reason: ${JSON.stringify(reason)} is not one of ${Object.keys(ERRORS).join(", ")}`;
      }
      return createRefusals({ reason, role, namespace });
    default: {
      const [, place, pod] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(subject) ?? [];
      if (place !== undefined && pod !== undefined) return createPod({ namespace: place, pod });
      return `<namespace/name>: ${JSON.stringify(subject)} is not a pod such as "shop/orders-7d9f"`;
    }
  }
}

function filesOf(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split("\n");
}

function dashed(flag: string): string {
  return `--${flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
