// Problems that validation finds, with the messages of k8s.io/apimachinery/pkg/util/validation/field.
import type { StatusCause } from "./status.ts";

/** A field that must have a value and has none. */
export function missingValue(field: string, detail = ""): StatusCause {
  return {
    reason: "FieldValueRequired",
    message: detail === "" ? "Required value" : `Required value: ${detail}`,
    field,
  };
}

/** A value that the field cannot have. */
export function invalidValue(field: string, value: unknown, detail: string): StatusCause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${detail}`, field };
}

/** A value that a list contains twice. */
export function duplicateValue(field: string, value: string): StatusCause {
  return { reason: "FieldValueDuplicate", message: `Duplicate value: ${JSON.stringify(value)}`, field };
}

/** A reference to an object that does not exist. */
export function notFoundValue(field: string, value: string): StatusCause {
  return { reason: "FieldValueNotFound", message: `Not found: ${JSON.stringify(value)}`, field };
}

/** A field that may not be set here. */
export function notAllowed(field: string, detail: string): StatusCause {
  return { reason: "FieldValueForbidden", message: `Forbidden: ${detail}`, field };
}

/** A value outside a fixed set. */
export function unsupportedValue(field: string, value: unknown, supported: readonly string[]): StatusCause {
  const list = supported.map((item) => JSON.stringify(item)).join(", ");
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`;
  return { reason: "FieldValueNotSupported", message, field };
}

/** Reports every repetition of a value. */
export function findDuplicates(
  items: readonly { readonly field: string; readonly value: string | undefined }[],
): readonly StatusCause[] {
  const seen = new Set<string>();
  return items.flatMap(({ field, value }) => {
    if (value === undefined || value === "") return [];
    const isNew = !seen.has(value);
    seen.add(value);
    return isNew ? [] : [duplicateValue(field, value)];
  });
}

/** Returns the problem unless the condition holds. */
export function causeUnless(isWell: boolean, cause: StatusCause): readonly StatusCause[] {
  return isWell ? [] : [cause];
}
