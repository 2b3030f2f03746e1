// The sidecar's command line: a mode and its settings. Each mode is loaded only when it runs, so that the process that
// serves never evaluates what only init and renewals need. Exit codes: 0 done, 1 the mode says no, 2 wrong settings.
import { systemClock } from "../runtime/clock.ts";
import { createLineLog } from "../runtime/line-log.ts";
import type { Log } from "../runtime/log.ts";
import type { LogLevel } from "../runtime/line-log.ts";
import { envName, readSettings, type Settings, type SettingTable } from "../runtime/settings.ts";
import { formatFlags, parseFlags } from "./arguments.ts";
import type { Command } from "./child.ts";
import { SIDECAR_SETTINGS, WAIT_SETTINGS } from "./settings.ts";

/** What the process gives; only main.ts files can provide it. */
export interface SidecarHost {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts on SIGTERM or SIGINT. */
  readonly interrupted: AbortSignal;
  /** Starts this program again; "renew" and flags are appended. Without it, `serve` renews within its own process. */
  readonly self?: Command | undefined;
}

type Mode = (host: SidecarHost, words: readonly string[]) => Promise<number>;

const MODES: Readonly<Record<string, Mode>> = { init, serve, wait, renew, help, version };

/** Runs one mode; resolves with the exit code. `words`: the command line without the program's own name. */
export async function runSidecar(host: SidecarHost, words: readonly string[]): Promise<number> {
  const [word = "help", ...rest] = words;
  const mode = Object.entries(MODES).find(([name]) => name === word || `--${name}` === word);
  if (mode) return mode[1](host, rest);
  host.err(`podrole-sidecar: ${word} is not a mode; there are ${Object.keys(MODES).join(", ")}\n`);
  return 2;
}

function init(host: SidecarHost, words: readonly string[]): Promise<number> {
  return withSettings(host, words, SIDECAR_SETTINGS, async (settings) => {
    const { runInit } = await import("./init.ts");
    const log = openLog(host.out, "init", settings);
    return runInit({ clock: systemClock, log, signal: host.interrupted }, settings);
  });
}

function serve(host: SidecarHost, words: readonly string[]): Promise<number> {
  return withSettings(host, words, SIDECAR_SETTINGS, async (settings, flags) => {
    const { runServe } = await import("./serve.ts");
    const { out: write, env, interrupted: signal, self } = host;
    const renewCommand = self && { file: self.file, args: [...self.args, "renew", ...formatFlags(flags)] };
    const log = openLog(write, "sidecar", settings);
    return runServe({ clock: systemClock, log, write, env, signal, renewCommand }, settings);
  });
}

function renew(host: SidecarHost, words: readonly string[]): Promise<number> {
  return withSettings(host, words, SIDECAR_SETTINGS, async (settings) => {
    const { runRenew } = await import("./renew.ts");
    // Standard output is the answer to the parent; the log goes the other way.
    return runRenew({ clock: systemClock, log: openLog(host.err, "sidecar", settings), tell: host.out }, settings);
  });
}

function wait(host: SidecarHost, words: readonly string[]): Promise<number> {
  return withSettings(host, words, WAIT_SETTINGS, async (settings) => {
    const { runWait } = await import("./wait.ts");
    const log = openLog(host.out, "wait", settings);
    return runWait({ clock: systemClock, log, signal: host.interrupted }, settings);
  });
}

async function help({ out }: SidecarHost): Promise<number> {
  const { help } = await import("./help.ts");
  out(help());
  return 0;
}

async function version({ out }: SidecarHost): Promise<number> {
  const { version } = await import("./help.ts");
  out(version());
  return 0;
}

function openLog(write: (line: string) => void, program: string, { level }: { readonly level: LogLevel }): Log {
  return createLineLog({ write, now: () => systemClock.now() }, { program, level });
}

async function withSettings<const Table extends SettingTable>(
  { env, err }: SidecarHost,
  words: readonly string[],
  table: Table,
  run: (settings: Settings<Table>, flags: Readonly<Record<string, string>>) => Promise<number>,
): Promise<number> {
  const parsed = parseFlags(words, SIDECAR_SETTINGS);
  const read = parsed.ok ? readSettings(table, parsed.flags, env, Object.keys(SIDECAR_SETTINGS).map(envName)) : parsed;
  if (read.ok && parsed.ok) return run(read.settings, parsed.flags);
  const problems = read.ok ? [] : read.problems;
  err(`podrole-sidecar: the settings cannot be used:\n${problems.map((problem) => `  ${problem}\n`).join("")}`);
  return 2;
}
