// Starts node's test runner on one file for the suites that have a command line of their own.
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";

/** Runs the file with the variables added, passes signals on, and ends this process with the runner's exit code. */
export function runSuite(file: string, env: Readonly<Record<string, string>>): void {
  const args = ["--no-warnings", "--test", "--test-reporter=spec", file];
  const child = spawn(process.execPath, args, { stdio: "inherit", env: { ...process.env, ...env } });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.once("SIGINT", forward).once("SIGTERM", forward);
  child.on("close", (code) => {
    process.exitCode = code ?? 1;
  });
}

/** A suite of rows, whose results are published in the docs. */
export interface RowSuite {
  /** What cannot be run, in the error message: "the attacks". */
  readonly what: string;
  readonly file: string;
  /** Beginning of the variables that the file reads: PREFIX is "short" or "long"; PREFIX_ROW and PREFIX_PUBLISH. */
  readonly prefix: string;
  /** Why the suite cannot run on this machine; empty if it can. */
  readonly problems: readonly string[];
  /** Single rows may be published beside earlier results of the others. */
  readonly publishesRows?: boolean;
}

/** Reads --short, --row TEXT and --publish, and runs the suite; ends this process with 2 if it cannot run. */
export function runRowSuite({ what, file, prefix, problems: missing, publishesRows = false }: RowSuite): void {
  const { values } = parseArgs({
    options: {
      short: { type: "boolean", default: false },
      row: { type: "string", default: "" },
      publish: { type: "boolean", default: false },
    },
  });
  const isPartial = values.short || (values.row !== "" && !publishesRows);
  const problems = [...missing, ...(values.publish && isPartial ? ["only a whole long run is published"] : [])];
  if (problems.length > 0) {
    console.error(`Cannot run ${what}: ${problems.join("; ")}`);
    process.exit(2);
  }
  runSuite(file, {
    [prefix]: values.short ? "short" : "long",
    [`${prefix}_ROW`]: values.row,
    [`${prefix}_PUBLISH`]: String(values.publish),
  });
}
