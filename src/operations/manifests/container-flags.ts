// The flags on a container's command line: "--flag=value", "--flag value", "--flag", and "--no-flag".

/** Values by the flag's name without dashes; "true" for a flag without a value, "false" for `--no-flag`. */
export type ContainerFlags = ReadonlyMap<string, string>;

/**
 * An argument after a flag is its value, unless it is a flag itself; the last of several flags with one name counts.
 */
export function parseContainerFlags(args: readonly string[]): ContainerFlags {
  const flags = new Map<string, string>();
  for (const [index, arg] of args.entries()) {
    const [, name, value] = /^--([a-z][\w-]*)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined) continue;
    const next = args[index + 1];
    if (value !== undefined) flags.set(name, value);
    else if (name.startsWith("no-")) flags.set(name.slice("no-".length), "false");
    else flags.set(name, next !== undefined && !next.startsWith("-") ? next : "true");
  }
  return flags;
}
