// podrole explain. Exit codes: 0 every pod is injected or would be, 1 one is not, 2 usage, or the cluster cannot be reached.
import { explain as explainSubject, type ExplainOptions } from "../../operations/explain/explain.ts";
import { findPodroleNamespace, refuseOwnNamespace } from "../../operations/podrole-namespace.ts";
import { type ExplainArguments, readExplain } from "../arguments/explain.ts";
import { withCluster } from "../cluster.ts";
import { originOf, readInput } from "../input.ts";
import { explainJson, explainText } from "../output/explain.ts";
import { type Action, fail, type Terminal } from "../terminal.ts";

export const explain: Action = async (terminal, flags, args) => {
  const read = readExplain(flags, args);
  if (!read.ok) return fail(terminal, "explain", read.problems);
  const { connection, json, ...options } = read.options;
  const subject = await readSubject(terminal, options.subject);
  if ("problem" in subject) return fail(terminal, "explain", [subject.problem]);
  return withCluster(terminal, "explain", connection, async (kubernetes) => {
    const found = await findPodroleNamespace(kubernetes, options.podroleNamespace);
    if ("problem" in found) return fail(terminal, "explain", [found.problem]);
    const refusal = refuseOwnNamespace(options.namespace, found.namespace);
    if (refusal !== undefined) return fail(terminal, "explain", [refusal]);

    const namespace = options.namespace ?? kubernetes.contextNamespace;
    const result = await explainSubject({ kubernetes }, { subject, namespace, podroleNamespace: found.namespace });
    if ("problem" in result) return fail(terminal, "explain", [result.problem]);
    const { explanations } = result;
    terminal.out(json ? explainJson(explanations) : explainText(explanations));
    return explanations.every(({ injected }) => injected) ? 0 : 1;
  });
};

/** A file is read before the cluster is contacted. */
async function readSubject(
  terminal: Terminal,
  subject: ExplainArguments["subject"],
): Promise<ExplainOptions["subject"] | { readonly problem: string }> {
  if (!("filename" in subject)) return subject;
  const { filename } = subject;
  const text = await readInput(terminal, filename);
  return text === undefined
    ? { problem: `--filename: ${filename} cannot be read` }
    : { text, origin: originOf(filename) };
}
