// npm run fuzz: passes hostile inputs to podrole, some of them over sockets of the real programs, and prints what was
// run. Exits with 1 if an input broke an invariant (target.ts), and prints that input.
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { startScript } from "../../scripts/command-line/start-script.ts";
import { currentCommit, measuredNow } from "../published-results.ts";
import { CODE_TARGETS } from "./code-targets.ts";
import { type Failure, runBatch } from "./engine.ts";
import { type FuzzResult, fuzzResults } from "./results.ts";
import { runSockets, SOCKET_TARGETS } from "./run-sockets.ts";
import { plantedSecrets } from "./target.ts";

const CORPUS = join(import.meta.dirname, "corpus.json");
/** Inputs between two looks at the clock. */
const BATCH = 5_000;

const { values } = startScript("fuzz");
const { inputs, seed = Date.now() % 2 ** 31 } = values;
const isChosen = ({ name }: { readonly name: string }) => name.includes(values.target);

interface Row {
  readonly target: string;
  readonly inputs: number;
  readonly perSecond: number;
  readonly slowestMs: number;
}

const failures: Failure[] = [];
const stray = (error: unknown) =>
  void failures.push({
    target: "(outside an input)",
    seed,
    input: "",
    error: error instanceof Error ? (error.stack ?? "") : String(error),
  });
process.on("unhandledRejection", stray).on("uncaughtException", stray);

async function runCode(total: number): Promise<Row[]> {
  const targets = CODE_TARGETS.filter(isChosen);
  const weights = targets.reduce((sum, { weight }) => sum + weight, 0);
  const rows: Row[] = [];
  for (const [index, target] of targets.entries()) {
    const share = Math.ceil((total * target.weight) / weights);
    const from = performance.now();
    let [done, slowestMs] = [0, 0];
    for (let batch = 0; done < share; batch++) {
      const result = await runBatch(target, seed + index * 1_000_003 + batch, Math.min(BATCH, share - done));
      done += result.inputs;
      slowestMs = Math.max(slowestMs, result.slowestMs);
      if (!result.failure) continue;
      failures.push(result.failure);
      break;
    }
    rows.push(rowOf(target.name, done, from, slowestMs));
  }
  return rows;
}

function rowOf(target: string, done: number, from: number, slowestMs: number): Row {
  const seconds = (performance.now() - from) / 1000;
  return { target, inputs: done, perSecond: Math.round(done / seconds), slowestMs: Math.round(slowestMs) };
}

function keep(): void {
  const known = JSON.parse(readFileSync(CORPUS, "utf8")) as { target: string; input: string }[];
  const found = failures.filter(({ input }) => input !== "").map(({ target, input }) => ({ target, input }));
  writeFileSync(CORPUS, `${JSON.stringify([...known, ...found], null, 2)}\n`);
}

function publish(measured: readonly Row[], overSockets: readonly Row[]): void {
  const resultOf = (through: FuzzResult["through"]) => (row: Row) => ({
    target: row.target,
    through,
    inputs: row.inputs,
  });
  fuzzResults.write({
    ...started,
    seed,
    minutes: Math.round((performance.now() - began) / 60_000),
    plantedSecrets: plantedSecrets().length,
    failures: failures.length,
    rows: [...measured.map(resultOf("code")), ...overSockets.map(resultOf("socket"))],
  });
}

/** Taken now: the checkout may change while a long run goes on. */
const started = measuredNow();
console.log(`fuzz: seed ${seed}, commit ${currentCommit() || "unknown"}, ${cpus()[0]?.model}`);
const began = performance.now();
const rows = await runCode(inputs);
const codeSeconds = (performance.now() - began) / 1000;
const socketTargets = SOCKET_TARGETS.filter(isChosen);
const socketInputs = values.sockets ?? Math.ceil(inputs * 0.02);
const socketRows =
  socketTargets.length === 0 || socketInputs === 0
    ? []
    : await runSockets(socketTargets, { inputs: socketInputs, seed, onFailure: (failure) => failures.push(failure) });
console.table(Object.fromEntries([...rows, ...socketRows].map(({ target, ...row }) => [target, row])));

const sum = (list: readonly Row[]) => list.reduce((total, row) => total + row.inputs, 0);
for (const { target, seed: own, input, error } of failures) {
  console.log(`\nFAILED ${target} (seed ${own})\ninput: ${input.slice(0, 4_000)}\n${error.slice(0, 4_000)}`);
}
if (values.keep) keep();
if (values.publish) publish(rows, socketRows);
console.log(
  `\n${sum(rows) + sum(socketRows)} inputs, ${sum(socketRows)} of them over sockets; code: ${Math.round(sum(rows) / codeSeconds)} inputs/s; ` +
    `${plantedSecrets().length} planted secrets; ${failures.length} failed`,
);
process.exit(failures.length === 0 ? 0 : 1);
