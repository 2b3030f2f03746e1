// A YAML or JSON document as kubectl reads it, with the position of every value in the text, so that an edit can
// replace some bytes and leave all others. The `yaml` package parses; the meaning of scalars, merge keys and duplicate
// keys is go-yaml's (plain-scalars.ts), and so is its tolerance of quoted texts whose lines are indented too little
// (loose-quotes.ts).
import { isAlias, isMap, isScalar, isSeq, type ParsedNode, Scalar } from "yaml";
import { failure, type Result, success } from "../../runtime/result.ts";
import { parseLoosely } from "./loose-quotes.ts";
import { resolvePlainScalar } from "./plain-scalars.ts";
import { columnIn } from "./text-lines.ts";

/** A value and where it stands; positions are offsets into the document's text. */
export type SourceNode = SourceMap | SourceList | SourceScalar | SourceAlias;

interface Placed {
  /** Without anchor and tag. */
  readonly start: number;
  readonly end: number;
  readonly value: unknown;
}

/** A mapping; `value` includes what its merge keys contribute. */
export interface SourceMap extends Placed {
  readonly kind: "map";
  readonly isFlow: boolean;
  /** Of its keys. */
  readonly column: number;
  readonly pairs: readonly SourcePair[];
}

/** A key with its value; of several with one key, the last counts. */
export interface SourcePair {
  readonly key: string;
  readonly isMerge: boolean;
  /** Of the key. */
  readonly start: number;
  /** Behind the colon. */
  readonly colonEnd: number;
  readonly node: SourceNode;
}

/** A sequence. */
export interface SourceList extends Placed {
  readonly kind: "list";
  readonly isFlow: boolean;
  /** Of its dashes. */
  readonly column: number;
  readonly items: readonly SourceItem[];
}

/** An element of a sequence. */
export interface SourceItem {
  /** Of the dash in a block sequence, otherwise of the value. */
  readonly start: number;
  readonly node: SourceNode;
}

/** Text, number, boolean or null; a value that is left out is a null of no length. */
export interface SourceScalar extends Placed {
  readonly kind: "scalar";
  readonly isQuoted: boolean;
  readonly isBlock: boolean;
}

/** `*name`. */
export interface SourceAlias extends Placed {
  readonly kind: "alias";
  readonly target: SourceNode;
}

/** Values that aliases repeat, in all: as far as go-yaml's own limit, which ends such a document too. */
const MAX_ALIASED_VALUES = 400_000;
/**
 * Values within values; Kubernetes' own objects have fewer than 30 levels, and the functions that walk them recurse.
 */
const MAX_LEVELS = 500;
/** Why a document with more levels is not read. */
export const TOO_DEEP = `its values are nested in more than ${MAX_LEVELS} levels; expected an object of Kubernetes`;

/** Reports whether a value has more levels than can be read. */
export function isTooDeep(value: unknown, levels = MAX_LEVELS): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isTooDeep(inner, levels - 1));
}

/**
 * Splits a stream at its lines that begin with "---", as kubectl does; joined, the parts are the text. Each part but
 * the first begins with its separator.
 */
export function splitDocuments(text: string): readonly string[] {
  return text.split(/^(?=---)/m);
}

/** Reads one document; undefined if it contains comments or nothing. The problem is the parser's first error. */
export function parseDocument(text: string): Result<SourceNode | undefined> {
  const { document, offsetOf } = parseLoosely(text);
  const [error] = document?.errors ?? [];
  // The parser recurses too, and reports the end of the stack as an error of the document.
  if (error?.message.startsWith("Maximum call stack")) return failure(`it cannot be read: ${TOO_DEEP}`);
  if (error) return failure(`it is neither YAML nor JSON: ${error.message.split("\n")[0]}`);
  if (!document?.contents) return success(undefined);
  try {
    return success(createBuilder(text, offsetOf)(document.contents));
  } catch (thrown) {
    if (!(thrown instanceof UnreadableDocument)) throw thrown;
    return failure(`it cannot be read: ${thrown.reason}`);
  }
}

/** YAML that is well-formed and that go-yaml does not accept. */
class UnreadableDocument extends Error {
  override readonly name = "UnreadableDocument";
  readonly reason: string;

  constructor(reason: string) {
    super(`Cannot read the document: ${reason}; expected YAML that kubectl accepts`);
    this.reason = reason;
  }
}

function createBuilder(text: string, offsetOf: (position: number) => number) {
  const anchors = new Map<string, SourceNode>();
  const weights = new Map<SourceNode, number>();
  let aliased = 0;
  let level = 0;

  function build(node: ParsedNode | null, at: number): SourceNode {
    level += 1;
    if (level > MAX_LEVELS) throw new UnreadableDocument(TOO_DEEP);
    const built = node === null ? missing(at) : buildNode(node, at);
    level -= 1;
    const anchor = node !== null && !isAlias(node) ? node.anchor : undefined;
    if (anchor !== undefined) anchors.set(anchor, built);
    return built;
  }

  /** `at`: where a value that is left out belongs. */
  function buildNode(node: ParsedNode, at: number): SourceNode {
    const [start, end] = [offsetOf(node.range[0]), offsetOf(node.range[1])];
    if (isAlias(node)) return aliasTo(node.source, start, end);
    if (isMap(node)) return weighed(mapOf(node, start, end));
    if (isSeq(node)) return weighed(listOf(node, start, end));
    const value = scalarValue(node);
    if (start === end && value === null) return missing(at);
    const isBlock = node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED;
    return { kind: "scalar", start, end, value, isQuoted: node.type !== Scalar.PLAIN, isBlock };
  }

  function missing(at: number): SourceScalar {
    return { kind: "scalar", start: at, end: at, value: null, isQuoted: false, isBlock: false };
  }

  function aliasTo(name: string, start: number, end: number): SourceAlias {
    const target = anchors.get(name);
    if (!target) throw new UnreadableDocument(`no value with the anchor "${name}" ends before *${name}`);
    aliased += weights.get(target) ?? 1;
    if (aliased > MAX_ALIASED_VALUES)
      throw new UnreadableDocument(`its aliases repeat more than ${MAX_ALIASED_VALUES} values`);
    const alias: SourceAlias = { kind: "alias", start, end, value: target.value, target };
    weights.set(alias, weights.get(target) ?? 1);
    return alias;
  }

  function weighed<Node extends SourceMap | SourceList>(node: Node): Node {
    const children = node.kind === "map" ? node.pairs : node.items;
    weights.set(
      node,
      children.reduce((sum, child) => sum + (weights.get(child.node) ?? 1), 1),
    );
    return node;
  }

  function mapOf(node: ParsedNode & { items: readonly unknown[] }, start: number, end: number): SourceMap {
    const { items, flow } = node as unknown as { items: readonly ParsedPair[]; flow?: boolean };
    const pairs = items.map((pair) => pairOf(pair));
    const column = columnIn(text, pairs[0]?.start ?? start);
    return { kind: "map", start, end, column, isFlow: flow === true, pairs, value: mapValue(pairs) };
  }

  function pairOf({ key, value, srcToken }: ParsedPair): SourcePair {
    const keyEnd = key ? offsetOf(key.range[1]) : 0;
    const colon = srcToken?.sep?.find(({ type }) => type === "map-value-ind");
    const colonEnd = colon ? offsetOf(colon.offset) + 1 : keyEnd;
    const name = key === null ? null : isScalar(key) ? scalarValue(key) : text.slice(...rangeOf(key));
    const isMerge = isScalar(key) && key.type === Scalar.PLAIN && key.value === "<<";
    if (key && isScalar(key) && key.anchor) anchors.set(key.anchor, buildNode(key, keyEnd));
    return {
      key: String(name),
      isMerge,
      start: key ? offsetOf(key.range[0]) : colonEnd - 1,
      colonEnd,
      node: build(value, colonEnd),
    };
  }

  function rangeOf(node: ParsedNode): [number, number] {
    return [offsetOf(node.range[0]), offsetOf(node.range[1])];
  }

  function listOf(node: ParsedNode & { items: readonly unknown[] }, start: number, end: number): SourceList {
    const { items, flow, srcToken } = node as unknown as ParsedSeq;
    const dashes = flow ? [] : (srcToken?.items ?? []).map((item) => item.start.find(isDash)?.offset);
    const built = items.map((item, index): SourceItem => {
      const dash = dashes[index];
      const at = dash === undefined ? (item ? offsetOf(item.range[0]) : end) : offsetOf(dash);
      const child = build(item, dash === undefined ? at : at + 1);
      return { start: dash === undefined ? child.start : at, node: child };
    });
    const column = columnIn(text, built[0]?.start ?? start);
    const value = built.map((item) => item.node.value);
    return { kind: "list", start, end, column, isFlow: flow === true, items: built, value };
  }

  return (contents: ParsedNode) => build(contents, offsetOf(contents.range[0]));
}

interface Token {
  readonly type: string;
  readonly offset: number;
}

interface ParsedPair {
  readonly key: ParsedNode | null;
  readonly value: ParsedNode | null;
  readonly srcToken?: { readonly sep?: readonly Token[] };
}

interface ParsedSeq {
  readonly items: readonly (ParsedNode | null)[];
  readonly flow?: boolean;
  readonly srcToken?: { readonly items?: readonly { readonly start: readonly Token[] }[] };
}

function isDash({ type }: Token): boolean {
  return type === "seq-item-ind";
}

/** Pairs in the order of the text: as in go-yaml, a merge key behind another key overrides it. */
function mapValue(pairs: readonly SourcePair[]): object {
  const value: Record<string, unknown> = {};
  for (const { key, isMerge, node } of pairs) {
    if (isMerge) Object.assign(value, mergedValue(node.value));
    else Object.defineProperty(value, key, { value: node.value, ...OWN_PROPERTY });
  }
  return value;
}

/** A key "__proto__" becomes an ordinary property. */
const OWN_PROPERTY = { enumerable: true, configurable: true, writable: true };

/** What a merge key with this value adds to its map; of several maps, the first ones count. */
export function mergedValue(value: unknown): object {
  if (Array.isArray(value)) return Object.assign({}, ...value.toReversed().map(mergedValue));
  if (typeof value === "object" && value !== null) return value;
  throw new UnreadableDocument("the value of a merge key is not a map");
}

function scalarValue({ value, type, tag }: Scalar.Parsed): unknown {
  const text = typeof value === "string" ? value : "";
  if (tag !== undefined && tag !== "tag:yaml.org,2002:str") return resolvePlainScalar(text);
  return type === Scalar.PLAIN && tag === undefined ? resolvePlainScalar(text) : text;
}

/** Whether the first list below a key stands further right than the key; undefined if there is no such list. */
export function firstListIndent(node: SourceNode): boolean | undefined {
  const children = node.kind === "list" ? node.items : node.kind === "map" && !node.isFlow ? node.pairs : [];
  for (const { node: child } of children) {
    if (node.kind === "map" && child.kind === "list" && !child.isFlow) return child.column > node.column;
    const found = firstListIndent(child);
    if (found !== undefined) return found;
  }
  return undefined;
}
