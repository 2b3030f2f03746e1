// fast-check with one seed for each run of a test file. A test that fails prints it, also if it failed beside a
// property: at its timeout, or in an assertion about all runs. FC_SEED repeats a run; fast-check prints the path to a
// counterexample.
import { randomInt } from "node:crypto";
import { afterEach } from "node:test";
import fc from "fast-check";

const seed = Number(process.env["FC_SEED"] ?? randomInt(2 ** 31));
fc.configureGlobal({ seed });
afterEach((context) => {
  if ("passed" in context && !context.passed) console.log(`${context.name}: repeat with FC_SEED=${seed}`);
});

export { default as fc } from "fast-check";
