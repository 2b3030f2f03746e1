import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ListPage } from "../../src/kubernetes/api.ts";
import { ApiError } from "../../src/kubernetes/errors.ts";
import { MAX_LISTED_OBJECTS, MAX_PAGES, readPages } from "../../src/kubernetes/list-pages.ts";

const { signal } = new AbortController();

/** A list whose pages `pageAt` returns by their number, from 0; `limits` are those of the requests. */
async function read(pageAt: (number: number) => ListPage<number>) {
  const limits: number[] = [];
  const source = {
    name: "pods",
    async list({ limit }: { readonly limit: number }) {
      limits.push(limit);
      return pageAt(limits.length - 1);
    },
  };
  return { ...(await readPages(source, { limit: 500, signal })), limits };
}

const page = (items: readonly number[], next?: string): ListPage<number> => ({
  items,
  resourceVersion: "7",
  ...(next !== undefined && { next }),
});

suite("readPages()", () => {
  test("returns the objects of all pages, and the version of the list", async () => {
    const { items, resourceVersion, limits } = await read((number) => page([number], number < 3 ? "more" : undefined));
    assert.deepEqual([items, resourceVersion, limits], [[0, 1, 2, 3], "7", [500, 500, 500, 500]]);
  });

  test("reads a list whose version has expired once more in one piece", async () => {
    const { items, limits } = await read((number) => {
      if (number === 1) throw new ApiError(410, "Expired", "Cannot list pods");
      return page([number], number === 0 ? "more" : undefined);
    });
    assert.deepEqual([items, limits], [[2], [500, 500, 0]]);
  });

  for (const [what, size] of [
    ["full", 500],
    ["empty", 0],
  ] as const) {
    test(`rejects a list that goes on for ever with ${what} pages`, async () => {
      const items = Array.from({ length: size }, (_, index) => index);
      await assert.rejects(
        read((number) => {
          assert.ok(number * size <= MAX_LISTED_OBJECTS + size && number < MAX_PAGES, "reads on");
          return page(items, "more");
        }),
        {
          code: "KUBERNETES_UNAVAILABLE",
          message: /^Cannot list pods: the list goes on after \d+ objects and \d+ pages/,
        },
      );
    });
  }
});
