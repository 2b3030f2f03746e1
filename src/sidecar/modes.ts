// The sidecar's command line: a mode and its settings. Each mode's module is loaded only when the mode runs, so that
// the serving process never evaluates what only init and renewals need. Exit codes: 0 success, 1 the mode failed, 2
// invalid arguments or settings.
import { systemClock } from "../runtime/clock.ts";
import type { LogLevel } from "../runtime/line-log.ts";
import { createLineLog } from "../runtime/line-log.ts";
import type { Log } from "../runtime/log.ts";
import { envName, readSettings, type Settings, type SettingTable } from "../runtime/settings.ts";
import { createSuggester } from "../runtime/suggest.ts";
import { formatFlags, parseFlags } from "./arguments.ts";
import { SERVING_FLAGS, SHORT_LIVED_FLAGS } from "./node-flags.ts";
import type { ProcessCommand } from "./renewal/renewal-process.ts";
import {
  findProofProblems,
  SIDECAR_SETTINGS,
  type SidecarSettings,
  VARIABLES_FOR_OTHERS,
  WAIT_SETTINGS,
  type WaitSettings,
} from "./settings.ts";
import type { WaitDeps } from "./wait.ts";

/** The process as the program sees it; only main.ts files can provide it. */
export interface SidecarHost {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts on SIGTERM or SIGINT. */
  readonly interrupted: AbortSignal;
  /** Sets flags of V8; called once the modules of a mode are loaded (node-flags.ts). */
  readonly setFlags?: (flags: readonly string[]) => Promise<void>;
  /** Command that starts this program; "renew" and flags are appended. If absent, `serve` renews in its own process. */
  readonly self?: ProcessCommand | undefined;
}

type Mode = (host: SidecarHost, args: readonly string[]) => Promise<number>;

const MODES: Readonly<Record<string, Mode>> = {
  init: initMode,
  serve: serveMode,
  wait: waitMode,
  hold: holdMode,
  renew: renewMode,
  help: helpMode,
  version: versionMode,
};

/** Runs one mode; resolves with the exit code. `args`: the command line without the program's own name. */
export async function runSidecar(host: SidecarHost, args: readonly string[]): Promise<number> {
  const [name = "help", ...rest] = args;
  const mode = Object.entries(MODES).find(([known]) => known === name || `--${known}` === name);
  if (mode) return mode[1](host, rest);
  const near = createSuggester(Object.keys(MODES))(name);
  const suggestion = near === undefined ? "" : ` (did you mean ${near}?)`;
  host.err(`podrole-sidecar: unknown mode ${name}${suggestion}; expected one of ${Object.keys(MODES).join(", ")}\n`);
  return 2;
}

function initMode(host: SidecarHost, args: readonly string[]): Promise<number> {
  return withSidecarSettings(host, args, async (settings) => {
    const { runInit } = await import("./init.ts");
    await host.setFlags?.(SHORT_LIVED_FLAGS);
    const log = openLog(host.out, "init", settings);
    return runInit({ clock: systemClock, log, signal: host.interrupted }, settings);
  });
}

function serveMode(host: SidecarHost, args: readonly string[]): Promise<number> {
  return withSidecarSettings(host, args, async (settings, flags) => {
    const { runServe } = await import("./serve.ts");
    await host.setFlags?.(SERVING_FLAGS);
    const { out: write, env, interrupted: signal, self } = host;
    const renewCommand = self && { file: self.file, args: [...self.args, "renew", ...formatFlags(flags)] };
    const log = openLog(write, "sidecar", settings);
    return runServe({ clock: systemClock, log, write, env, signal, renewCommand }, settings);
  });
}

function renewMode(host: SidecarHost, args: readonly string[]): Promise<number> {
  return withSidecarSettings(host, args, async (settings) => {
    const { runRenew } = await import("./renewal/renew.ts");
    await host.setFlags?.(SHORT_LIVED_FLAGS);
    // The parent reads the result from standard output, so the log goes to standard error.
    const log = openLog(host.err, "sidecar", settings);
    return runRenew({ clock: systemClock, log, writeResult: host.out }, settings);
  });
}

function waitMode(host: SidecarHost, args: readonly string[]): Promise<number> {
  return withSettings(host, args, WAIT_SETTINGS, (settings) =>
    settings.startHook ? withSidecarSettings(host, args, (all) => waitAndRenew(host, all)) : waitOnly(host, settings),
  );
}

function holdMode(host: SidecarHost, args: readonly string[]): Promise<number> {
  return withSidecarSettings(host, args, async (settings) => {
    const { runHold } = await import("./wait.ts");
    const offer = await openOffer(host, settings);
    const log = openLog(host.out, "init", settings);
    return runHold({ clock: systemClock, log, signal: host.interrupted, offer }, settings);
  });
}

async function waitOnly(host: SidecarHost, settings: WaitSettings): Promise<number> {
  const { runWait } = await import("./wait.ts");
  await host.setFlags?.(SHORT_LIVED_FLAGS);
  const log = openLog(host.out, "wait", settings);
  return runWait({ clock: systemClock, log, signal: host.interrupted }, settings);
}

async function waitAndRenew(host: SidecarHost, settings: SidecarSettings): Promise<number> {
  const { runWait } = await import("./wait.ts");
  const offer = await openOffer(host, settings);
  const log = openLog(host.out, "wait", settings);
  return runWait({ clock: systemClock, log, signal: host.interrupted, offer }, settings);
}

/** Loads what a renewal needs at once, and in a new pod begins the renewal, while the serving process starts. */
async function openOffer(host: SidecarHost, settings: SidecarSettings): Promise<NonNullable<WaitDeps["offer"]>> {
  const { offerRenewal } = await import("./renewal/hook-renewal.ts");
  const { createEarlyRenewal } = await import("./renewal/early-renewal.ts");
  const { renew } = await import("./renewal/renew.ts");
  await host.setFlags?.(SHORT_LIVED_FLAGS);
  const early = createEarlyRenewal((write, mayStore) => {
    const log = openLog(write, "sidecar", settings);
    return renew({ clock: systemClock, log, ...(mayStore && { mayStore }) }, settings);
  }, settings);
  return () => offerRenewal({ signal: host.interrupted, renew: early }, settings);
}

async function helpMode({ out }: SidecarHost): Promise<number> {
  const { sidecarHelp: help } = await import("./help.ts");
  out(help());
  return 0;
}

async function versionMode({ out }: SidecarHost): Promise<number> {
  const { sidecarVersion: version } = await import("./help.ts");
  out(version());
  return 0;
}

function openLog(write: (line: string) => void, program: string, { level }: { readonly level: LogLevel }): Log {
  return createLineLog({ write, now: () => systemClock.now() }, { program, level });
}

function withSidecarSettings(
  host: SidecarHost,
  args: readonly string[],
  run: (settings: SidecarSettings, flags: Readonly<Record<string, string>>) => Promise<number>,
): Promise<number> {
  return withSettings(host, args, SIDECAR_SETTINGS, async (settings, flags) => {
    const problems = findProofProblems(settings);
    return problems.length === 0 ? run(settings, flags) : rejectSettings(host, problems);
  });
}

async function withSettings<const Table extends SettingTable>(
  host: SidecarHost,
  args: readonly string[],
  table: Table,
  run: (settings: Settings<Table>, flags: Readonly<Record<string, string>>) => Promise<number>,
): Promise<number> {
  const parsed = parseFlags(args, SIDECAR_SETTINGS);
  const alsoKnown = [...Object.keys(SIDECAR_SETTINGS).map(envName), ...VARIABLES_FOR_OTHERS];
  const read = parsed.ok ? readSettings(table, parsed.value, host.env, alsoKnown) : parsed;
  if (read.ok && parsed.ok) return run(read.value, parsed.value);
  return rejectSettings(host, read.ok ? [] : read.problems);
}

function rejectSettings({ err }: SidecarHost, problems: readonly string[]): number {
  err(problems.map((problem) => `podrole-sidecar: ${problem}\n`).join(""));
  return 2;
}
