#!/usr/bin/env node
// Entry of the command line: the only file of it that accesses the process.
import { realpathSync } from "node:fs";
import { basename } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { CommanderError } from "commander";
import { explainKiamFlags } from "../operations/migrate/from-kiam/replaced-flags.ts";
import { interruptionsOf } from "../runtime/interruptions.ts";
import { createProgram } from "./command-tree.ts";
import { COMPLETE_COMMAND, KUBECTL_COMPLETION } from "./completion/scripts.ts";
import type { Terminal } from "./terminal.ts";

async function main(argv: readonly string[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) endWithReader(stream);
  const terminal: Terminal = {
    out: (chunk) => process.stdout.write(chunk),
    err: (chunk) => process.stderr.write(chunk),
    env: process.env,
    isTerminal: process.stdout.isTTY,
    isErrTerminal: process.stderr.isTTY,
    rows: () => (process.stdout.isTTY ? process.stdout.rows : undefined),
    execPath: process.execPath,
    readStdin: () => text(process.stdin),
    stdin: () => (process.stdin.isTTY ? undefined : process.stdin),
    interrupted: interruptionsOf(process, (signal) => (signal === "SIGINT" ? 130 : 143)),
  };
  const program = createProgram(
    terminal,
    {
      demo: async (...call) => (await import("./demo/demo.ts")).demoAction(...call),
      check: async (...call) => (await import("./commands/check.ts")).checkAction(...call),
      status: async (...call) => (await import("./commands/status.ts")).statusAction(...call),
      ui: async (...call) => (await import("./commands/ui.ts")).uiAction(...call),
      explain: async (...call) => (await import("./commands/explain.ts")).explainAction(...call),
      audit: async (...call) => (await import("./commands/audit.ts")).auditAction(...call),
      rotate: async (...call) => (await import("./commands/rotate.ts")).rotateAction(...call),
      aws: async (...call) => (await import("./commands/aws.ts")).awsAction(...call),
      migrate: async (...call) => (await import("./commands/migrate.ts")).migrateAction(...call),
      inject: async (...call) => (await import("./commands/inject.ts")).injectAction(...call),
      uninject: async (...call) => (await import("./commands/inject.ts")).uninjectAction(...call),
      server: async (...call) => (await import("./commands/long-running.ts")).serverAction(...call),
      webhook: async (...call) => (await import("./commands/long-running.ts")).webhookAction(...call),
      sidecar: async (...call) => (await import("./commands/long-running.ts")).sidecarAction(...call),
    },
    (exitCode) => {
      process.exitCode = exitCode;
    },
  );
  // podrole's timers are unref'ed, so nothing else keeps the process alive while a command waits for the Kubernetes
  // API.
  const alive = setInterval(() => {}, 60_000);
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.unknownOption") for (const line of explainKiamFlags(argv)) terminal.err(`${line}\n`);
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  }
  clearInterval(alive);
  await Promise.all([process.stdout, process.stderr].map(untilWritten));
  // Idle keep-alive connections of clients would keep the process alive after the command has finished.
  process.exit();
}

/** A write to a pipe that is full goes on after it returns; process.exit() would cut the output there. */
function untilWritten(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write("", () => resolve());
  });
}

/** As of a program that SIGPIPE has ended: `podrole … | head` is no fault of podrole. */
const EXIT_CODE_PIPE_CLOSED = 141;

function endWithReader(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT_CODE_PIPE_CLOSED);
    throw error;
  });
}

/** npm links this file under several names; under that of kubectl's completion it completes its arguments. */
function commandLineOf([, path = "", ...words]: readonly string[]): readonly string[] {
  return basename(path) === KUBECTL_COMPLETION ? [COMPLETE_COMMAND, "--", ...words] : words;
}

// No top-level await: the bundle of the standalone executable is CommonJS.
if (realpathSync(process.argv[1] ?? "") === fileURLToPath(import.meta.url)) void main(commandLineOf(process.argv));
