// Sources of the server's own AWS credentials that can be made to hang: each accepts requests, and does not answer them
// until it is told to. A session lasts 30 s, so that the server renews it while a fault lasts.
// States of a source: answering ⇄ stalled; it ends with the world.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OwnCredentials } from "../../emulators/cluster.ts";
import { startInstanceMetadata } from "../fakes/instance-metadata.ts";
import { listenOnLoopback, relayTo } from "../loopback.ts";
import { issueWebIdentityToken, WEB_IDENTITY_SUBJECT } from "./web-identity.ts";
import { FAULT_ROLE, type FaultWorld } from "./world.ts";

/** A source of credentials, and how the server is started to use it. */
export interface CredentialSource {
  readonly own: OwnCredentials;
  stall(): void;
  answer(): void;
}

const ACCOUNT = "arn:aws:iam::123456789012";
const SERVER_USER = `${ACCOUNT}:user/podrole-server`;
const SERVER_ROLE = `${ACCOUNT}:role/podrole-server`;
const SESSION_SECONDS = 30;
/** For ever, as far as a row is concerned. */
const STALL_MS = 120_000;

/** Lets the pods' role trust the server's, and the server's role be assumed from every source. */
function prepareRoles({ programs, sts }: FaultWorld): void {
  sts.lifetimes.set(SERVER_ROLE, SESSION_SECONDS * 1_000);
  const { roles } = programs.cluster.sts;
  roles.put({ arn: SERVER_ROLE, trust: { principals: [SERVER_USER], webIdentities: [WEB_IDENTITY_SUBJECT] } });
  roles.put({ arn: `${ACCOUNT}:role/${FAULT_ROLE}`, trust: { principals: [SERVER_USER, SERVER_ROLE] } });
}

/** A new session of the server's role, in the words of instance metadata and container endpoints. */
function newSession({ programs }: FaultWorld): Readonly<Record<string, string>> {
  const request = { roleArn: SERVER_ROLE, sessionName: "server", durationSeconds: SESSION_SECONDS };
  const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = programs.cluster.sts.issueSession(request);
  return {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey.reveal(),
    Token: sessionToken.reveal(),
    Expiration: new Date(expiresAt).toISOString(),
  };
}

/** Stands before a port; while it stalls, connections are accepted and nothing more. */
async function openGate(world: FaultWorld, port: number): Promise<{ readonly port: number; isStalled: boolean }> {
  const held = new Set<Socket>();
  const server = createTcpServer((socket) => {
    held.add(socket.on("error", () => {}).on("close", () => held.delete(socket)));
    if (!gate.isStalled) relayTo(port, socket);
  });
  world.after(() => {
    for (const socket of held) socket.destroy();
  });
  const gate = { port: await listenOnLoopback(world, server), isStalled: false };
  return gate;
}

/** A source behind a gate. */
function gated(gate: { isStalled: boolean }, own: OwnCredentials): CredentialSource {
  return {
    own,
    stall() {
      gate.isStalled = true;
    },
    answer() {
      gate.isStalled = false;
    },
  };
}

/** A source that is a call of STS with this role. */
function exchanged({ programs }: FaultWorld, own: OwnCredentials): CredentialSource {
  const { faults } = programs.cluster.sts;
  return {
    own,
    stall: () => faults.set({ kind: "stall", ms: STALL_MS }, { roleArn: SERVER_ROLE }),
    answer: () => faults.clear(),
  };
}

function createFolder(world: FaultWorld): string {
  const folder = mkdtempSync(join(tmpdir(), "podrole-source-"));
  world.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The sources by name, as the table shows it. */
export const CREDENTIAL_SOURCES: Readonly<Record<string, (world: FaultWorld) => Promise<CredentialSource>>> = {
  async "web identity (IRSA)"(world) {
    prepareRoles(world);
    const file = join(createFolder(world), "token");
    writeFileSync(file, issueWebIdentityToken());
    return exchanged(world, {
      env: { AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: SERVER_ROLE, AWS_ROLE_SESSION_NAME: "irsa" },
    });
  },
  async "container endpoint (EKS Pod Identity)"(world) {
    prepareRoles(world);
    const server = createServer((_request, response: ServerResponse) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ ...newSession(world), AccountId: "123456789012" }));
    });
    const gate = await openGate(world, await listenOnLoopback(world, server));
    return gated(gate, { env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${gate.port}/v1/credentials` } });
  },
  async "instance metadata"(world) {
    prepareRoles(world);
    const { url } = await startInstanceMetadata(world, { credentials: () => newSession(world) });
    const gate = await openGate(world, Number(new URL(url).port));
    return gated(gate, { env: { AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${gate.port}` } });
  },
  async "--credential-process"(world) {
    prepareRoles(world);
    const server = createServer((_request, response: ServerResponse) => {
      const { Token, ...rest } = newSession(world);
      response.end(JSON.stringify({ Version: 1, ...rest, SessionToken: Token }));
    });
    const gate = await openGate(world, await listenOnLoopback(world, server));
    const helper = join(createFolder(world), "helper.mjs");
    writeFileSync(
      helper,
      `#!${process.execPath}\nconsole.log(await (await fetch("http://127.0.0.1:${gate.port}/")).text());\n`,
    );
    chmodSync(helper, 0o755);
    return gated(gate, { env: {}, flags: ["--credential-process", helper] });
  },
  async "first hop (--assume-role-arn)"(world) {
    prepareRoles(world);
    return exchanged(world, { flags: ["--assume-role-arn", SERVER_ROLE] });
  },
};
