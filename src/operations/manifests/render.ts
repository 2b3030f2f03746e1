// New YAML and JSON for an edited document. Whatever some reader could take for another type is quoted.
import { Document, Scalar, type ToStringOptions, visit } from "yaml";
import { needsQuotes } from "./plain-scalars.ts";

/** The style of a document. JSON has no comments and quotes everything. */
export type ManifestFormat = "yaml" | "json";

/** Lines of `key: value` in block style, the first one without indentation, the others indented by `column`. */
export function blockPair(key: string, value: unknown, column: number, isListIndented: boolean): string {
  return indentContinuation(stringifyYaml({ [key]: value }, { indentSeq: isListIndented }), column);
}

/** Lines of `- value` in block style; `column` is the dash's. */
export function blockItem(value: unknown, column: number, isListIndented: boolean): string {
  return indentContinuation(stringifyYaml([value], { indentSeq: isListIndented }), column);
}

/** Lines of a map or list in block style, all of them at `column` except the first. */
export function blockLines(value: object, column: number, isListIndented: boolean): string {
  return indentContinuation(stringifyYaml(value, { indentSeq: isListIndented }), column);
}

/** One value on one line. */
export function flowValue(value: unknown, format: ManifestFormat): string {
  return format === "json" ? jsonLine(value) : stringifyYaml(value, { collectionStyle: "flow" });
}

/** One `key: value` of a flow map. */
export function flowPair(key: string, value: unknown, format: ManifestFormat): string {
  if (format === "json") return `${JSON.stringify(key)}: ${jsonLine(value)}`;
  return flowValue({ [key]: value }, format)
    .slice(1, -1)
    .trim();
}

/** JSON on one line, with spaces inside of braces and brackets. */
function jsonLine(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "[]" : `[ ${value.map(jsonLine).join(", ")} ]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}: ${jsonLine(inner)}`);
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

/** JSON with an indentation of two, continued at `column`. */
export function jsonLines(value: unknown, column: number): string {
  return indentContinuation(JSON.stringify(value, null, 2), column);
}

function stringifyYaml(value: unknown, options: ToStringOptions): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value !== "string" || !needsQuotes(node.value)) return;
      // A text of several lines stays readable as a block.
      const isText = node.value.includes("\n") && options.collectionStyle !== "flow";
      if (!isText) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  const text = document.toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER, ...options });
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}

function indentContinuation(text: string, column: number): string {
  return text.replaceAll(/\n(?=[^\n])/g, `\n${" ".repeat(column)}`);
}
