// What strangers wrote, fit for a terminal: names of a file, annotations, words of a log.

/** What a terminal would obey, what turns the direction of text, and a line's end, as escapes. */
export function visible(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
