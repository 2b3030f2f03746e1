// Which key exchange groups each TLS port of podrole accepts. The client chooses one, and the server pays for it.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { connect } from "node:tls";
import { createAuthority } from "../src/pki/certificate.ts";
import { HOUR_MS } from "../src/runtime/clock.ts";
import { openStatePort } from "../src/server/state/state-app.ts";
import { createWebhookApp } from "../src/webhook/app.ts";
import { createFakeClock } from "./fakes/clock.ts";
import { createKeptLog } from "./fakes/log.ts";
import { newLeaf } from "./pki/samples.ts";
import { startLimitedPort } from "./protocol/limited-port.ts";

const ACCEPTED = ["X25519", "P-256"];
/** OpenSSL accepts them by default. */
const EXPENSIVE = ["P-384", "P-521", "ffdhe3072"];

/** Starts a port; returns its number. */
type Start = (context: TestContext) => Promise<number>;

const PORTS: Readonly<Record<string, Start>> = {
  async webhook(context) {
    const webhook = createWebhookApp(
      {
        ...common(),
        admit: () => assert.fail("no review is sent"),
        onUnreadable: () => {},
      },
      { host: "127.0.0.1", port: 0 },
    );
    context.after(() => webhook.close());
    return webhook.listen();
  },
  async state(context) {
    const answer = () => assert.fail("no request is sent");
    const state = await openStatePort({ ...common(), answer }, { host: "127.0.0.1", port: 0 });
    context.after(() => state.close());
    return state.port;
  },
  identity: async (context) => (await startLimitedPort(context, "identity")).port,
  credentials: async (context) => (await startLimitedPort(context, "credentials")).port,
};

function common() {
  const authority = createAuthority({ commonName: "CA", now: Date.now(), lifetimeMs: HOUR_MS });
  const serving = newLeaf(authority, { kind: "serving", dnsNames: ["podrole"], ipAddresses: [] }, Date.now());
  const material = { certificatePem: serving.pem, privateKey: serving.key };
  const tls = { current: () => material, onChange: () => () => {} };
  return { clock: createFakeClock(), log: createKeptLog().log, tls };
}

/** Resolves with the group of the handshake, or with how it failed. */
function greet(port: number, ecdhCurve: string): Promise<string> {
  return new Promise((resolve) => {
    const options = { host: "127.0.0.1", port, ecdhCurve, rejectUnauthorized: false, minVersion: "TLSv1.3" } as const;
    const socket = connect({ ...options, ALPNProtocols: ["h2", "http/1.1"] }, () => {
      resolve("accepted");
      socket.destroy();
    });
    socket.on("error", ({ code = "" }: NodeJS.ErrnoException) => resolve(code));
  });
}

for (const [name, start] of Object.entries(PORTS)) {
  test(`the ${name} port accepts ${ACCEPTED.join(" and ")}, and no group that costs it several times as much`, async (context) => {
    const port = await start(context);
    for (const group of ACCEPTED) assert.equal(await greet(port, group), "accepted", group);
    for (const group of EXPENSIVE) assert.match(await greet(port, group), /HANDSHAKE_FAILURE|ECONNRESET/, group);
  });
}

test("the ports agree on the hybrid group X25519MLKEM768 with clients that offer it", async (context) => {
  for (const start of Object.values(PORTS)) {
    assert.equal(await greet(await start(context), "X25519MLKEM768"), "accepted");
  }
});
