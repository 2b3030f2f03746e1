// How many other pods of the namespace are in the same state as this one. Pure.
import { countOf } from "../format.ts";
import type { ExplainInput } from "./model.ts";

/** Returns the sentence; undefined if the other pods are unknown, or if there is no such pod yet. */
export function scopeOf({ namespaceName, neighbours }: ExplainInput): string | undefined {
  if (neighbours === undefined) return undefined;
  const { alike } = neighbours;
  const where = `in namespace ${namespaceName}`;
  const [first] = alike;
  if (first === undefined) return `no other pod ${where} is in this state`;
  const names = alike.length === 1 ? `: ${first}` : `, such as ${first}`;
  return `${countOf(alike.length, "other pod")} ${where} ${alike.length === 1 ? "is" : "are"} in this state${names}`;
}
