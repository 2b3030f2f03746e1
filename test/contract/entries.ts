// A contract is sections of named entries; here is how two contracts are compared and how a JSON value becomes entries.

/** Name → what programs rely on, in one line. */
export type Entries = Readonly<Record<string, string>>;
export type Contract = Readonly<Record<string, Entries>>;

/** The contract as the snapshot stores it: sections and entries sorted, one entry per line. */
export function formatContract(contract: Contract): string {
  const sections = sorted(contract).map(([name, entries]) => [name, Object.fromEntries(sorted(entries))] as const);
  return `${JSON.stringify(Object.fromEntries(sections), undefined, 2)}\n`;
}

/** One line per entry that was removed, added or changed between the two; empty if they are equal. */
export function contractDifferences(recorded: Contract, current: Contract): readonly string[] {
  return keysOf(recorded, current).flatMap((section) => {
    const [before, after] = [recorded[section] ?? {}, current[section] ?? {}];
    return keysOf(before, after).flatMap((name) => difference(`${section}: ${name}`, before[name], after[name]));
  });
}

function difference(name: string, before: string | undefined, after: string | undefined): readonly string[] {
  if (before === after) return [];
  if (after === undefined) return [`removed  ${name}  (${before})`];
  if (before === undefined) return [`added    ${name}  (${after})`];
  return [`changed  ${name}  from (${before}) to (${after})`];
}

/**
 * Key paths of JSON values with the type found there: "[].containers[].role" → "string". `maps` lists paths of objects
 * whose keys are data rather than fields; their keys become "*".
 */
export function shapeOf(samples: readonly unknown[], maps: readonly string[] = []): Entries {
  const types = new Map<string, Set<string>>();
  function note(path: string, type: string): void {
    if (path !== "") types.set(path, (types.get(path) ?? new Set()).add(type));
  }
  function walk(value: unknown, path: string): void {
    if (Array.isArray(value)) {
      note(path, "list");
      for (const element of value) walk(element, `${path}[]`);
      return;
    }
    if (typeof value !== "object" || value === null) return note(path, value === null ? "null" : typeof value);
    note(path, "object");
    for (const [key, child] of Object.entries(value)) {
      walk(child, `${path === "" ? "" : `${path}.`}${maps.includes(path) ? "*" : key}`);
    }
  }
  for (const sample of samples) walk(sample, "");
  return Object.fromEntries([...types].map(([path, found]) => [path, [...found].toSorted().join(" or ")]));
}

/** Every name with a description of its own. */
export function entriesOf<T>(rows: Iterable<T>, name: (row: T) => string, value: (row: T) => string): Entries {
  return Object.fromEntries([...rows].map((row) => [name(row), value(row)]));
}

function sorted<T>(record: Readonly<Record<string, T>>): readonly (readonly [string, T])[] {
  return Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function keysOf(...records: readonly object[]): readonly string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record)))].toSorted();
}
