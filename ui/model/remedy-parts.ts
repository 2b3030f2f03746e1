// What a remedy consists of, and what all remedies have in common. Pure.
import type { PodRow } from "../../src/operations/status/model.ts";
import { isMaker } from "./maker.ts";

/** One of the possible causes. */
export interface RemedyBranch {
  /** What the look shows then: "It fails". */
  readonly when: string;
  /** Empty if `when` says it. */
  readonly cause: string;
  /** Precedes the statement. */
  readonly text?: string;
  /** A policy statement as indented JSON. */
  readonly statement?: string;
  readonly steps: readonly string[];
  /** A second look, if several causes are still possible. */
  readonly further?: Remedy;
  /** What follows the steps; absent if it is not known. */
  readonly recovery?: string;
}

/** What to do. */
export interface Remedy {
  /** Commands before the look, without which it would ask the wrong service. */
  readonly before?: readonly string[];
  /** The command that tells the branches apart; absent if reading does. `why` it is needed, where that is not plain. */
  readonly look?: { readonly purpose: string; readonly why?: string; readonly command: string };
  readonly branches: readonly RemedyBranch[];
  /** Where there is one cause: commands in their order. */
  readonly steps: readonly string[];
}

/** What a remedy is made from. */
export type RemedyInput = Partial<
  Pick<PodRow, "code" | "pod" | "next" | "furtherSteps" | "message" | "role" | "recovery">
>;

const TEMPLATE_CHANGE = /^kubectl .*\b(?:patch|edit) (deployment|statefulset|daemonset|replicaset|cronjob)\//;
const REPLACING_KINDS: ReadonlySet<string> = new Set(["deployment", "statefulset", "daemonset"]);

/** What follows the steps: a changed template is for other pods than the one that it has made. */
export function recoveryAfter(
  steps: readonly string[],
  { pod = "", recovery }: RemedyInput,
): Pick<RemedyBranch, "recovery"> {
  const [, kind] = steps.map((step) => TEMPLATE_CHANGE.exec(step)).find((found) => found !== null) ?? [];
  if (kind === undefined || isMaker(pod)) return recovery === undefined ? {} : { recovery };
  return { recovery: REPLACING_KINDS.has(kind) ? REPLACED_POD : NEXT_POD };
}

const REPLACED_POD =
  "Kubernetes replaces the pods of the changed template. The new ones get the role, this one never does";
const NEXT_POD = "the next pod of the changed template gets the role, this one never does";

/** The statement in "…, such as {…}" as indented JSON; undefined if there is none. */
export function statementIn(reason: string): string | undefined {
  const [, json] = /, such as (\{.+\})$/s.exec(reason) ?? [];
  return json === undefined ? undefined : indented(json);
}

/** A message that is cut ends within its JSON. */
function indented(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), undefined, 2);
  } catch {
    return json;
  }
}
