// The table of the chart's values, from the comments of its values.yaml.
import { isMap, isScalar, parseDocument, type YAMLMap } from "yaml";
import { markdownTable } from "./markdown-table.ts";

/** A value of the chart. */
export interface ChartValue {
  /** Names from the root, joined by dots. */
  readonly path: string;
  /** In YAML or JSON, on one line. */
  readonly default: string;
  readonly description: string;
}

/**
 * Returns the values of a values.yaml: each key at the top, or those below it if it is a block of several lines. A
 * value without a comment has that of the same value in an earlier block. Throws if there is none.
 */
export function documentedValues(source: string): readonly ChartValue[] {
  const document = parseDocument(source);
  const described = new Map<string, string>();
  return entriesOf(document.contents).flatMap((entry) => {
    const { name, value, comment } = entry;
    if (!isBlock(value)) return [{ path: name, default: textOf(value, source), description: comment ?? missing(name) }];
    return entriesOf(value).map((inner) => {
      const description = inner.comment ?? described.get(inner.name) ?? missing(`${name}.${inner.name}`);
      described.set(inner.name, description);
      return { path: `${name}.${inner.name}`, default: textOf(inner.value, source), description };
    });
  });
}

/** Returns the table for the chart's README. */
export function chartValuesTable(source: string): string {
  const rows = documentedValues(source).map((value) => [
    `\`${value.path}\``,
    `\`${value.default}\``,
    value.description,
  ]);
  return markdownTable(["value", "default", "meaning"], rows);
}

function missing(path: string): never {
  throw new Error(`Cannot document ${path} of values.yaml: it has no comment; expected one above it`);
}

function isBlock(value: unknown): value is YAMLMap {
  return isMap(value) && value.flow !== true;
}

/** A comment above the first key belongs to the map. */
function entriesOf(map: unknown) {
  if (!isMap(map)) return [];
  return map.items.map((item, index) => {
    const { key, value } = item;
    const own = isScalar(key) ? key.commentBefore : undefined;
    return { name: String(key), value, comment: commentText(own ?? (index === 0 ? map.commentBefore : undefined)) };
  });
}

/** The last paragraph of a comment: earlier ones are about the file. */
function commentText(comment: string | null | undefined): string | undefined {
  return comment
    ?.split(/\n\s*\n/)
    .at(-1)
    ?.replaceAll(/\s*\n\s*/g, " ")
    .trim();
}

function textOf(value: unknown, source: string): string {
  if (isBlock(value))
    return JSON.stringify(value.toJSON())
      .replaceAll(/([{:,])/g, "$1 ")
      .replaceAll("}", " }");
  const [start = 0, end = 0] = (value as { readonly range?: readonly number[] }).range ?? [];
  return source.slice(start, end);
}
