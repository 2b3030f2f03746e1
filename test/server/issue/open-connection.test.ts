// The credentials port over one connection that stays open: what TLS verified when it opened counts for nothing later.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { type ConnectionOptions, connect } from "node:tls";
import { credentials, type ServiceError } from "@grpc/grpc-js";
import { joinBundle } from "../../../src/pki/bundle.ts";
import { type Authority, createAuthority } from "../../../src/pki/certificate.ts";
import { CredentialsClient, type GetCredentialsResponse } from "../../../src/protocol/generated/podrole/v1/podrole.ts";
import { createListener } from "../../../src/protocol/listener.ts";
import { fromServiceError } from "../../../src/protocol/status.ts";
import { HOUR_MS, systemClock } from "../../../src/runtime/clock.ts";
import { createCallerIdentifier } from "../../../src/server/issue/identify-caller.ts";
import { credentialsService } from "../../../src/server/issue/services.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { newLeaf, POD_SUBJECT, SAMPLE_POD } from "../../pki/samples.ts";

const NAME = "podrole-server";
/** TLS knows only the system's time, so the server's own clock starts there. */
const START = systemClock.now();
const newCa = (commonName: string): Authority =>
  createAuthority({ commonName, now: START, lifetimeMs: 1_000 * HOUR_MS });

/** A credentials port that answers each call with the name of the pod that it identified. */
async function setUp(context: TestContext) {
  const [first, second] = [newCa("first"), newCa("second")];
  const clock = createFakeClock(START);
  const trust = { bundle: joinBundle([first.certificatePem, second.certificatePem]) };
  const serving = newLeaf(first, { kind: "serving", dnsNames: [NAME], ipAddresses: [] }, START);
  const bundlePem = () => trust.bundle;
  const service = credentialsService({
    bundlePem,
    onFailure: () => {},
    identify: createCallerIdentifier({ clock, bundlePem }, { trustDomain: SAMPLE_POD.trustDomain }),
    issuer: {
      issue: async ({ name }) => [{ container: name, refusal: { code: "ROLE_MISSING", message: "Cannot" } }],
      prefetch: async () => {},
    },
  });
  const tls = {
    current: () => ({ certificatePem: serving.pem, privateKey: serving.key, clientBundlePem: trust.bundle }),
    onChange: () => () => {},
  };
  const listener = createListener(
    { clock: systemClock, ...service },
    { address: { host: "127.0.0.1", port: 0 }, tls, requireClientCertificate: true, graceMs: 200 },
  );
  context.after(() => listener.close());
  const port = await listener.listen();

  /** Connects as the pod, with a new certificate of `authority`; every call uses the same connection. */
  function connectAs(authority: Authority) {
    const pod = newLeaf(authority, POD_SUBJECT, START);
    const channel = credentials.createSsl(
      Buffer.from(first.certificatePem),
      Buffer.from(pod.key.reveal()),
      Buffer.from(pod.pem),
    );
    const client = new CredentialsClient(`127.0.0.1:${port}`, channel, { "grpc.ssl_target_name_override": NAME });
    context.after(() => client.close());
    return (containers: readonly string[] = ["app"]) =>
      new Promise<string | undefined>((resolve) => {
        const respond = (error: ServiceError | null, response: GetCredentialsResponse) =>
          resolve(error ? fromServiceError(error, "").code : response.grants[0]?.container);
        client.getCredentials({ containers: [...containers], bundleHash: "", holdings: [] }, respond);
      });
  }
  return { clock, trust, first, second, port, listener, connectAs };
}

test("CERTIFICATE_REJECTED: a certificate that expires is refused at the next call of its open connection", async (context) => {
  const { clock, first, listener, connectAs } = await setUp(context);
  const call = connectAs(first);
  assert.equal(await call(), SAMPLE_POD.name);
  await clock.advance(HOUR_MS - 60_000);
  assert.equal(await call(), SAMPLE_POD.name);
  await clock.advance(61_000);
  assert.equal(await call(), "CERTIFICATE_REJECTED");
  assert.equal(listener.connections().opened, 1);
});

test("CERTIFICATE_REJECTED: a certificate of a retired CA is refused at the next call of its open connection", async (context) => {
  const { trust, first, second, listener, connectAs } = await setUp(context);
  const [early, late] = [connectAs(first), connectAs(second)];
  assert.deepEqual([await early(), await late()], [SAMPLE_POD.name, SAMPLE_POD.name]);
  trust.bundle = second.certificatePem;
  assert.deepEqual([await early(), await late()], ["CERTIFICATE_REJECTED", SAMPLE_POD.name]);
  trust.bundle = joinBundle([newCa("first").certificatePem, second.certificatePem]);
  assert.equal(await early(), "CERTIFICATE_REJECTED", "another CA of the same name");
  assert.equal(listener.connections().opened, 2);
});

for (const [what, containers] of [
  ["more than 128 containers", Array.from({ length: 129 }, (_, index) => `c${index}`)],
  ["a name with a newline", ["app", "app\nEvent"]],
  ["a name that controls a terminal", ["\u001b[31mapp"]],
  ["a name of more than 63 characters", ["a".repeat(64)]],
  ["an empty name", [""]],
] as const) {
  test(`REQUEST_INVALID: the credentials port refuses a request for ${what}`, async (context) => {
    const { first, connectAs } = await setUp(context);
    const call = connectAs(first);
    assert.equal(await call(containers), "REQUEST_INVALID");
    assert.equal(await call(["app", "a".repeat(63)]), SAMPLE_POD.name);
  });
}

/** Options of a TLS client with the pod's certificate. */
function tlsOptions(authority: Authority, port: number): ConnectionOptions {
  const pod = newLeaf(authority, POD_SUBJECT, START);
  const credentials = { cert: pod.pem, key: pod.key.reveal() };
  return {
    ...{ port, host: "127.0.0.1", servername: NAME, ca: authority.certificatePem, ALPNProtocols: ["h2"] },
    ...credentials,
  };
}

test("the credentials port resumes no session", async (context) => {
  const { first, port } = await setUp(context);
  const options = tlsOptions(first, port);
  const opened = connect(options);
  context.after(() => opened.destroy());
  opened.resume();
  const sessions: Buffer[] = [];
  opened.on("session", (session: Buffer) => sessions.push(session));
  // The server sends its session tickets before its first data, so they have arrived when data has.
  await Promise.all([once(opened, "secureConnect"), once(opened, "data")]);
  const session = sessions.at(-1) ?? opened.getSession();
  assert.ok(session);
  const again = connect({ ...options, session });
  context.after(() => again.destroy());
  await once(again, "secureConnect");
  assert.equal(again.isSessionReused(), false);
});

test("the credentials port speaks no TLS 1.2, in which a client may change its certificates", async (context) => {
  const { first, port } = await setUp(context);
  const socket = connect({ ...tlsOptions(first, port), maxVersion: "TLSv1.2" });
  context.after(() => socket.destroy());
  const [error] = await once(socket, "error");
  assert.equal((error as NodeJS.ErrnoException).code, "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
});
