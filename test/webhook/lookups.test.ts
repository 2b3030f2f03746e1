// Look-ups of a pod's namespace and ServiceAccount, with a cache and an API server that each test fills.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { NamespaceLimits } from "../../src/injection/namespace-limits.ts";
import type { OwnMetadata } from "../../src/policy/inherited.ts";
import { PodroleError } from "../../src/protocol/errors.ts";
import { createPodContextReader } from "../../src/webhook/lookups.ts";
import { createFakeClock } from "../fakes/clock.ts";

const ROLE = "iam.amazonaws.com/role";

/** An object that comes from a cache or from the API server, with an annotation that no decision reads. */
const from = (origin: string): OwnMetadata => ({
  metadata: { labels: { origin }, annotations: { [ROLE]: origin, "example.com/note": "not read" } },
});

interface Objects {
  readonly namespace?: OwnMetadata;
  readonly account?: OwnMetadata;
}

/** `live` objects are those of the API server; `answer` replaces what it returns for the namespace. */
function setUp({
  cached = {},
  live = {},
  answer,
}: {
  cached?: Objects;
  live?: Objects;
  answer?: () => Promise<undefined>;
}) {
  const clock = createFakeClock();
  const reads: string[] = [];
  const cluster = {
    cachedNamespace: () => cached.namespace,
    cachedServiceAccount: () => cached.account,
    readNamespace(name: string) {
      reads.push(name);
      return answer?.() ?? Promise.resolve(live.namespace);
    },
    readServiceAccount(namespace: string, name: string) {
      reads.push(`${namespace}/${name}`);
      return Promise.resolve(live.account);
    },
    cachedLimits: () => CACHED_LIMITS,
    readLimits(namespace: string) {
      reads.push(`limits of ${namespace}`);
      return Promise.resolve(LIVE_LIMITS);
    },
  };
  return { clock, reads, lookups: createPodContextReader({ clock, cluster }, { timeoutMs: 2_000 }) };
}

const CACHED_LIMITS = limitsWith("cache");
const LIVE_LIMITS = limitsWith("live");

function limitsWith(name: string): NamespaceLimits {
  return { ranges: [], quotas: [{ name, hard: { "limits.cpu": "1" }, used: {}, scopes: [] }] };
}

const context = (namespace: string, account: string | undefined, isLive: boolean, limits = CACHED_LIMITS) => ({
  namespace: { name: "shop", labels: { origin: namespace }, annotations: { [ROLE]: namespace }, limits },
  serviceAccountAnnotations: account === undefined ? {} : { [ROLE]: account },
  isLive,
  areLimitsLive: limits === LIVE_LIMITS,
});

suite("cached()", () => {
  test("returns what the caches have, without a request", async () => {
    const { lookups, reads } = setUp({ cached: { namespace: from("cache"), account: from("cache") } });
    assert.deepEqual(await lookups.forReview("shop", "web").cached(), context("cache", "cache", false));
    assert.deepEqual(reads, []);
  });

  test("reads only what a cache lacks, and is not live", async () => {
    const { lookups, reads } = setUp({ cached: { namespace: from("cache") }, live: { account: from("live") } });
    assert.deepEqual(await lookups.forReview("shop", "web").cached(), context("cache", "live", false));
    assert.deepEqual(reads, ["shop/web"]);
  });

  test("is live when both caches lack the object", async () => {
    const { lookups, reads } = setUp({ live: { namespace: from("live"), account: from("live") } });
    assert.deepEqual(await lookups.forReview("shop", "web").cached(), context("live", "live", true));
    assert.deepEqual(reads, ["shop", "shop/web"]);
  });
});

suite("live()", () => {
  test("reads both objects even if the caches have them", async () => {
    const objects = { namespace: from("live"), account: from("live") };
    const { lookups, reads } = setUp({ cached: { namespace: from("cache"), account: from("cache") }, live: objects });
    assert.deepEqual(await lookups.forReview("shop", "web").live(), context("live", "live", true));
    assert.deepEqual(reads, ["shop", "shop/web"]);
  });

  test("reads the namespace's limits only for a decision about sizes", async () => {
    const objects = { namespace: from("live"), account: from("live") };
    const { lookups, reads } = setUp({ live: objects });
    const found = await lookups.forReview("shop", "web").live({ limits: true });
    assert.deepEqual(found, context("live", "live", true, LIVE_LIMITS));
    assert.deepEqual(reads, ["shop", "shop/web", "limits of shop"]);
  });

  test("returns no annotations for a ServiceAccount that does not exist", async () => {
    const { lookups } = setUp({ live: { namespace: from("live") } });
    assert.deepEqual(await lookups.forReview("shop", "web").live(), context("live", undefined, true));
  });

  test("returns empty labels and annotations for a namespace without any", async () => {
    const { lookups } = setUp({ live: { namespace: { metadata: {} } } });
    assert.deepEqual((await lookups.forReview("shop", "web").live()).namespace, {
      name: "shop",
      labels: {},
      annotations: {},
      limits: CACHED_LIMITS,
    });
  });

  test("rejects with REQUEST_INVALID when the API server answers that the namespace does not exist", async () => {
    const { lookups } = setUp({ live: { account: from("live") } });
    await assert.rejects(lookups.forReview("shop", "web").live(), {
      code: "REQUEST_INVALID",
      message: /namespace "shop" does not exist/,
    });
  });

  test("rejects with KUBERNETES_UNAVAILABLE after timeoutMs, and not before", async () => {
    const { clock, lookups } = setUp({ answer: () => new Promise(() => {}) });
    let outcome = "pending";
    const ended = lookups
      .forReview("shop", "web")
      .live()
      .catch((error: PodroleError) => {
        outcome = `${error.code}: ${error.message}`;
      });
    await clock.advance(1_999);
    assert.equal(outcome, "pending");
    await clock.advance(1);
    await ended;
    assert.match(outcome, /^KUBERNETES_UNAVAILABLE: .* did not answer within 2000 ms/);
  });

  test("rejects with KUBERNETES_UNAVAILABLE and the cause when a request fails", async () => {
    const cause = new TypeError("socket closed");
    const { lookups } = setUp({ answer: () => Promise.reject(cause) });
    await assert.rejects(lookups.forReview("shop", "web").live(), { code: "KUBERNETES_UNAVAILABLE", cause });
  });

  test("rejects with the PodroleError of a request unchanged", async () => {
    const error = new PodroleError("KUBERNETES_UNAVAILABLE", "Cannot get namespace: 403; expected permission");
    const { lookups } = setUp({ answer: () => Promise.reject(error) });
    await assert.rejects(lookups.forReview("shop", "web").live(), error);
  });
});
