// A value that must not be seen: private keys, session tokens, bearer tokens. It prints, serialises and inspects as
// "[secret]"; `grep 'reveal()'` lists every place where one leaves podrole's hands.
import { inspect } from "node:util";

/** Holds one secret text from the adapter that got it to the line that must send or write it. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The text itself. Call it only in the expression that sends, writes or compares it. */
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
