// podrole ui. Exit codes: 0 interrupted, 2 usage, or the cluster or the port cannot be used.

import { readKnown } from "../../operations/known.ts";
import { createServerQuestion } from "../../operations/state/ask-server.ts";
import { systemClock as clock } from "../../runtime/clock.ts";
import { readUi } from "../arguments/ui.ts";
import { withPodrole } from "../cluster.ts";
import { servePage } from "../page/serve-page.ts";
import { type Action, writeNote, writeProblems } from "../terminal.ts";

/** Runs podrole ui until it is interrupted. */
export const uiAction: Action = async (terminal, flags) => {
  const read = readUi(flags);
  if (!read.ok) return writeProblems(terminal, "ui", read.problems);
  const { namespace, port, opensBrowser } = read.value;
  return withPodrole(terminal, "ui", read.value, async (kubernetes, podroleNamespace) => {
    const found = namespace === undefined ? undefined : await readKnown(() => kubernetes.getNamespace(namespace));
    if (found && "value" in found && found.value === undefined) {
      return writeProblems(terminal, "ui", [`--namespace: there is no namespace "${namespace}"`]);
    }
    const askServer = createServerQuestion({ kubernetes }, { podroleNamespace });
    const onReady = (address: string) => {
      writeNote(terminal, "ui", "the page reads with your own rights and changes nothing; Ctrl-C ends it");
      terminal.out(`${address}\n`);
    };
    const served = await servePage(
      { kubernetes, clock, askServer, interrupted: terminal.interrupted, onReady },
      { namespace, podroleNamespace, port, opensBrowser },
    );
    return served.ok ? 0 : writeProblems(terminal, "ui", [served.problem]);
  });
};
