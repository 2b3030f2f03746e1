// What decisions use of the platform that they run on. Programs import it as "#platform", by which package.json gives a
// bundle for browsers the functions of site/playground/platform.ts instead, so that the same decisions run there.
import { createHash } from "node:crypto";

export { isIP } from "node:net";
export { isDeepStrictEqual } from "node:util";

/** Returns the SHA-256 of the text's UTF-8 as 64 hexadecimal digits. */
export function sha256Hex(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
