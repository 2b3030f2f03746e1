// The situations in which operators ask what is wrong, on a real cluster: brings about each one, looks at it with
// kubectl and with explain, check and status, and runs the commands that these print, until the pods are well. A
// command that needs AWS is not run. PODROLE_SITUATIONS names a file for everything that was printed.
import assert from "node:assert/strict";
import { appendFileSync, writeFileSync } from "node:fs";
import { after, afterEach, before, suite, type TestContext, test } from "node:test";
import { printedCommands } from "../../cli/commands/printed-steps.ts";
import { createSteadyPod } from "./situation-objects.ts";
import { openOperatorShell } from "./situation-steps.ts";
import { REAL_SITUATIONS, type RealSituation } from "./situations.ts";
import { kubectl, Not, printDiagnosis, untilSuccess } from "./suite.ts";

const { PODROLE_SITUATIONS: printed } = process.env;

suite("situations in which operators ask what is wrong", { timeout: 1_800_000, concurrency: false }, () => {
  const shell = openOperatorShell();
  let namespace = "podrole";
  afterEach((context) => printDiagnosis(context, namespace));
  after(() => shell.close());
  before(async () => {
    if (printed !== undefined) writeFileSync(printed, "");
    await createSteadyPod();
    await Promise.all(REAL_SITUATIONS.map(async ({ prepareEarly }) => prepareEarly?.()));
  });

  for (const [index, situation] of REAL_SITUATIONS.entries()) {
    test(`the printed commands end: ${situation.name}`, async (context) => {
      // The next situations need the cluster as it was.
      if (situation.repair !== undefined) context.after(situation.repair);
      ({ namespace } = situation);
      await situation.prepare?.();
      await untilSuccess(`${situation.name} to be seen`, async () => {
        const { out } = await shell.run(`podrole explain ${situation.object} -n ${namespace}`);
        return situation.cause.test(out) ? out : new Not(out);
      });
      const { outputs, refusals } = await lookAt(context, `situation ${index + 1}`, situation);
      for (const out of outputs) {
        assert.match(out, situation.cause);
        if (situation.scope !== undefined) assert.match(out, situation.scope);
        assertPrinted(out, situation.next);
      }
      if (situation.refusals !== undefined) assert.match(refusals, situation.refusals);
      const commands = printedCommands(outputs[0] ?? "");
      for (const at of situation.run) await runAsPrinted(context, commands[at]);
      await situation.recovers?.({ shell, commands });
      await kubectl.ok(["delete", "namespace", namespace, "--wait=false"]);
    });
  }

  /** Fails unless the commands are printed in their order: check prints those of other findings between them. */
  function assertPrinted(out: string, expected: readonly RegExp[]): void {
    let rest = printedCommands(out);
    for (const pattern of expected) {
      const at = rest.findIndex((command) => pattern.test(command));
      assert.ok(at >= 0, `no command is ${pattern}: ${out}`);
      rest = rest.slice(at + 1);
    }
  }

  /** Shows what kubectl, explain, check and status print. Returns the latter three, and that of the refusals. */
  async function lookAt(context: TestContext, heading: string, { object, looks }: RealSituation) {
    const podrole = [`podrole explain ${object} -n ${namespace}`, `podrole check -n ${namespace} --quiet`];
    const status = [`podrole status -n ${namespace}`, `podrole status refusals -n ${namespace}`];
    const shown: string[] = [`======== ${heading} ========\n`];
    const outputs: string[] = [];
    let refusals = "";
    for (const command of [...looks, ...podrole, ...status]) {
      const { out, code } = await shell.run(command);
      shown.push(`$ ${command}\n${out}(exit code ${code})\n`);
      if (podrole.includes(command) || command === status[0]) outputs.push(out);
      else refusals = out;
    }
    const text = `${shown.join("\n")}\n`;
    context.diagnostic(text);
    if (printed !== undefined) appendFileSync(printed, text);
    return { outputs, refusals };
  }

  async function runAsPrinted(context: TestContext, command: string | undefined): Promise<void> {
    assert.ok(command, "a command is printed");
    const { code, out } = await shell.run(command);
    context.diagnostic(`ran: ${command}\n${out}`);
    assert.equal(code, 0, `${command}: ${out}`);
  }
});
