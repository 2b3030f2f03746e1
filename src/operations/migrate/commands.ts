// Shell commands that the reports print. None is ever run.

/** Quotes an argument for a POSIX shell. */
export function shellQuote(arg: string): string {
  return /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", String.raw`'\''`)}'`;
}

export function annotateNamespaceCommand(namespace: string, annotations: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(annotations).map(([name, value]) => shellQuote(`${name}=${value}`));
  return `kubectl annotate --overwrite namespace ${shellQuote(namespace)} ${pairs.join(" ")}`;
}
