import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createRegistryEmulator } from "../../emulators/registry/emulator.ts";
import { IMAGES } from "../../scripts/release/images.ts";
import { type PinnedImage, pinnedBaseOf, pinnedImageOf, pinStateOf } from "../../scripts/release/pinned-base.ts";
import { readText } from "../files.ts";

suite("pinnedBaseOf()", () => {
  for (const dockerfile of Object.values(IMAGES)) {
    test(`finds the base of ${dockerfile}`, () => {
      const base = pinnedBaseOf(readText(dockerfile));
      assert.equal(base?.tag, "nonroot");
      assert.match(base?.digest ?? "", /^sha256:[0-9a-f]{64}$/);
    });
  }

  test("finds none if the base has no digest", () => {
    assert.equal(pinnedBaseOf("ARG BASE=registry.example/node:26\n"), undefined);
  });
});

suite("pinnedImageOf()", () => {
  const digest = `sha256:${"0".repeat(64)}`;
  const hub = "registry-1.docker.io";

  test("returns the registry, name, tag and digest of a reference", () => {
    for (const [reference, image] of [
      ["debian:12", { host: hub, name: "library/debian", tag: "12" }],
      ["example/tool:1", { host: hub, name: "example/tool", tag: "1" }],
      ["gcr.io/a/b:nonroot", { host: "gcr.io", name: "a/b", tag: "nonroot" }],
      ["localhost:5000/a:1", { host: "localhost:5000", name: "a", tag: "1" }],
    ] as const) {
      assert.deepEqual(pinnedImageOf(`${reference}@${digest}`), { ...image, digest });
    }
  });

  test("returns none without a tag or a digest", () => {
    for (const reference of ["debian:12", `debian@${digest}`, ""]) assert.equal(pinnedImageOf(reference), undefined);
  });
});

suite("pinStateOf()", () => {
  const [INDEX, ACCESS] = ["application/vnd.oci.image.index.v1+json", { scheme: "http", timeoutMs: 60_000 }] as const;

  for (const requiresToken of [false, true]) {
    test(`reports a newer base ${requiresToken ? "of a registry that requires a token" : "and a current one"}`, async () => {
      const registry = createRegistryEmulator({ requiresToken });
      await registry.listen();
      try {
        const contents = registry.repository("base/node");
        const stored = contents.addManifest("26", INDEX, Buffer.from('{"schemaVersion":2}'));
        const pinned: PinnedImage = { host: registry.host, name: "base/node", tag: "26", digest: stored?.digest ?? "" };
        assert.deepEqual(await pinStateOf(pinned, ACCESS), { state: "current" });

        const newer = contents.addManifest("26", INDEX, Buffer.from('{"schemaVersion":2,"annotations":{}}'));
        assert.deepEqual(await pinStateOf(pinned, ACCESS), { state: "old", digest: newer?.digest });
      } finally {
        await registry.close();
      }
    });
  }

  test("is unknown if the registry has no such tag, and if it does not answer", async () => {
    const registry = createRegistryEmulator();
    await registry.listen();
    const pinned = { host: registry.host, name: "base/node", tag: "26", digest: "sha256:0" };
    const missing = await pinStateOf(pinned, ACCESS);
    assert.match(missing.state === "unknown" ? missing.problem : "", /answered 404/);
    await registry.close();
    assert.equal((await pinStateOf(pinned, ACCESS)).state, "unknown");
  });
});
