// podrole rotate. Exit codes: 0 done, 1 the step is refused, 2 usage, or the cluster cannot be reached.
import { rotate } from "../../operations/rotate/rotate.ts";
import { systemClock as clock } from "../../runtime/clock.ts";
import { readRotate } from "../arguments/rotate.ts";
import { withPodrole } from "../cluster.ts";
import { FORCED_STEP_RESULTS, rotationText, STEP_RESULTS } from "../output/rotate.ts";
import { jsonText } from "../output/text.ts";
import { type Action, writeNote } from "../terminal.ts";

/** Runs podrole rotate; the first of `args` is the step. */
export const rotateAction: Action = async (terminal, flags, args) => {
  const { connection, podroleNamespace, step, force, json } = readRotate(flags, args);
  const command = `rotate ${step}`;
  const place = { connection, podroleNamespace, namespace: undefined };
  return withPodrole(terminal, command, place, async (kubernetes, namespace) => {
    const result = await rotate({ kubernetes, clock }, { step, namespace, force });
    if (!result.ok) {
      writeNote(terminal, command, result.problem);
      return 1;
    }
    if (step !== "status") writeNote(terminal, command, STEP_RESULTS[step]);
    if (step !== "status" && force) writeNote(terminal, command, FORCED_STEP_RESULTS[step]);
    const { status, now } = result.value;
    terminal.out(json ? jsonText(status) : rotationText(status, now));
    return 0;
  });
};
