// How a function reports a failure that is no row of the error table and that its caller handles: as a value. A refusal
// (src/protocol/errors.ts) crosses the wire instead, and an Error is thrown for what no caller can handle.

/** A value, or why there is none: by default a text that continues a sentence, such as "is not JSON; expected an array". */
export type Result<Value, Problem = string> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: Problem };

/** Makes a success. */
export function success<Value>(value: Value): { readonly ok: true; readonly value: Value } {
  return { ok: true, value };
}

/** Makes a failure with its one problem. */
export function failure<Problem>(problem: Problem): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem };
}
