// podrole demo. Its first line is printed before the code of the demo is loaded, which takes longer than the eye waits.
// Exit codes: 0 both pods got what they should, 1 one did not, 2 usage, 130 interrupted; with --ui: 0 interrupted.
import { systemClock as clock } from "../../runtime/clock.ts";
import { type Action, writeProblems } from "../terminal.ts";
import { createNarrator } from "./narrator.ts";

/** Runs podrole demo. */
export const demoAction: Action = async (terminal, flags) => {
  const narrator = createNarrator({ out: terminal.out, now: () => clock.now() }, { json: flags["json"] === "true" });
  const podCertificates = flags["podCertificates"] === "true";
  if (podCertificates && flags["ui"] === "true") {
    return writeProblems(terminal, "demo", ["--pod-certificates: --ui is set too; expected one of them"]);
  }
  narrator.progress("starting an embedded Kubernetes API and STS");
  const { execPath, env, interrupted } = terminal;
  try {
    if (flags["ui"] === "true") {
      const { runUiDemo } = await import("./ui-demo.ts");
      return await runUiDemo(terminal, narrator, { opensBrowser: flags["open"] !== "false" });
    }
    const { runDemo } = await import("./run-demo.ts");
    const ok = await runDemo(narrator, {
      runtime: { execPath, path: env["PATH"] ?? "" },
      interrupted,
      podCertificates,
    });
    narrator.step(
      ok
        ? "Done: the permitted pod got its role, and the other pod was refused"
        : "The demo failed: a pod did not get the expected result",
    );
    return ok ? 0 : 1;
  } catch (error) {
    if (interrupted.aborted) return 130;
    terminal.err(`podrole demo: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
};
