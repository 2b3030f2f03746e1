// "Did you mean": finds the known name nearest to a misspelt one. Names may come from untrusted input (annotations of a
// pod, environment variables), so the work is bounded in advance.

/** At most two letters wrong, missing or added. Two swapped letters count as two. */
const MAX_DISTANCE = 2;

/** Longer names get no suggestion. The longest name that podrole knows has 40 characters. */
const MAX_SUGGESTED_LENGTH = 64;

/** Comparisons of one suggester, each at most 64 × 5 steps. Names beyond that get no suggestion. */
const MAX_COMPARISONS = 2_000;

/** Returns the nearest known name, or undefined if none is near. */
export type Suggest = (name: string) => string | undefined;

/**
 * Creates a function that finds the known name nearest to `name` by Levenshtein distance, at most 2. Use one suggester
 * for all names of one input, because its number of comparisons is limited.
 */
export function createSuggester(known: Iterable<string>): Suggest {
  const candidates = [...known].filter(({ length }) => length <= MAX_SUGGESTED_LENGTH);
  let comparisons = 0;
  return (name) => {
    if (name.length > MAX_SUGGESTED_LENGTH + MAX_DISTANCE) return undefined;
    let nearest: string | undefined;
    let smallest = MAX_DISTANCE + 1;
    for (const candidate of candidates) {
      if (Math.abs(candidate.length - name.length) > MAX_DISTANCE) continue;
      if (++comparisons > MAX_COMPARISONS) return nearest;
      const distance = distanceWithin(candidate, name, smallest - 1);
      if (distance < smallest) [nearest, smallest] = [candidate, distance];
    }
    return nearest;
  };
}

/**
 * Returns the Levenshtein distance, or `limit + 1` if it is greater. Computes only the cells within `limit` of the
 * diagonal.
 */
function distanceWithin(a: string, b: string, limit: number): number {
  const tooFar = limit + 1;
  let above = Array.from({ length: b.length + 1 }, (_, column) => Math.min(column, tooFar));
  for (let row = 1; row <= a.length; row++) {
    const current = Array.from({ length: b.length + 1 }, () => tooFar);
    if (row <= limit) current[0] = row;
    for (let column = Math.max(1, row - limit); column <= Math.min(b.length, row + limit); column++) {
      const replaced = (above[column - 1] ?? tooFar) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const shifted = Math.min(above[column] ?? tooFar, current[column - 1] ?? tooFar) + 1;
      current[column] = Math.min(replaced, shifted, tooFar);
    }
    if (Math.min(...current) > limit) return tooFar;
    above = current;
  }
  return above[b.length] ?? tooFar;
}
