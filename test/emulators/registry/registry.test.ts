import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { digestOf } from "../../../emulators/registry/contents.ts";
import { createRegistryEmulator } from "../../../emulators/registry/emulator.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

suite("createRegistryEmulator()", () => {
  const registry = createRegistryEmulator();
  before(() => registry.listen());
  after(() => registry.close());

  const call = (path: string, init?: RequestInit) => fetch(`http://${registry.host}${path}`, init);
  const location = (response: Response) => response.headers.get("location") ?? "";
  const put = (path: string, body: string) =>
    call(path, { method: "PUT", body, headers: { "content-type": MANIFEST } });

  test("stores a blob that arrives in pieces", async () => {
    const begun = await call("/v2/app/blobs/uploads/", { method: "POST" });
    assert.equal(begun.status, 202);
    const continued = await call(location(begun), { method: "PATCH", body: "one " });
    assert.equal(continued.status, 202);
    const digest = digestOf(Buffer.from("one two"));
    const ended = await call(`${location(continued)}?digest=${digest}`, { method: "PUT", body: "two" });
    assert.equal(ended.status, 201);
    assert.equal(await (await call(`/v2/app/blobs/${digest}`)).text(), "one two");
  });

  test("refuses a blob whose bytes have another digest than announced", async () => {
    const digest = digestOf(Buffer.from("expected"));
    const refused = await call(`/v2/app/blobs/uploads/?digest=${digest}`, { method: "POST", body: "other" });
    assert.equal(refused.status, 400);
    assert.equal((await call(`/v2/app/blobs/${digest}`)).status, 404);
  });

  test("returns a manifest by tag and by digest, and for HEAD only its digest", async () => {
    const stored = await put("/v2/app/manifests/1.0", '{"schemaVersion":2}');
    assert.equal(stored.status, 201);
    const digest = stored.headers.get("docker-content-digest");
    for (const reference of ["1.0", digest]) {
      const found = await call(`/v2/app/manifests/${reference}`, { method: "HEAD" });
      assert.deepEqual(
        [found.status, found.headers.get("docker-content-digest"), await found.text()],
        [200, digest, ""],
      );
      assert.equal(found.headers.get("content-type"), MANIFEST);
    }
    assert.equal((await call("/v2/app/manifests/2.0")).status, 404);
    assert.equal((await call(`/v2/other/manifests/${digest}`)).status, 404);
  });

  test("lists what is attached to a manifest, and nothing for another one", async () => {
    const subject = digestOf(Buffer.from("image"));
    const attached = { schemaVersion: 2, artifactType: "application/example", subject: { digest: subject } };
    const stored = await put("/v2/app/manifests/signature", JSON.stringify(attached));
    assert.equal(stored.headers.get("oci-subject"), subject);
    const listed = (await (await call(`/v2/app/referrers/${subject}`)).json()) as { manifests: { digest: string }[] };
    assert.deepEqual(
      listed.manifests.map(({ digest }) => digest),
      [stored.headers.get("docker-content-digest")],
    );
    const others = (await (await call(`/v2/app/referrers/${digestOf(Buffer.from("x"))}`)).json()) as typeof listed;
    assert.deepEqual(others.manifests, []);
  });

  test("refuses a manifest that is not JSON", async () => {
    assert.equal((await put("/v2/app/manifests/broken", "{")).status, 400);
  });
});

test("createRegistryEmulator() with requiresToken serves only callers with the token of its challenge", async () => {
  const registry = createRegistryEmulator({ requiresToken: true });
  await registry.listen();
  try {
    const url = `http://${registry.host}/v2/`;
    const refused = await fetch(url);
    assert.equal(refused.status, 401);
    const [, realm = ""] = /realm="([^"]+)"/.exec(refused.headers.get("www-authenticate") ?? "") ?? [];
    const { token } = (await (await fetch(realm)).json()) as { token: string };
    assert.equal((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status, 200);
  } finally {
    await registry.close();
  }
});
