// Lists in pages, selectors, and watches with their versions.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { until } from "../../../emulators/until.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { type Api, CONFIG_MAPS_PATH, PODS_PATH, podNamed, startApi, tokenOf } from "./harness.ts";

interface Line {
  readonly type: string;
  readonly object: { readonly metadata: { readonly name?: string; readonly resourceVersion: string }; code?: number };
}

/** Reads a watch line by line until the test ends. */
function openWatch(test: TestContext, { emulator, url }: Api, path: string) {
  const lines: Line[] = [];
  const controller = new AbortController();
  test.after(() => controller.abort());
  let ended = false;
  const read = async () => {
    const headers = { authorization: `Bearer ${tokenOf(emulator)}` };
    const response = await fetch(url + path, { headers, signal: controller.signal });
    let rest = "";
    for await (const chunk of response.body ?? []) {
      const parts = (rest + Buffer.from(chunk).toString()).split("\n");
      rest = parts.pop() ?? "";
      lines.push(...parts.map((line) => JSON.parse(line) as Line));
    }
  };
  void read()
    .catch(() => {})
    .finally(() => {
      ended = true;
    });
  return {
    lines,
    hasEnded: () => ended,
    received: () => lines.map(({ type, object }) => `${type} ${object.metadata.name}`),
  };
}

async function namesAt({ call }: Api, path: string): Promise<(string | undefined)[]> {
  const { body } = await call("GET", path);
  return (body["items"] as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);
}

const LABELLED = [
  { name: "a", labels: { tier: "web", env: "prod" } },
  { name: "b", labels: { tier: "web", env: "test" } },
  { name: "c", labels: { tier: "db" } },
  { name: "d", labels: {} },
] as const;

const SELECTORS = [
  { selector: "tier=web", names: ["a", "b"] },
  { selector: "tier==web,env=prod", names: ["a"] },
  { selector: "tier!=web", names: ["c", "d"] },
  { selector: "tier in (web, db),env notin (test)", names: ["a", "c"] },
  { selector: "env", names: ["a", "b"] },
  { selector: "!env", names: ["c", "d"] },
  { selector: "", names: ["a", "b", "c", "d"] },
] as const;

test("list() selects by labels in the text form", async (t) => {
  const api = await startApi(t);
  for (const { name, labels } of LABELLED) {
    await api.call("POST", PODS_PATH, { ...podNamed(name), metadata: { name, labels } });
  }
  for (const { selector, names } of SELECTORS) {
    assert.deepEqual(await namesAt(api, `${PODS_PATH}?labelSelector=${encodeURIComponent(selector)}`), names, selector);
  }
  assert.equal((await api.call("GET", `${PODS_PATH}?labelSelector=${encodeURIComponent("a=(")}`)).code, 400);
});

test("list() selects by the fields that a resource supports, and refuses others", async (t) => {
  const api = await startApi(t);
  for (const name of ["a", "b"]) await api.call("POST", PODS_PATH, podNamed(name));
  await api.call("POST", `${PODS_PATH}/b/binding`, { metadata: { name: "b" }, target: { name: "node-1" } });
  assert.deepEqual(await namesAt(api, `${PODS_PATH}?fieldSelector=spec.nodeName=node-1`), ["b"]);
  assert.deepEqual(await namesAt(api, `${PODS_PATH}?fieldSelector=spec.nodeName=,status.phase!=Running`), ["a"]);
  assert.deepEqual(await namesAt(api, "/api/v1/pods?fieldSelector=metadata.name=a,metadata.namespace=default"), ["a"]);
  const refused = await api.call("GET", `${PODS_PATH}?fieldSelector=spec.hostNetwork=true`);
  assert.deepEqual([refused.code, refused.body.message], [400, "field label not supported: spec.hostNetwork"]);
});

test("list() pages show one revision, whatever is created between them", async (t) => {
  const api = await startApi(t);
  for (const name of ["a", "b", "c"]) await api.call("POST", PODS_PATH, podNamed(name));
  const first = await api.call("GET", `${PODS_PATH}?limit=2`);
  const { metadata } = first.body;
  assert.equal(metadata["remainingItemCount"], 1);
  await api.call("POST", PODS_PATH, podNamed("bb"));
  const second = await api.call("GET", `${PODS_PATH}?limit=2&continue=${metadata["continue"] as string}`);
  assert.deepEqual(
    (second.body["items"] as { metadata: { name: string } }[]).map((item) => item.metadata.name),
    ["c"],
  );
  assert.equal(second.body.metadata.resourceVersion, metadata.resourceVersion);
  assert.equal(second.body.metadata["continue"], undefined);
});

test("list() returns 410 for a continuation that was compacted", async (t) => {
  const api = await startApi(t);
  for (const name of ["a", "b"]) await api.call("POST", PODS_PATH, podNamed(name));
  const { body } = await api.call("GET", `${PODS_PATH}?limit=1`);
  api.emulator.faults.compact();
  const gone = await api.call("GET", `${PODS_PATH}?limit=1&continue=${body.metadata["continue"] as string}`);
  assert.deepEqual([gone.code, gone.body.reason], [410, "Expired"]);
});

test("list() items carry neither apiVersion nor kind, a watch's objects do", async (t) => {
  const api = await startApi(t);
  await api.call("POST", PODS_PATH, podNamed("a"));
  const { body } = await api.call("GET", PODS_PATH);
  assert.equal(body.kind, "PodList");
  assert.equal((body["items"] as { kind?: string }[])[0]?.kind, undefined);
  const { lines } = openWatch(t, api, `${PODS_PATH}?watch=true`);
  await until(() => lines.length === 1, "the present state");
  assert.equal((lines[0] as { object: { kind?: string } } | undefined)?.object.kind, "Pod");
});

test("list() and get() present metadata alone to a client that requests the kind of the request", async (t) => {
  const { emulator, url, call } = await startApi(t);
  await call("POST", PODS_PATH, podNamed("a"));
  async function read(path: string, as: string) {
    const accept = `application/json;as=${as};g=meta.k8s.io;v=v1,application/json`;
    const response = await fetch(url + path, { headers: { authorization: `Bearer ${tokenOf(emulator)}`, accept } });
    return (await response.json()) as { kind: string; items?: Record<string, unknown>[] };
  }
  const pod = await read(`${PODS_PATH}/a`, "PartialObjectMetadata");
  assert.deepEqual(Object.keys(pod), ["kind", "apiVersion", "metadata"]);
  const { kind, items } = await read(PODS_PATH, "PartialObjectMetadataList");
  assert.deepEqual([kind, items?.map((item) => item["spec"])], ["PartialObjectMetadataList", [undefined]]);
  assert.equal((await read(PODS_PATH, "PartialObjectMetadata")).kind, "PodList");
  assert.equal((await read(`${PODS_PATH}/a`, "PartialObjectMetadataList")).kind, "Pod");
});

test("watch() sends the events since its version, then new ones", async (t) => {
  const api = await startApi(t);
  const { body } = await api.call("GET", CONFIG_MAPS_PATH);
  await api.call("POST", CONFIG_MAPS_PATH, { metadata: { name: "a" } });
  const watch = openWatch(t, api, `${CONFIG_MAPS_PATH}?watch=1&resourceVersion=${body.metadata.resourceVersion}`);
  await until(() => watch.lines.length === 1, "the past");
  await api.call("POST", CONFIG_MAPS_PATH, { metadata: { name: "b" } });
  await api.call("DELETE", `${CONFIG_MAPS_PATH}/a`);
  // Changes of another resource and in another namespace are not sent.
  await api.call("POST", PODS_PATH, podNamed("p"));
  await api.call("POST", "/api/v1/namespaces/kube-system/configmaps", { metadata: { name: "x" } });
  await api.call("POST", CONFIG_MAPS_PATH, { metadata: { name: "z" } });
  await until(() => watch.lines.length === 4, "the present");
  assert.deepEqual(watch.received(), ["ADDED a", "ADDED b", "DELETED a", "ADDED z"]);
});

test("watch() with a selector reports objects that start and stop to match", async (t) => {
  const api = await startApi(t);
  const watch = openWatch(t, api, `${CONFIG_MAPS_PATH}?watch=true&labelSelector=${encodeURIComponent("on=yes")}`);
  await until(() => api.emulator.watches.size === 1, "the watch is open");
  await api.call("POST", CONFIG_MAPS_PATH, { metadata: { name: "a" } });
  const label = (value: string | null) =>
    api.call(
      "PATCH",
      `${CONFIG_MAPS_PATH}/a`,
      { metadata: { labels: { on: value } } },
      { contentType: "application/merge-patch+json" },
    );
  await label("yes");
  await label(null);
  await until(() => watch.lines.length === 2, "both");
  assert.deepEqual(watch.received(), ["ADDED a", "DELETED a"]);
});

test("watch() from an expired version gets 410, as an event or as a status", async (t) => {
  const api = await startApi(t);
  const { body } = await api.call("GET", CONFIG_MAPS_PATH);
  await api.call("POST", CONFIG_MAPS_PATH, { metadata: { name: "a" } });
  api.emulator.faults.compact();
  const path = `${CONFIG_MAPS_PATH}?watch=true&resourceVersion=${body.metadata.resourceVersion}`;
  const watch = openWatch(t, api, path);
  await until(() => watch.hasEnded(), "the end");
  assert.deepEqual(
    watch.lines.map(({ type, object }) => [type, object.code]),
    [["ERROR", 410]],
  );
  api.emulator.faults.goneAs = "status";
  assert.equal((await api.call("GET", path)).code, 410);
});

test("watch() sends bookmarks on request, and ends at its timeout", async (t) => {
  const clock = createFakeClock();
  const api = await startApi(t, { clock });
  const { body } = await api.call("GET", CONFIG_MAPS_PATH);
  const from = `watch=true&resourceVersion=${body.metadata.resourceVersion}&timeoutSeconds=150`;
  const asking = openWatch(t, api, `${CONFIG_MAPS_PATH}?${from}&allowWatchBookmarks=true`);
  const plain = openWatch(t, api, `${CONFIG_MAPS_PATH}?${from}`);
  await until(() => api.emulator.watches.size === 2, "both are open");
  await api.call("POST", PODS_PATH, podNamed("elsewhere"));
  await clock.advance(120_000);
  await until(() => asking.lines.length === 2, "two bookmarks");
  assert.equal(asking.lines[0]?.object.metadata.resourceVersion, api.emulator.store.resourceVersion());
  assert.deepEqual([asking.hasEnded(), plain.lines.length], [false, 0]);
  await clock.advance(30_000);
  await until(() => asking.hasEnded() && plain.hasEnded(), "the timeout");
});
