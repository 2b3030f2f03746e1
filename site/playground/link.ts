// What the reader wrote, as the part of the address behind "#", which browsers send to no server.
import type { PlaygroundInput } from "./run.ts";

/** Returns the fragment without "#". */
export function fragmentOf(input: PlaygroundInput): string {
  const bytes = new TextEncoder().encode(JSON.stringify([input.manifests, input.settings]));
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Returns the input of a fragment; undefined if it holds none. */
export function inputOf(fragment: string): PlaygroundInput | undefined {
  try {
    const bytes = Uint8Array.fromBase64(fragment, { alphabet: "base64url" });
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (!Array.isArray(value)) return undefined;
    const [manifests, settings] = value as readonly unknown[];
    return typeof manifests === "string" && typeof settings === "string" ? { manifests, settings } : undefined;
  } catch {
    return undefined;
  }
}
