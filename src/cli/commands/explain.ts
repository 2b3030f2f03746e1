// podrole explain. Exit codes: 0 every pod is injected or would be, 1 one is not, 2 usage, or the cluster cannot be reached.
import { explain } from "../../operations/explain/explain.ts";
import { success } from "../../runtime/result.ts";
import { readExplain } from "../arguments/explain.ts";
import { withPodrole } from "../cluster.ts";
import { readInput } from "../input.ts";
import { explainJson, explainText } from "../output/explain.ts";
import { type Action, fail } from "../terminal.ts";

/** Runs podrole explain; `args` name the object, unless a flag names a file. */
export const explainAction: Action = async (terminal, flags, args) => {
  const read = readExplain(flags, args);
  if (!read.ok) return fail(terminal, "explain", read.problems);
  const { json, ...options } = read.value;
  // A file is read before the cluster is contacted.
  const found =
    "filename" in options.subject ? await readInput(terminal, options.subject.filename) : success(options.subject);
  if (!found.ok) return fail(terminal, "explain", [found.problem]);
  const subject = found.value;
  return withPodrole(terminal, "explain", options, async (kubernetes, podroleNamespace) => {
    const namespace = options.namespace ?? kubernetes.contextNamespace;
    const result = await explain({ kubernetes }, { subject, namespace, podroleNamespace });
    if (!result.ok) return fail(terminal, "explain", [result.problem]);
    const explanations = result.value;
    terminal.out(json ? explainJson(explanations) : explainText(explanations));
    return explanations.every(({ injected }) => injected) ? 0 : 1;
  });
};
