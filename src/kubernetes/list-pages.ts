// Reads all pages of a list, within bounds: an API server, or what answers in its place, may go on for ever, and
// whoever may create objects chooses their size. A page is given away before the next one is read, so that no more than
// one is in memory; one that is too large is requested again with fewer objects.
import type { ListPage, ListWatch } from "./api.ts";
import { ApiError, isTooLarge } from "./errors.ts";

/** What to read. `limit`: objects per page, at most. */
export interface PagesOptions {
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** Receives the objects of a list. */
export interface PagesReader<Item> {
  /** The list begins, or begins again: what was received before no longer counts. */
  onStart(): void;
  onPage(items: readonly Item[]): void;
}

/** Twice the pods of the largest supported cluster (https://kubernetes.io/docs/setup/best-practices/cluster-large/). */
export const MAX_LISTED_OBJECTS = 300_000;
/** Also empty pages with a continue token end. Pages of 30 objects or more reach the limit of objects first. */
export const MAX_PAGES = 10_000;

const STATUS_GONE = 410;
const MAX_PAGED_ATTEMPTS = 2;
/** After a page that is too large, the next one has this share of its objects; after each other page, twice as many. */
const SMALLER_PAGE_FACTOR = 1 / 4;

/**
 * Reads all pages and returns the version of the list. If a list takes so long that its version expires, it begins
 * again; the third time it is requested in one piece, as client-go does, which fits if the list is small. Throws
 * ApiError, including for a list that exceeds the bounds, and for one object that is larger than a response may be.
 */
export async function readPages<Item>(
  source: Pick<ListWatch<Item>, "name" | "list">,
  options: PagesOptions,
  reader: PagesReader<Item>,
): Promise<string> {
  for (let attempt = 1; attempt <= MAX_PAGED_ATTEMPTS; attempt++) {
    try {
      return await readOnce(source, options, reader);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  const whole = await source.list({ limit: 0, signal: options.signal });
  reader.onStart();
  reader.onPage(whole.items);
  return whole.resourceVersion;
}

async function readOnce<Item>(
  source: Pick<ListWatch<Item>, "name" | "list">,
  { limit: most, signal }: PagesOptions,
  reader: PagesReader<Item>,
): Promise<string> {
  let limit = most;
  let objects = 0;
  let next: string | undefined;
  reader.onStart();
  for (let pages = 0; objects <= MAX_LISTED_OBJECTS && pages < MAX_PAGES; pages++) {
    const page = await tryList(source, { limit, next, signal });
    if (page === "too large") {
      limit = Math.max(1, Math.floor(limit * SMALLER_PAGE_FACTOR));
      continue;
    }
    reader.onPage(page.items);
    objects += page.items.length;
    if (page.next === undefined) return page.resourceVersion;
    next = page.next;
    limit = Math.min(most, 2 * limit);
  }
  throw endlessListError(source.name, objects);
}

/** A page of one object is as small as a page can be, so then the error is thrown. */
async function tryList<Item>(
  source: Pick<ListWatch<Item>, "list">,
  request: Parameters<ListWatch<Item>["list"]>[0],
): Promise<ListPage<Item> | "too large"> {
  try {
    return await source.list(request);
  } catch (error) {
    if (isTooLarge(error) && request.limit > 1) return "too large";
    throw error;
  }
}

/** Reports whether the API server no longer has the version that was requested. */
export function isGone(error: unknown): boolean {
  return error instanceof ApiError && error.status === STATUS_GONE;
}

function endlessListError(name: string, objects: number): ApiError {
  const expected = `expected at most ${MAX_LISTED_OBJECTS} objects and ${MAX_PAGES} pages`;
  return new ApiError(0, "Endless", `Cannot list ${name}: the list goes on after ${objects} objects; ${expected}`);
}
