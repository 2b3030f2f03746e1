// How a client's call deals with addresses that do not answer, over real sockets.
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer, type Server } from "node:net";
import { type TestContext, test } from "node:test";
import { createAuthority } from "../../src/pki/certificate.ts";
import { requestCertificate } from "../../src/protocol/client.ts";
import type { PodroleError, UnreachableError } from "../../src/protocol/errors.ts";
import { IdentityService } from "../../src/protocol/generated/podrole/v1/podrole.ts";
import { createListener, unary } from "../../src/protocol/listener.ts";
import { HOUR_MS, systemClock } from "../../src/runtime/clock.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { listenOnLoopback } from "../loopback.ts";
import { newLeaf } from "../pki/samples.ts";
import { openBlackHole } from "./black-hole.ts";

const PROOF = { token: new Secret("token"), csr: Buffer.from("csr"), bundleHash: "" };
const authority = createAuthority({ commonName: "CA", now: Date.now(), lifetimeMs: HOUR_MS });
const serving = newLeaf(authority, { kind: "serving", dnsNames: ["podrole-server"], ipAddresses: [] }, Date.now());

function call(address: string, deadlineMs: number) {
  return requestCertificate(
    { address, serverName: "podrole-server", bundlePem: authority.certificatePem },
    PROOF,
    deadlineMs,
  );
}

async function listen(context: TestContext, host: string, port: number): Promise<number> {
  const listener = createListener(
    {
      clock: systemClock,
      service: IdentityService,
      implementation: {
        issueCertificate: unary(
          async () => ({ certificate: "for you", bundle: "", grants: [] }),
          () => {},
        ),
      },
    },
    {
      address: { host, port },
      tls: {
        current: () => ({ certificatePem: serving.pem, privateKey: serving.key }),
        onChange: () => () => {},
      },
      requireClientCertificate: false,
      graceMs: 100,
    },
  );
  context.after(() => listener.close());
  return listener.listen();
}

/** Counts the client sockets of this process until the test has ended. */
function countSockets(context: TestContext): () => number {
  let sockets = 0;
  const count = () => {
    sockets += 1;
  };
  subscribe("net.client.socket", count);
  context.after(() => unsubscribe("net.client.socket", count));
  return () => sockets;
}

test("requestCertificate() gives up a TCP connection that is not up in 2 s, and opens a new one", async (context) => {
  const port = await openBlackHole(context);
  const opened = countSockets(context);
  await assert.rejects(call(`127.0.0.1:${port}`, 7_000), (error: UnreachableError) => {
    assert.deepEqual([error.code, error.wasDropped], ["SERVER_UNREACHABLE", false]);
    return true;
  });
  assert.ok(opened() >= 3, `${opened()} connections`);
});

test("requestCertificate() reaches the second address of a name when the first does not answer", async (context) => {
  const port = await openBlackHole(context, "::1");
  assert.equal(await listen(context, "127.0.0.1", port), port);
  // The order of addresses is random; of several calls, at least one is likely to try the silent address first.
  for (let index = 0; index < 4; index++)
    assert.equal((await call(`localhost:${port}`, 15_000)).certificate, "for you");
});

test("requestCertificate() tries again a few times when connections are refused", async (context) => {
  const opened = countSockets(context);
  await assert.rejects(call("127.0.0.1:1", 15_000), { code: "SERVER_UNREACHABLE" });
  assert.equal(opened(), 3);
});

test("requestCertificate() reports an overloaded server when it closes the connection before TLS", async (context) => {
  let accepted = 0;
  const server: Server = createServer((socket) => {
    accepted += 1;
    socket.destroy();
  });
  const port = await listenOnLoopback(context, server);
  await assert.rejects(call(`127.0.0.1:${port}`, 15_000), (error: PodroleError) => {
    const { code, retryAfterMs = 0 } = error;
    assert.equal(code, "SERVER_OVERLOADED");
    assert.ok(retryAfterMs >= 1_000 && retryAfterMs <= 3_000, `${retryAfterMs}`);
    return true;
  });
  assert.equal(accepted, 1);
});
