// Settings in help texts: one form for flag, placeholder, variable and default, and the width of every line.
import { defaultOf, envName, flagName, type Setting } from "./settings.ts";

/** Columns of every help text: the usual width of a terminal. */
export const HELP_WIDTH = 80;

/** Breaks a text into lines of at most `width` characters at spaces; a longer word has a line of its own. */
export function wrapText(text: string, width: number): readonly string[] {
  const line = new RegExp(`(.{1,${width}}|\\S+)(?: |$)`, "gm");
  return [...text.matchAll(line)].map(([, words = ""]) => words);
}

/** Returns the flag with a placeholder for its value: "--port <port>". */
export function settingFlag(key: string, setting: Setting<unknown>): string {
  const { placeholder = setting.type.placeholder ?? "value" } = setting;
  return `--${flagName(key)} <${placeholder}>`;
}

/** Returns what the setting does, then its variable with the default on a line of its own. */
export function settingText(key: string, setting: Setting<unknown>): string {
  const value = defaultOf(setting);
  return `${setting.help}.\n${envName(key)} (${value === undefined ? "required" : `default: ${value}`})`;
}

/** Returns a flag with its text below: settings have flags that are too long for two columns. */
export function flagAbove(flag: string, text: string): string {
  const lines = wrapText(text, HELP_WIDTH - TEXT_INDENT).map((line) => `${" ".repeat(TEXT_INDENT)}${line}`);
  return [`  ${flag}`, ...lines].join("\n");
}

const TEXT_INDENT = 6;
