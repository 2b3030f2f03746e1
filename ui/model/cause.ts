// The cause of a container's state, and whether a refusal still holds. Pure.
import type { PodRow, RefusedRow } from "../../src/operations/status/model.ts";
import { isBlocked, isMaker } from "./maker.ts";
import { HOLD_STATES, type HoldState, holdStateOf } from "./state.ts";

/**
 * Returns the message without the remedy that a sidecar puts after it, or which role the pod names instead of its own;
 * undefined if neither is known.
 */
export function causeMessage(
  { message, code, requestedRole }: Pick<PodRow, "message" | "code" | "requestedRole">,
  remedy: string | undefined,
): string | undefined {
  if (code === undefined && requestedRole !== undefined) {
    return `the pod's annotation names ${requestedRole} now, and the container has another role`;
  }
  const [reason, ...rest] = message?.split(" -- ") ?? [];
  return remedy !== undefined && rest.join(" -- ") === remedy ? reason : message;
}

/** A message as it is shown: what happened, and its likely reasons, the likeliest first. */
export interface MessageParts {
  readonly text: string;
  readonly reasons: readonly string[];
}

/**
 * Splits "Cannot …: what happened (reason; reason) -- remedy", also if the end of a long message is missing; the remedy
 * has its own place.
 */
export function messageParts(message: string): MessageParts {
  const [happened = ""] = message.split(" -- ", 1);
  const [, text, inner = ""] = /^([^(]+) \((.+)$/s.exec(happened) ?? [];
  const reasons = inner.replace(/\)$|$/, (end) => (end === ")" ? "" : " …")).split("; ");
  const isList = text !== undefined && reasons.length > 1 && !/\) \w/.test(inner);
  return isList ? { text, reasons } : { text: happened, reasons: [] };
}

/** "what happened", of "Cannot do: what happened; expected that"; any other message as it is. */
export function stateInMessage(message: string): string {
  return /^Cannot .*?: (.+)$/s.exec(withoutContainer(message))?.[1] ?? message;
}

/** A message without the container that a sidecar puts before it. */
export function withoutContainer(message: string): string {
  return message.replace(/^container "[^"]*": /i, "");
}

/** Containers of one pod with the same cause, in the order of the first of each. */
export function rowsByCause(rows: readonly PodRow[]): readonly (readonly PodRow[])[] {
  return [
    ...Map.groupBy(rows, ({ code, message, next, role }) => JSON.stringify([code, message, next, role])).values(),
  ];
}

/** Refusals that say the same of several pods. */
export interface EqualRefusals {
  readonly key: string;
  /** The newest first. */
  readonly rows: readonly [RefusedRow, ...RefusedRow[]];
  /** Attempts of all of them. */
  readonly count: number;
}

/** Groups refusals that differ in the pod alone: of one code and role, with the same text beside the pod's name. */
export function equalRefusals(rows: readonly RefusedRow[]): readonly EqualRefusals[] {
  const keyOf = ({ code, namespace, role, message, pod }: RefusedRow) =>
    JSON.stringify([code, namespace, role, message.replaceAll(pod, "").replaceAll(/pod "[^"]*"/g, "pod")]);
  return [...Map.groupBy(rows, keyOf)].flatMap(([key, [first, ...others]]) =>
    first === undefined
      ? []
      : [
          {
            key,
            rows: [first, ...others] as const,
            count: [first, ...others].reduce((sum, row) => sum + row.count, 0),
          },
        ],
  );
}

/** Returns the next commands of a row in their order. */
export function nextCommandsOf({ next, furtherSteps = [] }: Pick<PodRow, "next" | "furtherSteps">): readonly string[] {
  return next === undefined ? [] : [next, ...furtherSteps];
}

/** The rows of a reading by what a refusal names. */
export type RowsByPod = ReadonlyMap<string, readonly PodRow[]>;

/** A container that holds the role that another one probably meant, of the same workload if there is one. */
export function holderOf(
  role: string,
  { namespace, workload }: Pick<PodRow, "namespace" | "workload">,
  rows: readonly PodRow[],
): { readonly row: PodRow; readonly isOfWorkload: boolean } | undefined {
  const holding = rows.filter((row) => row.role === role && row.expires !== undefined);
  const own = holding.find((row) => row.namespace === namespace && workload !== undefined && row.workload === workload);
  const row = own ?? holding[0];
  return row && { row, isOfWorkload: own !== undefined };
}

/** Groups the rows by namespace and pod. */
export function rowsByPod(rows: readonly PodRow[]): RowsByPod {
  return Map.groupBy(rows, ({ namespace, pod }) => `${namespace}/${pod}`);
}

/**
 * Returns the state of a container that was refused, or of a workload without pods; "over" if it has credentials or
 * another problem now, or if its pod is being deleted or gone.
 */
export function refusalStateOf(
  refusal: Pick<RefusedRow, "namespace" | "pod" | "container" | "code" | "time">,
  rows: RowsByPod,
  now: number,
): HoldState | "over" {
  const { namespace, pod, container, code } = refusal;
  if (isMaker(pod)) return isBlocked(refusal, now) ? "blocked" : "over";
  const states = (rows.get(`${namespace}/${pod}`) ?? [])
    .filter((row) => container === "" || row.container === "" || row.container === container)
    .filter((row) => row.code === undefined || row.code === code)
    .map((row) => holdStateOf(row, now));
  return states.find((state) => state !== "holding" && state !== "leaving") ?? "over";
}

/** Compares refusals: what still holds comes first, what is over last; of both, the newest first. */
export function refusalWorstFirst(
  a: RefusedRow,
  b: RefusedRow,
  { pods, now }: { readonly pods: RowsByPod; readonly now: number },
): number {
  const rankOf = (row: RefusedRow) => {
    const state = refusalStateOf(row, pods, now);
    return state === "over" ? HOLD_STATES.length : HOLD_STATES.indexOf(state);
  };
  return rankOf(a) - rankOf(b) || (a.time < b.time ? 1 : -1);
}
