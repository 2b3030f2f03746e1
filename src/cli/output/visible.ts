// Makes text of untrusted origin safe for a terminal: file names, annotations, lines of a log.

/** Escapes control characters, characters that change the direction of text, and line ends. */
export function visible(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
