// The sources of the server's own credentials, each as real as one machine allows, and how each of them fails.
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { signJwt } from "../../../emulators/jwt.ts";
import { createStsEmulator, type StsEmulator } from "../../../emulators/sts/emulator.ts";
import { systemClock as clock, MINUTE_MS } from "../../../src/runtime/clock.ts";
import { createSts, type Sts } from "../../../src/server/aws/sts.ts";
import { startInstanceMetadata } from "../../fakes/instance-metadata.ts";
import { listenOnLoopback } from "../../loopback.ts";
import { createTemporaryDirectory } from "../../temporary-files.ts";
import { withEnvironment } from "../environment.ts";

const REGION = "eu-central-1";
const SERVER = "arn:aws:iam::123456789012:role/podrole-server";
export const ORDERS = {
  roleArn: "arn:aws:iam::123456789012:role/orders",
  sessionName: "team.web",
  durationSeconds: 900,
};
const ISSUER = "https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE";
const SUBJECT = "system:serviceaccount:podrole:podrole-server";
const CLUSTER = generateKeyPairSync("ec", { namedCurve: "P-256" });
const STRANGER = generateKeyPairSync("ec", { namedCurve: "P-256" });

export interface Fixture {
  readonly context: TestContext;
  readonly emulator: StsEmulator;
  readonly sts: Sts;
  readonly directory: string;
  /** A new session of the server's role, named `session-<n>`, as every source except the web identity returns them. */
  readonly session: (
    lifeMs?: number,
  ) => Readonly<Record<"AccessKeyId" | "SecretAccessKey" | "Expiration" | "token", string>>;
}

/**
 * Sets up STS and the server's client on one clock: the mocked Date moves the SDK, the emulator and the sources
 * together.
 */
export async function setUp(context: TestContext, own: Source["options"] = () => ({})): Promise<Fixture> {
  context.mock.timers.enable({ apis: ["Date"], now: Date.UTC(2026, 0, 15, 12) });
  withEnvironment(context, {});
  const directory = createTemporaryDirectory(context);
  const emulator = createStsEmulator(
    { clock },
    {
      region: REGION,
      identityProviders: [{ issuer: ISSUER, audience: "sts.amazonaws.com", publicKey: CLUSTER.publicKey }],
      roles: [
        { arn: SERVER, trust: { principals: [], webIdentities: [SUBJECT] } },
        { arn: ORDERS.roleArn, trust: { principals: [SERVER] } },
      ],
    },
  );
  await emulator.listen();
  const options = {
    region: REGION,
    endpoint: emulator.url,
    usesFips: false,
    usesDualStack: false,
    hopRoleArn: undefined,
  };
  const sts = createSts({ clock }, { ...options, timeoutMs: 10_000, ...own(directory) });
  context.after(async () => {
    sts.close();
    await emulator.close();
  });
  let sessions = 0;
  return {
    context,
    emulator,
    sts,
    directory,
    session(lifeMs = 60 * MINUTE_MS) {
      sessions += 1;
      const input = { roleArn: SERVER, sessionName: `session-${sessions}`, durationSeconds: lifeMs / 1000 };
      const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = emulator.issueSession(input);
      return {
        AccessKeyId: accessKeyId,
        SecretAccessKey: secretAccessKey.reveal(),
        token: sessionToken.reveal(),
        Expiration: new Date(expiresAt).toISOString().replace(".000Z", "Z"),
      };
    },
  };
}

interface Source {
  /** The server's settings for this source. */
  readonly options?: (directory: string) => {
    readonly credentialProcess?: readonly string[];
    readonly timeoutMs?: number;
  };
  /** Provides credentials with a lifetime of `lifeMs`; the returned function does the kubelet's rotation. */
  readonly provide: (fixture: Fixture, lifeMs?: number) => Promise<() => void>;
  /** Failures of the source, and what the message then contains besides the sources that were tried. */
  readonly denials: Readonly<Record<string, readonly [(fixture: Fixture) => Promise<void>, RegExp]>>;
}

export const SOURCES: Readonly<Record<string, Source>> = {
  "environment variables": {
    async provide({ context, session }, lifeMs) {
      const { AccessKeyId, SecretAccessKey, token } = session(lifeMs);
      withEnvironment(context, {
        AWS_ACCESS_KEY_ID: AccessKeyId,
        AWS_SECRET_ACCESS_KEY: SecretAccessKey,
        AWS_SESSION_TOKEN: token,
      });
      return () => {};
    },
    denials: {
      "nothing is set": [async () => {}, /Could not load credentials.*tried: .+/],
      "the secret key is wrong": [
        async ({ context, session }) => {
          const { AccessKeyId, token } = session();
          const other = "A".repeat(40);
          withEnvironment(context, {
            AWS_ACCESS_KEY_ID: AccessKeyId,
            AWS_SECRET_ACCESS_KEY: other,
            AWS_SESSION_TOKEN: token,
          });
        },
        /SignatureDoesNotMatch/,
      ],
    },
  },

  "an instance profile": {
    async provide({ context, session }, lifeMs) {
      const credentials = () => {
        const { token: Token, ...rest } = session(lifeMs);
        return { ...rest, Token, LastUpdated: new Date().toISOString() };
      };
      const { url } = await startInstanceMetadata(context, { credentials });
      withEnvironment(context, { AWS_EC2_METADATA_DISABLED: "false", AWS_EC2_METADATA_SERVICE_ENDPOINT: url });
      return () => {};
    },
    denials: {
      "the instance returns no token": [
        async ({ context }) => {
          const { url } = await startInstanceMetadata(context, { tokens: "refused" });
          withEnvironment(context, { AWS_EC2_METADATA_DISABLED: "false", AWS_EC2_METADATA_SERVICE_ENDPOINT: url });
        },
        /Could not load credentials.*tried: .+/,
      ],
      "the instance has no role": [
        async ({ context }) => {
          const { url } = await startInstanceMetadata(context, {});
          withEnvironment(context, { AWS_EC2_METADATA_DISABLED: "false", AWS_EC2_METADATA_SERVICE_ENDPOINT: url });
        },
        /Could not load credentials.*tried: .+/,
      ],
    },
  },

  IRSA: {
    async provide(on) {
      const rotate = webIdentity(on, () => tokenOf(CLUSTER.privateKey));
      return rotate;
    },
    denials: {
      "the token has expired": [
        async (on) => void webIdentity(on, () => tokenOf(CLUSTER.privateKey, { exp: Date.now() / 1000 - 1 })),
        /ExpiredTokenException/,
      ],
      "the token is another ServiceAccount's": [
        async (on) =>
          void webIdentity(on, () => tokenOf(CLUSTER.privateKey, { sub: "system:serviceaccount:team:default" })),
        /AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity/,
      ],
      "the token is for another audience": [
        async (on) => void webIdentity(on, () => tokenOf(CLUSTER.privateKey, { aud: "podrole.io" })),
        /InvalidIdentityToken.*: Incorrect token audience/,
      ],
      "the token is forged": [
        async (on) => void webIdentity(on, () => tokenOf(STRANGER.privateKey)),
        /InvalidIdentityToken/,
      ],
    },
  },

  "EKS Pod Identity": {
    async provide(on, lifeMs) {
      return containerEndpoint(on, lifeMs);
    },
    denials: {
      "the token is wrong": [
        async (on) => {
          await containerEndpoint(on);
          writeFileSync(join(on.directory, "token"), "another");
        },
        /(?:400|could not load|container|Service account token is invalid)/i,
      ],
      "the endpoint is not reachable": [
        async ({ context }) => {
          withEnvironment(context, { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1:9/v1/credentials" });
        },
        /ECONNREFUSED|could not/i,
      ],
    },
  },

  "--credential-process": {
    options: (directory) => ({ credentialProcess: [process.execPath, join(directory, "helper.cjs")] }),
    async provide(on, lifeMs) {
      const write = () => {
        const { token: SessionToken, ...rest } = on.session(lifeMs);
        helper(on, `console.log(${JSON.stringify(JSON.stringify({ Version: 1, ...rest, SessionToken }))})`);
      };
      write();
      return write;
    },
    denials: {
      "the program fails": [
        async (on) => helper(on, 'console.error("no certificate"); process.exit(3)'),
        /failed with 3/,
      ],
      "the program does not exist": [async () => {}, /failed with/],
      "the program prints no JSON": [async (on) => helper(on, 'console.log("hello")'), /did not print JSON/],
      "the program prints no key": [async (on) => helper(on, "console.log('{\"Version\":1}')"), /no AccessKeyId/],
      "the program prints expired credentials": [
        async (on) => {
          await SOURCES["--credential-process"]?.provide(on, MINUTE_MS);
          on.context.mock.timers.tick(2 * MINUTE_MS);
        },
        /have expired/,
      ],
    },
  },

  "a profile's credential_process": {
    async provide(on, lifeMs) {
      const file = join(on.directory, "credentials.json");
      const write = () => {
        const { token: SessionToken, ...rest } = on.session(lifeMs);
        writeFileSync(file, JSON.stringify({ Version: 1, ...rest, SessionToken }));
      };
      write();
      profile(on, `cat ${file}`);
      return write;
    },
    denials: {
      "the process fails": [
        async (on) => profile(on, "sh -c 'echo no certificate >&2; exit 3'"),
        /no certificate|exit/i,
      ],
      "the process prints no JSON": [async (on) => profile(on, "echo hello"), /JSON/],
      "the process prints expired credentials": [
        async (on) => {
          await SOURCES["a profile's credential_process"]?.provide(on, MINUTE_MS);
          on.context.mock.timers.tick(2 * MINUTE_MS);
        },
        /expired/i,
      ],
    },
  },
};

function helper({ directory }: Fixture, program: string): void {
  writeFileSync(join(directory, "helper.cjs"), program);
}

function profile({ context, directory }: Fixture, process: string): void {
  const file = join(directory, "config");
  writeFileSync(file, `[profile podrole]\ncredential_process = ${process}\n`);
  withEnvironment(context, { AWS_CONFIG_FILE: file, AWS_PROFILE: "podrole" });
}

/** Writes the token file as the kubelet does, again at each call of the returned function. */
function webIdentity({ context, directory }: Fixture, token: () => string): () => void {
  const file = join(directory, "token");
  const write = () => writeFileSync(file, token());
  write();
  withEnvironment(context, { AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: SERVER, AWS_ROLE_SESSION_NAME: "irsa" });
  return write;
}

/** A ServiceAccount token that is valid for ten minutes. */
function tokenOf(key: typeof CLUSTER.privateKey, claims: Readonly<Record<string, unknown>> = {}): string {
  const exp = Math.floor(Date.now() / 1000) + 600;
  return signJwt(key, { iss: ISSUER, sub: SUBJECT, aud: ["sts.amazonaws.com"], exp, ...claims }, { typ: "JWT" });
}

/** The agent of EKS Pod Identity: it accepts one token at a time, which the kubelet rotates. */
async function containerEndpoint({ context, directory, session }: Fixture, lifeMs?: number): Promise<() => void> {
  let accepted = "";
  const rotate = () => {
    accepted = `token-${Date.now()}`;
    writeFileSync(join(directory, "token"), accepted);
  };
  rotate();
  const server = createServer(({ headers }, response) => {
    if (headers.authorization !== accepted)
      return void response.writeHead(400).end('{"message":"Service account token is invalid"}');
    const { token: Token, ...rest } = session(lifeMs);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ ...rest, Token, AccountId: "123456789012" }));
  });
  const port = await listenOnLoopback(context, server);
  withEnvironment(context, {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/v1/credentials`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: join(directory, "token"),
  });
  return rotate;
}
