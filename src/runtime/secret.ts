// A value that must not be shown: private keys, session tokens, bearer tokens. It prints, serialises and inspects as
// "[secret]"; `grep 'reveal()'` lists every place where a secret leaves podrole.
import { inspect } from "node:util";

/**
 * Data of a Kubernetes Secret, not encoded as base64. When a Secret is written, entries that need no protection may be
 * plain strings.
 */
export type SecretData = Readonly<Record<string, Secret | string>>;

/** Holds one secret text from the adapter that received it to the line that sends or writes it. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** True if the text is empty. */
  get isEmpty(): boolean {
    return this.#value === "";
  }

  /** Returns the text itself. Call it only in the expression that sends, writes or compares it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [inspect.custom](): string {
    return "[secret]";
  }
}
