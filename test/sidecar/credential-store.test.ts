import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "../../src/protocol/errors.ts";
import { MINUTE_MS } from "../../src/runtime/clock.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { createCredentialStore } from "../../src/sidecar/credential-store.ts";
import type { ContainerGrant, Grants } from "../../src/sidecar/grants.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";

function setUp(...containers: readonly string[]) {
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  const file: { grants: Grants | undefined; broken: boolean } = { grants: undefined, broken: false };
  const store = createCredentialStore(
    {
      clock,
      log,
      read() {
        if (file.broken) throw new TypeError("cannot be read");
        return file.grants;
      },
    },
    { containers },
  );
  function grant(container: string, minutes: number | undefined, code?: ErrorCode): ContainerGrant {
    const expiresAtMs = clock.now() + (minutes ?? 0) * MINUTE_MS;
    const secrets = { secretAccessKey: new Secret(`key of ${container}`), sessionToken: new Secret("session") };
    const credentials = {
      accessKeyId: "A",
      ...secrets,
      roleArn: "r",
      accountId: "1",
      expiresAtMs,
      issuedAtMs: 0,
      renewAtMs: expiresAtMs / 2,
    };
    return {
      container,
      served: minutes !== undefined,
      credentials: minutes === undefined ? undefined : credentials,
      refusal: code && { code, message: `Cannot: ${code}`, retryAfterMs: 0 },
    };
  }
  function put(...grants: readonly ContainerGrant[]): void {
    const expiresAtMs = clock.now() + 60 * MINUTE_MS;
    file.grants = { containers: grants, certificate: { renewAtMs: expiresAtMs, expiresAtMs } };
    store.reload();
  }
  return { clock, lines, store, file, grant, put };
}

test("createCredentialStore() returns no credentials before the first renewal", () => {
  const { store } = setUp("app");
  store.reload();
  assert.equal(store.reply(0), undefined);
  assert.equal(store.refusal(0), undefined);
  assert.equal(store.renewAt(), 0);
  assert.equal(store.isReady(), false);
  assert.deepEqual(store.expiries(), { credentials: undefined, certificate: undefined });
});

test("reply() returns each container its own credentials, until they expire", async () => {
  const { clock, store, grant, put } = setUp("app", "other");
  put(grant("other", 20), grant("app", 10));
  assert.match(String(store.reply(0)?.body), /key of app/);
  assert.match(String(store.reply(1)?.body), /key of other/);
  await clock.advance(10 * MINUTE_MS);
  assert.equal(store.reply(0), undefined);
  assert.match(String(store.reply(1)?.body), /key of other/);
});

test("reply() returns valid credentials also after a refusal that keeps them", () => {
  const { store, grant, put } = setUp("app");
  put(grant("app", 10, "STS_THROTTLED"));
  assert.ok(store.reply(0));
  assert.equal(store.refusal(0)?.code, "STS_THROTTLED");
});

test("reload() keeps the entries when the file is unreadable or absent", () => {
  const { store, grant, put, file } = setUp("app");
  put(grant("app", 10));
  file.broken = true;
  store.reload();
  assert.ok(store.reply(0));
  file.broken = false;
  file.grants = undefined;
  store.reload();
  assert.ok(store.reply(0));
});

test("ready() requires that every container has received credentials, and stays true after they expired", async () => {
  const { clock, store, grant, put } = setUp("app", "other");
  put(grant("app", 10));
  assert.equal(store.isReady(), false);
  put(grant("app", 10), grant("other", undefined, "STS_DENIED"));
  assert.equal(store.isReady(), false);
  put(grant("app", 10), grant("other", 10));
  await clock.advance(60 * MINUTE_MS);
  assert.equal(store.isReady(), true);
});

test("expiries() returns the expiry of the credentials that expire first", () => {
  const { clock, store, grant, put } = setUp("app", "other");
  put(grant("app", 20), grant("other", 10));
  assert.equal(store.expiries().credentials, clock.now() + 10 * MINUTE_MS);
});

test("observe() logs each change of a container's state once, with the reason and without secrets", async () => {
  const { clock, store, grant, put, lines } = setUp("app");
  put(grant("app", 10));
  put(grant("app", 10));
  put(grant("app", 10, "STS_UNAVAILABLE"));
  put(grant("app", 10, "STS_UNAVAILABLE"));
  put(grant("app", 10));
  await clock.advance(10 * MINUTE_MS);
  store.observe();
  store.observe();
  assert.deepEqual(
    lines.map(({ message, state, code }) => [message, state, code]),
    [
      ["credentials are ready", "valid", undefined],
      ["credentials are refused", "valid", "STS_UNAVAILABLE"],
      ["credentials are ready", "valid", undefined],
      ["credentials have expired", "expired", undefined],
    ],
  );
  assert.ok(lines[1]?.["remedy"]);
  assert.ok(!JSON.stringify(lines).includes("key of"));
});

test("observe() logs revoked credentials as absent with the refusal, and a second refusal by its new code", () => {
  const { grant, put, lines } = setUp("app");
  put(grant("app", 10));
  put(grant("app", undefined, "ROLE_FORBIDDEN"));
  put(grant("app", undefined, "ROLE_INVALID"));
  assert.deepEqual(
    lines.map(({ message, state, code }) => [message, state, code]),
    [
      ["credentials are ready", "valid", undefined],
      ["credentials are refused", "absent", "ROLE_FORBIDDEN"],
      ["credentials are refused", "absent", "ROLE_INVALID"],
    ],
  );
});

test("reply() returns no expired credentials although the wall clock was set back, and a renewal is due", async () => {
  const { clock, store, grant, put } = setUp("app");
  put(grant("app", 60));
  clock.step(-120 * MINUTE_MS);
  assert.ok(store.reply(0), "they have not expired");
  assert.ok(store.renewAt() > 0 && store.renewAt() <= clock.now());
  assert.equal(store.expiries().credentials, clock.now() + 60 * MINUTE_MS);
  await clock.advance(60 * MINUTE_MS);
  assert.deepEqual([store.reply(0), store.renewAt()], [undefined, 0]);
  assert.equal(store.expiries().credentials, clock.now(), "expired, and shown as expired");
});

test("reply() returns no credentials that expired while the node was suspended", () => {
  const { clock, store, grant, put } = setUp("app");
  put(grant("app", 60));
  clock.suspend(61 * MINUTE_MS);
  assert.deepEqual([store.reply(0), store.renewAt()], [undefined, 0]);
});

test("reload() does not revive expired credentials after the clock was set back and a renewal failed", async () => {
  const { clock, store, grant, put, file } = setUp("app");
  put(grant("app", 60));
  await clock.advance(61 * MINUTE_MS);
  clock.step(-120 * MINUTE_MS);
  for (let failures = 0; failures < 2; failures++) {
    const [stored] = file.grants?.containers ?? [];
    put({ ...(stored ?? grant("app", undefined)), refusal: { code: "STS_UNAVAILABLE", message: "", retryAfterMs: 0 } });
    assert.equal(store.reply(0), undefined);
    assert.equal(store.renewAt(), 0);
    await clock.advance(MINUTE_MS);
  }
  put(grant("app", 60));
  assert.equal(store.reply(0)?.status, 200, "those of a later renewal are returned");
});

test("reload() leaves unchanged credentials their time when the clock was set back", async () => {
  const { clock, store, grant, put, file } = setUp("app");
  put(grant("app", 60));
  await clock.advance(30 * MINUTE_MS);
  clock.step(-120 * MINUTE_MS);
  const [stored] = file.grants?.containers ?? [];
  put(stored ?? grant("app", undefined));
  assert.match(
    String(store.reply(0)?.body),
    new RegExp(new Date(clock.now() + 30 * MINUTE_MS).toISOString().slice(0, 19)),
  );
  await clock.advance(31 * MINUTE_MS);
  assert.equal(store.reply(0), undefined);
});

test("renewAt() stays due on time when the clock is set back by less than a minute", async () => {
  const { clock, store, grant, put } = setUp("app");
  put({ ...grant("app", 60), credentials: { ...later(grant("app", 60)), renewAtMs: clock.now() + 30 * MINUTE_MS } });
  clock.step(-30_000);
  assert.equal(store.renewAt() - clock.now(), 30 * MINUTE_MS);
  await clock.advance(30 * MINUTE_MS);
  assert.equal(store.renewAt(), clock.now());
});

function later({ credentials }: ContainerGrant) {
  return credentials ?? assert.fail("no credentials");
}
