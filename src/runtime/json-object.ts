// JSON whose form nobody has checked yet: every function accepts any input, and none throws.

/** True for what JSON calls an object: neither null nor an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns the value of a JSON text; undefined if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the object of a JSON text; undefined for any other text. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = parseJson(text);
  return isObject(value) ? value : undefined;
}

/** Returns the object at a key of another one; undefined if there is none. */
export function objectAt(value: unknown, key: string): Record<string, unknown> | undefined {
  const found = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return isObject(found) ? found : undefined;
}

/** Returns the strings of an object's list; none if it has no such list. */
export function stringsAt(value: unknown, key: string): readonly string[] {
  return elementsAt(value, key).filter((element) => typeof element === "string");
}

/** Returns the objects of an object's list; none if it has no such list. */
export function objectsAt(value: unknown, key: string): readonly Record<string, unknown>[] {
  return elementsAt(value, key).filter(isObject);
}

function elementsAt(value: unknown, key: string): readonly unknown[] {
  const list = isObject(value) ? value[key] : undefined;
  return Array.isArray(list) ? list : [];
}

/**
 * Reports whether two values of JSON are equal, apart from the order of keys. Parts that both share are not read, so
 * comparing a value with a changed copy of it takes little time.
 */
export function isSameJson(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (Array.isArray(one)) {
    return (
      Array.isArray(other) && one.length === other.length && one.every((part, index) => isSameJson(part, other[index]))
    );
  }
  if (!isObject(one) || !isObject(other)) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every((key) => Object.hasOwn(other, key) && isSameJson(one[key], other[key]));
}
