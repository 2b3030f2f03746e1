// How a function reports a failure that is no row of the error table and that its caller handles: as a value. A refusal
// (src/protocol/errors.ts) crosses the wire instead, and an Error is thrown for what no caller can handle.

/**
 * A value, or why there is none: by default a text that continues a sentence, such as "is not JSON; expected an array".
 */
export type Result<Value, Problem = string> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: Problem };

/**
 * A value that was read from an operator's input, or everything that is wrong with the input, so that one run shows
 * all.
 */
export type Checked<Value, Problem = string> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Makes a success, of both types. */
export function success<Value>(value: Value): { readonly ok: true; readonly value: Value } {
  return { ok: true, value };
}

/** Makes a failure with its one problem. */
export function failure<Problem>(problem: Problem): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem };
}
