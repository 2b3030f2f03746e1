// Reads all pages of a list, within bounds: an API server, or what answers in its place, may go on for ever.
import type { ListWatch } from "./api.ts";
import { ApiError } from "./errors.ts";

/** What to read. `limit`: objects per page. */
export interface PagesOptions {
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** Twice the pods of the largest supported cluster (https://kubernetes.io/docs/setup/best-practices/cluster-large/). */
export const MAX_LISTED_OBJECTS = 300_000;
/** Also empty pages with a continue token end. Pages of 150 objects or more reach the limit of objects first. */
export const MAX_PAGES = 2_000;

const GONE = 410;

/**
 * Returns the objects of all pages. If a list takes so long that its version expires, reads it once more in one piece, as
 * client-go does. Throws ApiError, also for a list that exceeds the bounds.
 */
export async function readPages<Item>(
  source: Pick<ListWatch<Item>, "name" | "list">,
  { limit, signal }: PagesOptions,
): Promise<{ readonly items: readonly Item[]; readonly resourceVersion: string }> {
  let page = await source.list({ limit, signal });
  const items = [...page.items];
  for (let pages = 1; page.next !== undefined; pages++) {
    if (items.length > MAX_LISTED_OBJECTS || pages >= MAX_PAGES) throw endless(source.name, items.length, pages);
    try {
      page = await source.list({ limit, next: page.next, signal });
    } catch (error) {
      if (isGone(error)) return source.list({ limit: 0, signal });
      throw error;
    }
    items.push(...page.items);
  }
  return { items, resourceVersion: page.resourceVersion };
}

/** Reports whether the API server no longer has the version that was requested. */
export function isGone(error: unknown): boolean {
  return error instanceof ApiError && error.status === GONE;
}

function endless(name: string, objects: number, pages: number): ApiError {
  const expected = `expected at most ${MAX_LISTED_OBJECTS} objects and ${MAX_PAGES} pages`;
  return new ApiError(
    0,
    "Endless",
    `Cannot list ${name}: the list goes on after ${objects} objects and ${pages} pages; ${expected}`,
  );
}
