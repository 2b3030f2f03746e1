// Starts node's test runner for the suites that have a command line of their own.
import { spawn } from "node:child_process";
import { startScript } from "../scripts/command-line/start-script.ts";

/**
 * Runs the files, or those that a glob matches, with the variables added; passes signals on, and ends this process with
 * the runner's exit code. `timeoutMs`: of one test; by default none.
 */
export function runSuite(
  files: readonly string[],
  { env = {}, timeoutMs }: { readonly env?: Readonly<Record<string, string>>; readonly timeoutMs?: number } = {},
): void {
  const timeout = timeoutMs === undefined ? [] : [`--test-timeout=${timeoutMs}`];
  const args = ["--no-warnings", "--test", "--test-reporter=spec", ...timeout, ...files];
  const child = spawn(process.execPath, args, { stdio: "inherit", env: { ...process.env, ...env } });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.once("SIGINT", forward).once("SIGTERM", forward);
  child.on("close", (code) => {
    process.exitCode = code ?? 1;
  });
}

/** A suite of rows, whose results are published in the docs. */
export interface RowSuite {
  readonly name: "test:attack" | "test:fault";
  readonly file: string;
  /** Beginning of the variables that the file reads: PREFIX is "short" or "long"; PREFIX_ROW and PREFIX_PUBLISH. */
  readonly prefix: string;
  /** Single rows may be published beside earlier results of the others. */
  readonly publishesRows?: boolean;
}

/** Reads --short, --row TEXT and --publish, and runs the suite; ends this process with 2 if it cannot run. */
export function runRowSuite({ name, file, prefix, publishesRows = false }: RowSuite): void {
  const { values } = startScript(name);
  const isPartial = values.short || (values.row !== "" && !publishesRows);
  if (values.publish && isPartial) {
    console.error(`Cannot run npm run ${name}: --publish is set for a part of it; expected a whole long run`);
    process.exit(2);
  }
  runSuite([file], {
    env: {
      [prefix]: values.short ? "short" : "long",
      [`${prefix}_ROW`]: values.row,
      [`${prefix}_PUBLISH`]: String(values.publish),
    },
  });
}
