// podrole rotate. Exit codes: 0 done, 1 the step is refused, 2 usage, or the cluster cannot be reached.
import { findPodroleNamespace } from "../../operations/podrole-namespace.ts";
import { rotate as rotateAuthority } from "../../operations/rotate/rotate.ts";
import { systemClock as clock } from "../../runtime/clock.ts";
import { readRotate } from "../arguments/rotate.ts";
import { withCluster } from "../cluster.ts";
import { DONE, FORCED, rotationText } from "../output/rotate.ts";
import { type Action, fail, note } from "../terminal.ts";

export const rotate: Action = async (terminal, flags, args) => {
  const { connection, podroleNamespace, step, force, json } = readRotate(flags, args);
  return withCluster(terminal, "rotate", connection, async (kubernetes) => {
    const found = await findPodroleNamespace(kubernetes, podroleNamespace);
    if ("problem" in found) return fail(terminal, "rotate", [found.problem]);
    const result = await rotateAuthority({ kubernetes, clock }, { step, namespace: found.namespace, force });
    if ("refused" in result) {
      note(terminal, "rotate", result.refused);
      return 1;
    }
    if (step !== "status") note(terminal, "rotate", DONE[step]);
    if (step !== "status" && force) note(terminal, "rotate", FORCED[step]);
    const { status, now } = result;
    terminal.out(json ? `${JSON.stringify(status, undefined, 2)}\n` : rotationText(status, now));
    return 0;
  });
};
