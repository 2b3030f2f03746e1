// Changes the value of a document by replacing as few bytes of its text as possible. Where a new value takes the place
// of an alias, of null or of an empty collection, a comment keeps what was there, so that a later edit can put it back.
import { isObject } from "../../runtime/json-object.ts";
import { blockItem, blockLines, blockPair, flowPair, flowValue, jsonLines, type ManifestFormat } from "./render.ts";
import { alignLists, isEmptyCollection, isOptionalField, isSameValue } from "./same-value.ts";
import {
  firstListIndent,
  mergedValue,
  type SourceList,
  type SourceMap,
  type SourceNode,
  type SourcePair,
} from "./source-tree.ts";
import { applyEdits, columnIn, endOfLine, indentOfLine, ownLineColumn, type TextEdit } from "./text-lines.ts";

/** How a document is edited. */
export interface SpliceOptions {
  readonly format: ManifestFormat;
  /** Puts back what comments of an earlier edit have kept. */
  readonly restore: boolean;
}

/** Where a value stands in its parent. */
interface ValuePosition {
  readonly isFlow: boolean;
  /** Of the parent's keys or dashes. */
  readonly column: number;
  /** Behind the key's colon or the dash. */
  readonly after: number;
}

const KEPT_COMMENT = "# replaced by podrole:";
/** Groups: the lines before the comment, if the value stood below its key, and what the comment keeps. */
const KEPT_BEFORE_VALUE = new RegExp(
  `^(?:((?: *(?:#[^\\r\\n]*)?\\r?\\n)+ *)| *)${KEPT_COMMENT}([^\\r\\n]*)\\r?\\n\\s*$`,
);
/** Between a key and its value: nothing but spaces, or the end of the line and lines of comments. */
const ON_SAME_LINE = /^ *$/;
const ON_LATER_LINE = /^(?: *(?:#[^\r\n]*)?\r?\n)+ *$/;

/** True if the text contains a comment with which an earlier edit kept something. */
export function hasKept(text: string): boolean {
  return text.includes(KEPT_COMMENT);
}

/**
 * Returns the text with the value `after`; undefined if it cannot be written by replacing parts. The caller reads the
 * result again and compares, because a document may have a form that is not foreseen here.
 */
export function splice(text: string, root: SourceNode, after: unknown, options: SpliceOptions): string | undefined {
  const splicer = createSplicer(text, root, options);
  splicer.change(root, after, splicer.rootSlot);
  if (options.restore) splicer.restoreAll();
  splicer.replaceAliases();
  return applyEdits(text, splicer.edits);
}

function createSplicer(text: string, root: SourceNode, { format, restore }: SpliceOptions) {
  const edits: TextEdit[] = [];
  /** Aliases whose value changes, and what they become unless their anchor becomes the same. */
  const changedAliases = new Map<SourceNode, unknown>();
  const afterOf = new Map<SourceNode, unknown>();
  /** Where elements of flow collections began that are deleted. */
  const deletedStarts = new Set<number>();
  const isListIndented = firstListIndent(root) ?? true;
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const rootSlot: ValuePosition = { isFlow: format === "json", column: 0, after: root.start };

  function edit(start: number, end: number, replacement: string): void {
    edits.push({ start, end, text: replacement.replaceAll("\n", newline) });
  }

  function insert(at: number, replacement: string): void {
    edit(at, at, replacement);
  }

  function change(node: SourceNode, after: unknown, slot: ValuePosition): void {
    afterOf.set(node, after);
    if (isSameValue(node.value, after) || (restore && keptBy(node, slot) !== undefined)) return;
    if (node.kind === "alias") changedAliases.set(node, after);
    else if (
      node.kind === "map" &&
      isObject(after) &&
      (hasRemains(node) || !(isEmptyCollection(node.value) || isEmptyCollection(after)))
    )
      changeMap(node, after);
    else if (node.kind === "list" && node.items.length > 0 && Array.isArray(after) && !isEmptyCollection(after))
      changeList(node, after, slot);
    else if (!changeEnd(node, after, slot)) replace(node, after, slot);
  }

  /** Appends to a text or cuts off its end, which keeps its quotes. */
  function changeEnd(node: SourceNode, after: unknown, slot: ValuePosition): boolean {
    if (node.kind !== "scalar" || typeof node.value !== "string" || typeof after !== "string") return false;
    const isLonger = after.length > node.value.length;
    const [short, long] = isLonger ? [node.value, after] : [after, node.value];
    const rest = long.slice(short.length);
    const end = lastByte(node) - (node.isQuoted && !node.isBlock ? 1 : 0);
    if (short === "" || !long.startsWith(short) || !/^[\w.,:/-]+$/.test(rest)) return false;
    // Inside of braces, a comma would end a text without quotes.
    if (isLonger && slot.isFlow && !node.isQuoted && rest.includes(",")) keep(node, after, slot);
    else if (isLonger) insert(end, rest);
    else if (text.slice(node.start, end).endsWith(rest)) edit(end - rest.length, end, "");
    else return false;
    return true;
  }

  function replace(node: SourceNode, after: unknown, slot: ValuePosition): void {
    const wasEmpty = node.value === null || isEmptyCollection(node.value);
    const isFilled = typeof after === "object" && after !== null && !isEmptyCollection(after);
    if (slot.isFlow && wasEmpty && isFilled && (node.kind === "map" || node.kind === "list")) {
      // Without a space before the bracket, which tells emptyAgain() that the collection was there.
      insert(node.end - 1, flowValue(after, format).slice(1, -1).trim());
    } else if (format === "json") {
      const rendered = flowValue(after, format);
      edit(node.start, node.end, node.value === null && isFilled ? rendered.replace(/^(.) /, "$1") : rendered);
    } else if (node.kind === "alias" || (wasEmpty && isFilled)) keep(node, after, slot);
    else if (isFilled && !slot.isFlow && slot.after > 0) edit(slot.after, lastByte(node), `\n${nextLine(after, slot)}`);
    else edit(node.start, lastByte(node), `${/\s/.test(text[node.start - 1] ?? " ") ? "" : " "}${inline(after, slot)}`);
  }

  /** Replaces a value and keeps its text in a comment, if a comment can hold it. */
  function keep(node: SourceNode, after: unknown, slot: ValuePosition): void {
    const [between, original] = [text.slice(slot.after, node.start), text.slice(node.start, lastByte(node))];
    const isOneLine = !/[\r\n]/.test(original);
    if (isOneLine && ON_SAME_LINE.test(between))
      edit(slot.after, lastByte(node), ` ${KEPT_COMMENT}${between}${original}\n${nextLine(after, slot)}`);
    // Charts write `{}` and `[]` below their keys.
    else if (isOneLine && ON_LATER_LINE.test(between))
      edit(node.start, lastByte(node), `${KEPT_COMMENT} ${original}\n${nextLine(after, slot)}`);
    else edit(node.start, lastByte(node), `\n${nextLine(after, slot)}`);
  }

  /** A value on the line of its key. */
  function inline(after: unknown, { isFlow, column }: ValuePosition): string {
    if (isFlow || typeof after !== "string") return flowValue(after, format);
    return blockPair("k", after, column, isListIndented).slice("k: ".length);
  }

  /** A value below its key or dash. */
  function nextLine(after: unknown, slot: ValuePosition): string {
    const isBlock = !slot.isFlow && typeof after === "object" && after !== null && !isEmptyCollection(after);
    const column = slot.isFlow ? indentOfLine(text, slot.after) + 4 : slot.column + 2;
    return `${" ".repeat(column)}${isBlock ? blockLines(after, column, isListIndented) : flowValue(after, format)}`;
  }

  function changeMap(node: SourceMap, after: Record<string, unknown>): void {
    const own = node.pairs.filter((pair) => !pair.isMerge);
    const merges = node.pairs.filter((pair) => pair.isMerge);
    const merged: Record<string, unknown> = Object.assign({}, ...merges.map((pair) => mergedValue(pair.node.value)));
    for (const pair of own) {
      const value = after[pair.key];
      // Without it, a merge key sets the value.
      const isRedundant = pair.key in merged && isSameValue(merged[pair.key], value);
      const isChanged = !isSameValue(pair.node.value, value);
      const isLast = own.findLast(({ key }) => key === pair.key) === pair;
      if (value === undefined || value === null || (isRedundant && isChanged)) {
        if (pair.node.value !== null) deletePair(node, pair);
      } else if (isLast) change(pair.node, value, slotOf(node, pair));
    }
    for (const [key, value] of Object.entries(after)) {
      const isOwn = own.some((pair) => pair.key === key);
      if (value !== undefined && !isOwn && !isSameValue(merged[key], value)) insertPair(node, key, value);
    }
  }

  function slotOf({ isFlow, column }: SourceMap, { colonEnd }: SourcePair): ValuePosition {
    return { isFlow, column, after: colonEnd };
  }

  function insertPair({ isFlow, column, pairs }: SourceMap, key: string, value: unknown): void {
    const last = pairs.at(-1);
    if (!last) return;
    const end = lastByte(last.node, last.colonEnd);
    if (!isFlow) {
      insert(endOfLine(text, end), `\n${" ".repeat(column)}${blockPair(key, value, column, isListIndented)}`);
      return;
    }
    const lines = ownLineColumn(text, last.start);
    const isJsonLine = format === "json" && lines !== undefined;
    const pair = isJsonLine ? `${JSON.stringify(key)}: ${jsonLines(value, lines)}` : flowPair(key, value, format);
    insert(end, `,${flowSeparator(lines)}${pair}`);
  }

  function deletePair(node: SourceMap, pair: SourcePair): void {
    if (restore && keptBy(pair.node, slotOf(node, pair)) !== undefined) return;
    if (isOptionalField(pair.key) && (emptyAgain(pair.node) || emptyFields(pair.node))) return;
    const all = node.pairs.map(({ start, node: value, colonEnd }) => ({ start, end: lastByte(value, colonEnd) }));
    deleteAt(all, node.pairs.indexOf(pair), node.isFlow);
  }

  /** Whether something of a map remains when all of its values are removed, because an edit had replaced it. */
  function hasRemains(node: SourceMap): boolean {
    return node.pairs.some(
      (pair) =>
        pair.node.value === null ||
        (restore && keptBy(pair.node, slotOf(node, pair)) !== undefined) ||
        (isOptionalField(pair.key) && textBeforeEdit(pair.node) !== undefined),
    );
  }

  function emptyFields(node: SourceNode): boolean {
    if (node.kind !== "map" || !hasRemains(node)) return false;
    changeMap(node, {});
    return true;
  }

  /** Empties a flow collection that was empty, or null, before an edit. */
  function emptyAgain(node: SourceNode): boolean {
    const before = textBeforeEdit(node);
    if (before === undefined) return false;
    edit(node.start, node.end, before);
    return true;
  }

  /** The spaces inside of its brackets tell what a flow collection was before an edit: see replace(). */
  function textBeforeEdit(node: SourceNode): string | undefined {
    if (node.kind === "alias" || node.kind === "scalar" || !node.isFlow) return undefined;
    const [first] = node.kind === "map" ? node.pairs : node.items;
    const [hasSpace, endsWithSpace] = [node.start + 1, node.end - 2].map((at) => /\s/.test(text[at] ?? ""));
    if (!first || (endsWithSpace && (hasSpace || format === "yaml"))) return undefined;
    return endsWithSpace ? "null" : text.slice(node.start, first.start) + text.slice(node.end - 1, node.end);
  }

  function changeList(node: SourceList, after: readonly unknown[], slot: ValuePosition): void {
    const { isFlow, column, items } = node;
    const matches = alignLists(
      items.map((item) => item.node.value),
      after,
    );
    for (const [index, match] of matches.entries()) {
      const item = match === undefined ? undefined : items[match];
      if (item) change(item.node, after[index], { isFlow, column, after: item.start + (isFlow ? 0 : 1) });
    }
    let previous = -1;
    for (const [index, match] of matches.entries()) {
      if (match !== undefined) previous = match;
      else insertItem(node, previous, after[index], slot);
    }
    const all = items.map(({ start, node: value }) => ({ start, end: lastByte(value, start + (isFlow ? 0 : 1)) }));
    for (const index of all.keys()) if (!matches.includes(index)) deleteAt(all, index, isFlow);
  }

  /** `previous`: index of the element behind which the new one stands, or -1. */
  function insertItem(
    { isFlow, column, items }: SourceList,
    previous: number,
    value: unknown,
    slot: ValuePosition,
  ): void {
    const [before, first] = [items[previous], items[0]];
    if (!first) return;
    if (isFlow) {
      const lines = ownLineColumn(text, first.start);
      const item = format === "json" && lines !== undefined ? jsonLines(value, lines) : flowValue(value, format);
      if (before) insert(lastByte(before.node), `,${flowSeparator(lines)}${item}`);
      else insert(first.start, `${item},${flowSeparator(lines)}`);
      return;
    }
    const item = blockItem(value, column, isListIndented);
    const pad = " ".repeat(column);
    if (before) insert(endOfLine(text, lastByte(before.node, before.start + 1)), `\n${pad}${item}`);
    // Above the comments of the first element.
    else if (ownLineColumn(text, first.start) !== undefined && slot.after > root.start)
      insert(endOfLine(text, slot.after), `\n${pad}${item}`);
    else insert(first.start, `${item}\n${pad}`);
  }

  /** Deletes one of the elements of a collection, with its line or its comma. */
  function deleteAt(all: readonly { start: number; end: number }[], index: number, isFlow: boolean): void {
    const [previous, element, next] = [all[index - 1], all[index], all[index + 1]];
    if (!element) return;
    const lineStart = element.start - columnIn(text, element.start);
    if (!isFlow && lineStart > 0 && ownLineColumn(text, element.start) !== undefined) {
      const breakLength = text.slice(0, lineStart).endsWith("\r\n") ? 2 : 1;
      edit(lineStart - breakLength, endOfLine(text, element.end), "");
    } else if (isFlow && previous && !all.slice(0, index).every(({ start }) => deletedStarts.has(start)))
      edit(previous.end, element.end, "");
    // The first elements go with the commas behind them, so that no two edits overlap.
    else edit(element.start, next ? next.start : element.end, "");
    deletedStarts.add(element.start);
  }

  /** Replaces each alias whose value would change together with its anchor. */
  function replaceAliases(): void {
    const made = [...edits];
    visitNodes(root, rootSlot, (node, slot) => {
      if (node.kind !== "alias") return;
      const isReplaced = made.some(({ start, end }) => start <= node.start && node.end <= end);
      const isTargetEdited = made.some(({ start, end }) => start >= node.target.start && end <= node.target.end);
      const isChanged = changedAliases.has(node);
      const after = isChanged ? changedAliases.get(node) : node.value;
      const isEqual = isTargetEdited && isSameValue(afterOf.get(node.target), after);
      if (!isReplaced && !isEqual && (isChanged || isTargetEdited)) keep(node, after, slot);
    });
  }

  function restoreAll(): void {
    const made = [...edits];
    visitNodes(root, rootSlot, (node, slot) => {
      const kept = keptBy(node, slot);
      const isDeleted = made.some(({ start, end }) => start <= slot.after && lastByte(node) <= end);
      if (kept !== undefined && !isDeleted) edit(kept.start, lastByte(node), kept.text);
    });
  }

  /** What a comment between key and value has kept, and where that stood. */
  function keptBy(node: SourceNode, { after }: ValuePosition): Omit<TextEdit, "end"> | undefined {
    const [, lines, kept] = KEPT_BEFORE_VALUE.exec(text.slice(after, node.start)) ?? [];
    if (kept === undefined) return undefined;
    return lines === undefined ? { start: after, text: kept } : { start: after + lines.length, text: kept.slice(1) };
  }

  /** Where the last value of a node ends; at least `end`, which is that of its key or dash. */
  function lastByte(node: SourceNode, end = node.start): number {
    if (node.kind === "map" && !node.isFlow) {
      const last = node.pairs.at(-1);
      return last ? lastByte(last.node, last.colonEnd) : node.end;
    }
    if (node.kind === "list" && !node.isFlow) {
      const last = node.items.at(-1);
      return last ? lastByte(last.node, last.start + 1) : node.end;
    }
    const endsLine = node.kind === "scalar" && node.isBlock && text[node.end - 1] === "\n";
    return Math.max(end, endsLine ? endOfLine(text, node.end - (text[node.end - 2] === "\r" ? 2 : 1)) : node.end);
  }

  function visitNodes(
    node: SourceNode,
    slot: ValuePosition,
    visitor: (node: SourceNode, slot: ValuePosition) => void,
  ): void {
    visitor(node, slot);
    if (node.kind === "map") {
      for (const pair of node.pairs) visitNodes(pair.node, slotOf(node, pair), visitor);
    } else if (node.kind === "list") {
      const { isFlow, column, items } = node;
      for (const { start, node: inner } of items) {
        visitNodes(inner, { isFlow, column, after: start + (isFlow ? 0 : 1) }, visitor);
      }
    }
  }

  return { edits, rootSlot, change, replaceAliases, restoreAll };
}

function flowSeparator(column: number | undefined): string {
  return column === undefined ? " " : `\n${" ".repeat(column)}`;
}
