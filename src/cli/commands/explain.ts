// podrole explain. Exit codes: 0 every pod is well, 1 one is not, 2 usage, or the cluster or the settings cannot be
// read.
import type { Pod } from "../../kubernetes/objects.ts";
import { explain } from "../../operations/explain/explain.ts";
import { isWell } from "../../operations/explain/explanation.ts";
import { askAboutPod, createServerQuestion } from "../../operations/state/ask-server.ts";
import { systemClock as clock } from "../../runtime/clock.ts";
import { success } from "../../runtime/result.ts";
import { readExplain } from "../arguments/explain.ts";
import { withPodrole } from "../cluster.ts";
import { readInput } from "../input.ts";
import { explainJson, explainText } from "../output/explain.ts";
import { type Action, writeProblems } from "../terminal.ts";

/** Runs podrole explain; `args` name the object, unless a flag names a file. */
export const explainAction: Action = async (terminal, flags, args) => {
  const read = readExplain(flags, args);
  if (!read.ok) return writeProblems(terminal, "explain", read.problems);
  const { json, ...options } = read.value;
  // A file is read before the cluster is contacted.
  const found =
    "filename" in options.subject ? await readInput(terminal, options.subject.filename) : success(options.subject);
  if (!found.ok) return writeProblems(terminal, "explain", [found.problem]);
  const subject = found.value;
  return withPodrole(terminal, "explain", options, async (kubernetes, podroleNamespace) => {
    const namespace = options.namespace ?? kubernetes.contextNamespace;
    const askServer = createServerQuestion({ kubernetes }, { podroleNamespace });
    const readHeld = (pod: Pod) => askAboutPod(askServer, pod);
    const result = await explain({ kubernetes, clock, readHeld, askServer }, { subject, namespace, podroleNamespace });
    if (!result.ok) return writeProblems(terminal, "explain", [result.problem]);
    const explanations = result.value;
    terminal.out(json ? explainJson(explanations) : explainText(explanations));
    if (explanations.some((explanation) => isWell(explanation) === false)) return 1;
    return explanations.every(isWell) ? 0 : 2;
  });
};
