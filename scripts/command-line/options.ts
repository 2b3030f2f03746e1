// What the command lines of the project's scripts and suites are declared with: options, and what the machine must
// have.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { InvalidArgumentError } from "commander";

/** An option of a script: its flags as commander writes them ("--inputs <number>"), and the value that it gives. */
export interface ScriptOption<Value> {
  readonly flags: string;
  readonly help: string;
  readonly default: Value;
  /** Returns the value; throws InvalidArgumentError with what is expected. Absent for a switch. */
  parse?(this: void, text: string, previous: Value): Value;
}

/**
 * Something that the machine must have, and how to get it: "root, to create cgroups", "taskset (Debian: util-linux)".
 */
export interface Requirement {
  readonly text: string;
  readonly isMet: () => boolean;
}

/** What a script does, for whom and how long, as its help and the tables of pages say it. */
export interface ScriptUsage {
  /** Begins with a verb in the third person, and has no full stop. */
  readonly purpose: string;
  readonly requires?: readonly Requirement[];
  /** What it needs besides `npm ci`, if `requires` does not say all of it. */
  readonly needs?: string;
  /** "8 minutes", "seconds". */
  readonly time: string;
  /** By the name that the flag has in camel case. */
  readonly options?: Readonly<Record<string, ScriptOption<unknown>>>;
  /** Arguments without a flag, as commander writes them: "<pattern> [files...]". */
  readonly args?: string;
}

/** A switch, which is off by default. */
export function switchOption(flag: string, help: string): ScriptOption<boolean> {
  return { flags: flag, help, default: false };
}

/** A text with a default. */
export function textOption(flags: string, help: string, value: string): ScriptOption<string> {
  return { flags, help, default: value, parse: (text) => text };
}

/** A text, undefined by default. */
export function optionalTextOption(flags: string, help: string): ScriptOption<string | undefined> {
  return { flags, help, default: undefined, parse: (text) => text };
}

/** A text, or several if the option is repeated; undefined by default. */
export function optionalTextsOption(flags: string, help: string): ScriptOption<readonly string[] | undefined> {
  return { flags, help, default: undefined, parse: (text, previous) => [...(previous ?? []), text] };
}

/** One of the names, or several of them if the option is repeated; undefined by default. */
export function namesOption<Name extends string>(
  flags: string,
  help: string,
  names: readonly Name[],
): ScriptOption<readonly Name[] | undefined> {
  return {
    flags,
    help: `${help} (repeatable): ${names.join(", ")}`,
    default: undefined,
    parse(text, previous) {
      const name = names.find((each) => each === text);
      if (name === undefined) throw new InvalidArgumentError(`Expected one of ${names.join(", ")}`);
      return [...(previous ?? []), name];
    },
  };
}

/** Limits of a number, both included; a number that need not be whole may not be the lower one. */
interface NumberLimits {
  readonly min: number;
  readonly max: number;
  readonly isWhole?: boolean;
}

/** A number with a default. */
export function numberOption(flags: string, help: string, value: number, limits: NumberLimits): ScriptOption<number> {
  return { flags, help, default: value, parse: (text) => parseNumber(text, limits) };
}

/** A number, undefined by default. */
export function optionalNumberOption(
  flags: string,
  help: string,
  limits: NumberLimits,
): ScriptOption<number | undefined> {
  return { flags, help, default: undefined, parse: (text) => parseNumber(text, limits) };
}

function parseNumber(text: string, { min, max, isWhole = true }: NumberLimits): number {
  const number = text.trim() === "" ? Number.NaN : Number(text);
  if (isWhole && Number.isInteger(number) && number >= min && number <= max) return number;
  if (!isWhole && number > min && number <= max) return number;
  throw new InvalidArgumentError(
    `Expected a ${isWhole ? `whole number from ${min}` : `number above ${min}, up`} to ${max}`,
  );
}

/** Publishes what a suite found. */
export function publishOption(file: string) {
  return switchOption("--publish", `write the results to ${file}, from which npm run generate makes a page`);
}

/** The right to make cgroups. */
export const CGROUPS = root("to create cgroups");
/** What a node needs. */
export const NODE_PACKAGES = "the packages of test/cluster/kubernetes/packages.sh podman";

/** Root, and what for: "to create cgroups". */
export function root(purpose: string): Requirement {
  return { text: `root, ${purpose}`, isMet: () => process.getuid?.() === 0 };
}

/** A program on the path, or a file, and the package of Debian that has it. */
export function debian(file: string, name: string, debianPackage: string): Requirement {
  const isMet = () => (file.startsWith("/") ? existsSync(file) : spawnSync(file, ["--version"]).error === undefined);
  return { text: `${name} (Debian: ${debianPackage})`, isMet };
}

/** What a script needs besides `npm ci`, in words; empty if nothing. */
export function needsOf({ requires = [], needs }: ScriptUsage): string {
  return [...requires.map(({ text }) => text), ...(needs === undefined ? [] : [needs])].join("; ");
}
