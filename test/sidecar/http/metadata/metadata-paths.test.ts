// The metadata paths over real sockets, behind the credentials endpoint as serve.ts connects them.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorInfo } from "../../../../src/protocol/errors.ts";
import { Secret } from "../../../../src/runtime/secret.ts";
import type { Credentials } from "../../../../src/sidecar/grants.ts";
import { createCredentialsEndpoint } from "../../../../src/sidecar/http/endpoint.ts";
import { createTokenMatcher } from "../../../../src/sidecar/http/match-token.ts";
import {
  createMetadataPaths,
  type MetadataPathsOptions,
} from "../../../../src/sidecar/http/metadata/metadata-paths.ts";
import { credentialsReply } from "../../../../src/sidecar/http/replies.ts";
import type { Renewal } from "../../../../src/sidecar/renewal/outcome.ts";
import { createFakeClock } from "../../../fakes/clock.ts";
import { createKeptLog } from "../../../fakes/log.ts";
import { type RequestOptions, sendRequest } from "../../send-request.ts";

const ROLE: Credentials = {
  accessKeyId: "ASIA1",
  secretAccessKey: new Secret("key/+="),
  sessionToken: new Secret("session"),
  roleArn: "arn:aws:iam::123456789012:role/team/app",
  accountId: "123456789012",
  issuedAtMs: Date.parse("2026-01-01T00:00:00.999Z"),
  expiresAtMs: Date.parse("2026-01-01T01:00:00.999Z"),
  renewAtMs: 0,
};
const TTL = "X-aws-ec2-metadata-token-ttl-seconds";
const IAM = "/latest/meta-data/iam";

interface SetUp extends Partial<MetadataPathsOptions> {
  /** Credentials of each container. */
  readonly roles?: readonly (Credentials | undefined)[];
}

async function setUp(options: SetUp = {}) {
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  const state: { roles: readonly (Credentials | undefined)[]; refusal: ErrorInfo | undefined } = {
    roles: options.roles ?? [ROLE],
    refusal: undefined,
  };
  const counted: string[] = [];
  const listeners = new Set<(renewal: Renewal) => void>();
  let onRenewNow = () => {};
  const { region = "eu-central-1", acceptsVersion1 = false } = options;
  const settings = {
    region: "region" in options ? options.region : region,
    zone: options.zone,
    acceptsVersion1: acceptsVersion1,
  };
  const endpoint = createCredentialsEndpoint(
    {
      clock,
      log,
      store: {
        reply: (index) => state.roles[index] && credentialsReply(state.roles[index]),
        refusal: (index) => (state.refusal && !state.roles[index] ? { ...state.refusal, retryAfterMs: 0 } : undefined),
      },
      renewals: {
        renewNow: () => onRenewNow(),
        failure: () => undefined,
        nextInMs: () => 400,
        onEnd(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
      matchToken: createTokenMatcher({ current: [new Secret("token-a")], earlier: [] }),
      count: (code) => counted.push(code),
      otherPaths: createMetadataPaths({ clock, credentials: () => state.roles }, settings),
    },
    { port: 0, containers: ["app", "web"].slice(0, state.roles.length), holdMs: 900 },
  );
  const port = await endpoint.listen();
  const putToken = (headers: RequestOptions["headers"] = { [TTL]: "60" }) =>
    sendRequest(port, { path: "/latest/api/token", method: "PUT", headers: headers ?? {} });
  return {
    clock,
    lines,
    state,
    counted,
    putToken,
    get: async (path: string, token?: string) => {
      const given = token ?? (await putToken()).text;
      return sendRequest(port, { path, headers: { "X-aws-ec2-metadata-token": given } });
    },
    plain: (path: string, more: RequestOptions = {}) => sendRequest(port, { path, ...more }),
    held: () =>
      new Promise<void>((resolve) => {
        onRenewNow = () => setImmediate(resolve);
      }),
    renewalEnds: () => listeners.forEach((listener) => listener({ outcome: "renewed" })),
    close: () => endpoint.close(),
  };
}

test("createMetadataPaths() issues a token with the requested lifetime, and accepts it until its expiry", async () => {
  const { putToken, get, clock, close } = await setUp();
  const { status, text, headers } = await putToken({ [TTL]: "60" });
  assert.deepEqual([status, headers["x-aws-ec2-metadata-token-ttl-seconds"]], [200, "60"]);
  assert.equal((await get("/latest/meta-data/placement/region", text)).status, 200);
  await clock.advance(59_999);
  assert.equal((await get("/latest/meta-data/placement/region", text)).status, 200);
  await clock.advance(1);
  assert.equal((await get("/latest/meta-data/placement/region", text)).status, 401);
  await close();
});

for (const [ttl, status] of [
  ["1", 200],
  ["21600", 200],
  ["0", 400],
  ["21601", 400],
  ["-5", 400],
  ["1e3", 400],
  ["", 400],
  [undefined, 400],
] as const) {
  test(`createMetadataPaths() answers a request for a token of ${ttl ?? "no"} seconds with ${status}`, async () => {
    const { putToken, close } = await setUp();
    assert.equal((await putToken(ttl === undefined ? { Accept: "*/*" } : { [TTL]: ttl })).status, status);
    await close();
  });
}

test("createMetadataPaths() refuses to issue a token to a forwarded request, and to GET", async () => {
  const { putToken, plain, counted, close } = await setUp();
  assert.equal((await putToken({ [TTL]: "60", "X-Forwarded-For": "203.0.113.7" })).status, 403);
  const { status, headers } = await plain("/latest/api/token", { headers: { [TTL]: "60" } });
  assert.deepEqual([status, headers.allow], [405, "PUT"]);
  assert.deepEqual(counted, ["HOST_FORBIDDEN", "METHOD_UNKNOWN"]);
  await close();
});

test("createMetadataPaths() returns the role's name, and its credentials in EC2's form with whole seconds", async () => {
  const { get, close } = await setUp();
  const list = await get(`${IAM}/security-credentials/`);
  assert.deepEqual([list.status, list.text, list.headers["content-type"]], [200, "app", "text/plain"]);
  const { status, text } = await get(`${IAM}/security-credentials/app`);
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(text), {
    Code: "Success",
    LastUpdated: "2026-01-01T00:00:00Z",
    Type: "AWS-HMAC",
    AccessKeyId: "ASIA1",
    SecretAccessKey: "key/+=",
    Token: "session",
    Expiration: "2026-01-01T01:00:00Z",
  });
  await close();
});

test("createMetadataPaths() returns the credentials for the role's path and its ARN too, below any version, and for no other role", async () => {
  const { get, close } = await setUp();
  const roles = `${IAM}/security-credentials`;
  for (const name of ["app", "team/app", "/team/app", ROLE.roleArn, encodeURIComponent(ROLE.roleArn), "a%70p"]) {
    assert.equal((await get(`${roles}/${name}`)).status, 200, name);
  }
  assert.equal((await get("/2016-09-02/meta-data/iam/security-credentials/app")).status, 200);
  assert.equal((await get("/1.0/meta-data/iam/security-credentials/")).text, "app");
  for (const name of ["other", "tea/app", "am/app", "role/team/app", "%", ROLE.roleArn.replace("12", "21")]) {
    assert.equal((await get(`${roles}/${name}`)).status, 404, name);
  }
  assert.equal((await get("/2016/meta-data/iam/security-credentials/app")).status, 404);
  await close();
});

test("createMetadataPaths() returns the zone, also with a trailing slash", async () => {
  const { get, close } = await setUp({ zone: "eu-central-1b" });
  for (const end of ["", "/"]) {
    assert.equal((await get(`/latest/meta-data/placement/availability-zone${end}`)).text, "eu-central-1b");
  }
  const document = JSON.parse((await get("/latest/dynamic/instance-identity/document")).text) as object;
  assert.deepEqual(document, {
    accountId: "123456789012",
    availabilityZone: "eu-central-1b",
    region: "eu-central-1",
  });
  await close();
});

test("createMetadataPaths() refuses a forwarded request, also if no token is required", async () => {
  const { plain, close } = await setUp({ acceptsVersion1: true });
  const path = `${IAM}/security-credentials/app`;
  assert.equal((await plain(path)).status, 200);
  const { status, text } = await plain(path, { headers: { "X-Forwarded-For": "203.0.113.7" } });
  assert.equal(status, 403);
  assert.ok(!text.includes("key/+="));
  await close();
});

test("createMetadataPaths() redirects to the list of roles, as EC2 does", async () => {
  const { get, close } = await setUp();
  const { status, headers } = await get(`${IAM}/security-credentials`);
  assert.deepEqual([status, headers.location], [301, `${IAM}/security-credentials/`]);
  await close();
});

test("createMetadataPaths() returns account and region, and the role's ARN for the instance profile", async () => {
  const { get, close } = await setUp();
  assert.deepEqual(JSON.parse((await get("/latest/dynamic/instance-identity/document")).text), {
    accountId: "123456789012",
    region: "eu-central-1",
  });
  assert.deepEqual(JSON.parse((await get(`${IAM}/info`)).text), {
    Code: "Success",
    LastUpdated: "2026-01-01T00:00:00Z",
    InstanceProfileArn: ROLE.roleArn,
  });
  for (const path of ["/latest/meta-data/placement/region", "/latest/meta-data/placement/region/?x=1"]) {
    assert.equal((await get(path)).text, "eu-central-1");
  }
  await close();
});

test("createMetadataPaths() answers 404 for an unknown region, and omits it from the document", async () => {
  const { get, close } = await setUp({ region: undefined });
  assert.equal((await get("/latest/meta-data/placement/region")).status, 404);
  assert.deepEqual(JSON.parse((await get("/latest/dynamic/instance-identity/document")).text), {
    accountId: "123456789012",
  });
  await close();
});

for (const path of [
  "/",
  "/latest/meta-data/placement/availability-zone",
  "/latest/meta-data/instance-id",
  `${IAM}/security-credentials/other`,
  `${IAM}/security-credentials/app/`,
  `${IAM}/security-credentials-extended/`,
  "/latest/user-data",
]) {
  test(`createMetadataPaths() answers ${path} with 404 and no log line`, async () => {
    const { get, lines, counted, close } = await setUp();
    assert.equal((await get(path)).status, 404);
    assert.deepEqual(counted, ["OK", "PATH_UNKNOWN"]);
    assert.deepEqual(lines, []);
    await close();
  });
}

for (const token of ["x", ".", "zzzzzzzz.", "zzzzzzzz.AAAA", "zzzzzzzzz.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]) {
  test(`createMetadataPaths() answers 401 to the token ${token}`, async () => {
    const { get, counted, close } = await setUp();
    const { status, text } = await get(`${IAM}/security-credentials/app`, token);
    assert.equal(status, 401);
    assert.ok(!text.includes("key/+="));
    assert.deepEqual(counted, ["TOKEN_MISMATCH"]);
    await close();
  });
}

test("createMetadataPaths() refuses a token of another process", async () => {
  const [one, other] = [await setUp(), await setUp()];
  const { text } = await other.putToken();
  assert.equal((await one.get(`${IAM}/security-credentials/app`, text)).status, 401);
  await Promise.all([one.close(), other.close()]);
});

test("createMetadataPaths() answers 401 without a token and logs it once, and answers 200 with acceptsVersion1", async () => {
  const [off, on] = [await setUp(), await setUp({ acceptsVersion1: true })];
  for (let round = 0; round < 2; round++) {
    const { status, body } = await off.plain(`${IAM}/security-credentials/app`);
    assert.deepEqual([status, body["code"]], [401, "TOKEN_MISSING"]);
  }
  assert.equal(off.lines.length, 1);
  assert.equal((await on.plain(`${IAM}/security-credentials/app`)).status, 200);
  assert.equal((await on.get(`${IAM}/security-credentials/app`, "wrong")).status, 401);
  await Promise.all([off.close(), on.close()]);
});

for (const method of ["PUT", "POST", "DELETE", "OPTIONS"]) {
  test(`createMetadataPaths() refuses ${method} on a path that is read`, async () => {
    const { plain, close } = await setUp({ acceptsVersion1: true });
    assert.equal((await plain(`${IAM}/security-credentials/app`, { method })).status, 405);
    await close();
  });
}

test("createMetadataPaths() does not open the credentials path, which requires the container's token", async () => {
  const { putToken, plain, close } = await setUp();
  const { text } = await putToken();
  const { body } = await plain("/v1/credentials", { headers: { "X-aws-ec2-metadata-token": text } });
  assert.equal(body["code"], "TOKEN_MISSING");
  await close();
});

test("createMetadataPaths() holds a request until there are credentials", async () => {
  const { putToken, get, state, held, renewalEnds, close } = await setUp({ roles: [undefined] });
  const { text: token } = await putToken();
  const waits = held();
  const answer = get(`${IAM}/security-credentials/`, token);
  await waits;
  state.roles = [ROLE];
  renewalEnds();
  assert.deepEqual([(await answer).status, (await answer).text], [200, "app"]);
  await close();
});

test("createMetadataPaths() answers 503 with Retry-After after 900 ms without credentials", async () => {
  const { putToken, get, held, clock, close } = await setUp({ roles: [undefined] });
  const { text: token } = await putToken();
  const waits = held();
  const answer = get(`${IAM}/security-credentials/app`, token);
  await waits;
  await clock.advance(900);
  const { status, headers, body } = await answer;
  assert.deepEqual([status, headers["retry-after"], body["code"]], [503, "1", "NOT_READY"]);
  await close();
});

test("createMetadataPaths() answers a permanent refusal at once", async () => {
  const { get, state, close } = await setUp({ roles: [undefined] });
  state.refusal = { code: "ROLE_FORBIDDEN", message: "Cannot: forbidden" };
  const { status, body } = await get(`${IAM}/security-credentials/`);
  assert.deepEqual([status, body["code"]], [403, "ROLE_FORBIDDEN"]);
  await close();
});

test("createMetadataPaths() answers 404 with a log line while the roles of two containers differ", async () => {
  const { get, state, lines, close } = await setUp({ roles: [ROLE, ROLE] });
  assert.equal((await get(`${IAM}/security-credentials/app`)).status, 200);
  const other = { ...ROLE, roleArn: `${ROLE.roleArn}2` };
  state.roles = [ROLE, other];
  for (const path of ["security-credentials/", "security-credentials/app", "security-credentials/app2", "info"]) {
    const { status, text, body } = await get(`${IAM}/${path}`);
    assert.deepEqual([status, body["code"]], [404, "ANNOTATION_INVALID"], path);
    assert.ok(!text.includes("key/+="));
  }
  assert.equal((await get("/latest/dynamic/instance-identity/document")).status, 404);
  assert.equal(lines.length, 1);
  state.roles = [other, other];
  assert.equal((await get(`${IAM}/security-credentials/app2`)).status, 200);
  await close();
});

test("createMetadataPaths() returns no credentials once the role of one container is refused", async () => {
  const { get, state, close } = await setUp({ roles: [ROLE, ROLE] });
  state.roles = [ROLE, undefined];
  state.refusal = { code: "ROLE_FORBIDDEN", message: "Cannot: forbidden" };
  for (const path of ["security-credentials/", "security-credentials/app", "info"]) {
    const { status, text, body } = await get(`${IAM}/${path}`);
    assert.deepEqual([status, body["code"]], [403, "ROLE_FORBIDDEN"], path);
    assert.ok(!text.includes("key/+="));
  }
  await close();
});
