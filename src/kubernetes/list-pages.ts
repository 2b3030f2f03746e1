// Reads all pages of a list, within bounds: an API server, or what answers in its place, may go on for ever, and
// whoever may create objects chooses their size. A page is given away before the next one is read, so that no more than
// one is in memory; one that is too large, or does not come in time, is requested again with fewer objects.
import type { ListPage, ListWatch } from "./api.ts";
import { ApiError, isTimeout, isTooLarge } from "./errors.ts";

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
/**
 * After a page that is too large or late, the next one has this share of its objects; after each other page, twice as
 * many.
 */
const SMALLER_PAGE_FACTOR = 1 / 4;
/** A late page costs a deadline, so pages grow again only after this many that came in time. */
const PAGES_BEFORE_GROWTH = 8;

/** How many objects are requested at a time, and how many pages have to come before that grows. */
interface PageSize {
  limit: number;
  pagesToGrowth: number;
}

/**
 * Reads all pages and returns the version of the list. If a list takes so long that its version expires, it begins
 * again; the third time it is requested in one piece, as client-go does, unless some of its pages were too large.
 * Throws ApiError, including for a list that exceeds the bounds, and for one object that is larger than a response may
 * be or does not come in time.
 */
export async function readPages<Item>(
  source: Pick<ListWatch<Item>, "name" | "list">,
  { limit, signal }: PagesOptions,
  reader: PagesReader<Item>,
): Promise<string> {
  const size: PageSize = { limit, pagesToGrowth: 0 };
  for (let attempt = 1; ; attempt++) {
    try {
      return await readOnce(source, { limit, signal, size }, reader);
    } catch (error) {
      if (!isGone(error)) throw error;
      if (attempt < MAX_PAGED_ATTEMPTS) continue;
      if (size.limit < limit) throw error;
      break;
    }
  }
  const whole = await source.list({ limit: 0, signal });
  reader.onStart();
  reader.onPage(whole.items);
  return whole.resourceVersion;
}

async function readOnce<Item>(
  source: Pick<ListWatch<Item>, "name" | "list">,
  { limit: most, signal, size }: PagesOptions & { readonly size: PageSize },
  reader: PagesReader<Item>,
): Promise<string> {
  let objects = 0;
  let next: string | undefined;
  reader.onStart();
  // A request that is repeated with a smaller limit counts too, so the loop ends whatever is answered.
  for (let requests = 0; objects <= MAX_LISTED_OBJECTS && requests < MAX_PAGES; requests++) {
    const page = await tryList(source, { limit: size.limit, next, signal });
    if (page === "too large" || page === "late") {
      size.limit = Math.max(1, Math.floor(size.limit * SMALLER_PAGE_FACTOR));
      if (page === "late") size.pagesToGrowth = PAGES_BEFORE_GROWTH;
      continue;
    }
    reader.onPage(page.items);
    objects += page.items.length;
    if (page.next === undefined) return page.resourceVersion;
    next = page.next;
    size.pagesToGrowth -= 1;
    if (size.pagesToGrowth <= 0) size.limit = Math.min(most, 2 * size.limit);
  }
  throw endlessListError(source.name, objects);
}

/** A page of one object is as small as a page can be, so then the error is thrown. */
async function tryList<Item>(
  source: Pick<ListWatch<Item>, "list">,
  request: Parameters<ListWatch<Item>["list"]>[0],
): Promise<ListPage<Item> | "too large" | "late"> {
  try {
    return await source.list(request);
  } catch (error) {
    if (request.limit > 1 && isTooLarge(error)) return "too large";
    if (request.limit > 1 && isTimeout(error)) return "late";
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
