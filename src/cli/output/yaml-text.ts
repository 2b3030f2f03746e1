// YAML for a terminal or a program. The library escapes only some control characters, and prints the others as they
// are.
import { Document, Scalar, visit } from "yaml";
import { CONTROL_CHARACTERS } from "./text.ts";

/**
 * Returns data as YAML. Control characters and characters that change the direction of text are escaped, which changes
 * no value: only double quotes permit escapes (https://yaml.org/spec/1.2.2/#57-escaped-characters), so such a text gets
 * them.
 */
export function yamlText(data: object): string {
  const document = new Document(data, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === "string" && node.value.search(CONTROL_CHARACTERS) >= 0) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString({ lineWidth: 0 }).replaceAll(CONTROL_CHARACTERS, escapedCharacter);
}

/** Above U+FFFF as one character: not every reader accepts the two surrogates of JSON. */
function escapedCharacter(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return hex.length > 4 ? `\\U${hex.padStart(8, "0")}` : `\\u${hex.padStart(4, "0")}`;
}
