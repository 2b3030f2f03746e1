// Data of a Secret in the forms in which the API server stores and returns it.
import type { SecretData } from "../../src/runtime/secret.ts";

/** The texts of the entries. */
export function revealAll(data: SecretData): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, typeof value === "string" ? value : value.reveal()]),
  );
}

/** The entries as they are in JSON. */
export function toBase64(data: SecretData): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(revealAll(data)).map(([key, text]) => [key, Buffer.from(text).toString("base64")]),
  );
}
