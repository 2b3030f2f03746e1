import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ListPage } from "../../src/kubernetes/api.ts";
import { ApiError, RESPONSE_TOO_LARGE } from "../../src/kubernetes/errors.ts";
import { MAX_LISTED_OBJECTS, MAX_PAGES, readPages } from "../../src/kubernetes/list-pages.ts";

const { signal } = new AbortController();

const tooLarge = () =>
  new ApiError(0, "", "Cannot list pods", { cause: Object.assign(new Error("large"), { name: RESPONSE_TOO_LARGE }) });

const tooLate = () => new ApiError(0, "Timeout", "Cannot list pods");

/** Reads a list of which `pageAt` returns page 0, 1 and so on; `limits` are the limits of the requests, in order. */
async function read(pageAt: (number: number, limit: number) => ListPage<number>) {
  const limits: number[] = [];
  let pages: (readonly number[])[] = [];
  const source = {
    name: "pods",
    async list({ limit }: { readonly limit: number }) {
      limits.push(limit);
      return pageAt(limits.length - 1, limit);
    },
  };
  const reader = {
    onStart() {
      pages = [];
    },
    onPage: (items: readonly number[]) => void pages.push(items),
  };
  const resourceVersion = await readPages(source, { limit: 500, signal }, reader);
  return { items: pages.flat(), resourceVersion, limits };
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

  test("restarts a list whose version has expired, and then requests it in one piece", async () => {
    const { items, limits } = await read((number) => {
      if (number === 1) throw new ApiError(410, "Expired", "Cannot list pods");
      return page([number], number === 0 || number === 2 ? "more" : undefined);
    });
    assert.deepEqual(
      [items, limits],
      [
        [2, 3],
        [500, 500, 500, 500],
      ],
    );
    const often = await read((number) => {
      if (number % 2 === 1) throw new ApiError(410, "Expired", "Cannot list pods");
      return page([number], number < 4 ? "more" : undefined);
    });
    assert.deepEqual([often.items, often.limits], [[4], [500, 500, 500, 500, 0]]);
  });

  test("repeats the request for a page that is too large, with fewer objects, and more after each page that is not", async () => {
    const { items, limits } = await read((number, limit) => {
      if (limit > 100) throw tooLarge();
      return page([number], number < 6 ? "more" : undefined);
    });
    assert.deepEqual(limits, [500, 125, 31, 62, 124, 31, 62]);
    assert.deepEqual(items, [2, 3, 5, 6]);
  });

  test("repeats the request for a page that does not come in time, with fewer objects, and lets pages grow slowly", async () => {
    const { items, limits } = await read((number, limit) => {
      if (limit > 200) throw tooLate();
      return page([number], number < 12 ? "more" : undefined);
    });
    assert.deepEqual(limits, [500, ...Array.from({ length: 8 }, () => 125), 250, 62, 62, 62]);
    assert.deepEqual(items, [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12]);
  });

  test("rejects a page of one object that does not come in time", async () => {
    const limits: number[] = [];
    const refuse = (_number: number, limit: number) => {
      limits.push(limit);
      throw tooLate();
    };
    await assert.rejects(read(refuse), { reason: "Timeout" });
    assert.deepEqual(limits, [500, 125, 31, 7, 1]);
  });

  test("starts a list whose version has expired with the page size that fitted, and never requests it in one piece", async () => {
    const limits: number[] = [];
    const expire = (number: number, limit: number) => {
      limits.push(limit);
      if (limit > 125) throw tooLate();
      if (number % 2 === 0) throw new ApiError(410, "Expired", "Cannot list pods");
      return page([number], "more");
    };
    await assert.rejects(read(expire), { status: 410 });
    assert.deepEqual(limits, [500, 125, 125, 125, 125]);
  });

  test("ends a list of which every second page is too large", async () => {
    let requests = 0;
    const growing = (number: number, limit: number) => {
      requests += 1;
      if (limit > 1) throw tooLarge();
      return page([number], "more");
    };
    await assert.rejects(read(growing), { message: /^Cannot list pods: the list goes on after/ });
    assert.ok(requests <= MAX_PAGES);
  });

  test("rejects an object that is too large by itself", async () => {
    const limits: number[] = [];
    const refuse = (_number: number, limit: number) => {
      limits.push(limit);
      throw tooLarge();
    };
    await assert.rejects(read(refuse), { code: "KUBERNETES_UNAVAILABLE" });
    assert.deepEqual(limits, [500, 125, 31, 7, 1]);
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
          message: /^Cannot list pods: the list goes on after \d+ objects; expected/,
        },
      );
    });
  }
});
