import assert from "node:assert/strict";
import { mkdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { splitBundle } from "../../../src/pki/bundle.ts";
import { createAuthority } from "../../../src/pki/certificate.ts";
import { HOUR_MS } from "../../../src/runtime/clock.ts";
import { trustFromFiles } from "../../../src/server/trust/trust-files.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { createTemporaryDirectory } from "../../temporary-files.ts";

async function setUp(context: TestContext) {
  const directory = createTemporaryDirectory(context);
  const clock = createFakeClock();
  const [certificateFile, keyFile] = [join(directory, "ca.crt"), join(directory, "ca.key")];
  const { log, lines } = createKeptLog();
  const read = trustFromFiles({ clock, log }, { certificateFile, keyFile, leafLifetimeMs: HOUR_MS });
  const make = () => createAuthority({ commonName: "own CA", now: clock.now(), lifetimeMs: 1_000 * HOUR_MS });
  const put = async ({ certificatePem, key }: ReturnType<typeof make>) => {
    await writeFile(certificateFile, certificatePem);
    await writeFile(keyFile, key.reveal());
  };
  return { clock, read, make, put, certificateFile, lines };
}

test("trustFromFiles() reads the operator's CA", async (context) => {
  const { read, make, put } = await setUp(context);
  const authority = make();
  await put(authority);
  const trust = await read();
  assert.equal(trust.authority.certificatePem.trim(), authority.certificatePem.trim());
  assert.equal(splitBundle(trust.bundlePem).length, 1);
});

test("trustFromFiles() uses a replaced file and trusts the earlier CA until its last certificate has expired", async (context) => {
  const { clock, read, make, put } = await setUp(context);
  const [first, second] = [make(), make()];
  await put(first);
  await read();
  await put(second);
  const rotated = await read();
  assert.equal(rotated.authority.certificatePem.trim(), second.certificatePem.trim());
  assert.equal(splitBundle(rotated.bundlePem).length, 2);
  await clock.advance(HOUR_MS + 599_000);
  assert.equal(splitBundle((await read()).bundlePem).length, 2, "another replica may have signed with it meanwhile");
  await clock.advance(1_000);
  assert.equal(splitBundle((await read()).bundlePem).length, 1);
});

test("trustFromFiles() rotates to another key through a file with both roots, and never signs with an unpublished root", async (context) => {
  const { read, make, put, lines } = await setUp(context);
  const [before, after] = [make(), make()];
  await put(before);
  await read();
  await put({ ...before, certificatePem: before.certificatePem + after.certificatePem });
  const prepared = await read();
  assert.deepEqual(splitBundle(prepared.authority.certificatePem), splitBundle(before.certificatePem));
  assert.equal(splitBundle(prepared.bundlePem).length, 2);
  await put({ ...after, certificatePem: after.certificatePem + before.certificatePem });
  const rotated = await read();
  assert.deepEqual(splitBundle(rotated.authority.certificatePem), splitBundle(after.certificatePem));
  assert.equal(rotated.bundlePem, prepared.bundlePem);
  assert.deepEqual(lines, []);
});

test("trustFromFiles() warns when it signs with a root that no pod can have received", async (context) => {
  const { read, make, put, lines } = await setUp(context);
  const before = make();
  await put(before);
  await read();
  await put(make());
  await read();
  // The first CA again: every pod still trusts it.
  await put(before);
  await read();
  assert.deepEqual(
    lines.map(({ level, message }) => [level, String(message).slice(0, 44)]),
    [[40, "certificates are now signed below a new root"]],
  );
});

test("trustFromFiles() rejects missing files, and a key of another CA", async (context) => {
  const { read, make, put, certificateFile } = await setUp(context);
  await assert.rejects(read(), { code: "AUTHORITY_UNAVAILABLE", message: /ca\.crt does not exist/ });
  await put(make());
  await writeFile(certificateFile, make().certificatePem);
  await assert.rejects(read(), {
    code: "AUTHORITY_UNAVAILABLE",
    message: /^Cannot use the CA of --ca-cert and --ca-key: /,
  });
});

test("trustFromFiles() names a directory that is in the place of a file, and reads the file that follows", async (context) => {
  const { read, make, put, certificateFile } = await setUp(context);
  await mkdir(certificateFile);
  await assert.rejects(read(), {
    code: "AUTHORITY_UNAVAILABLE",
    message: `Cannot use the CA of --ca-cert and --ca-key: ${certificateFile} cannot be read (EISDIR); expected a PEM file`,
  });
  await rmdir(certificateFile);
  const authority = make();
  await put(authority);
  assert.equal((await read()).authority.certificatePem.trim(), authority.certificatePem.trim());
});
