// An STS emulator on a free port with three roles, and clients of it: the AWS SDK, and requests signed by hand for
// tests whose requests the SDK would not send.
import { createHash, createHmac } from "node:crypto";
import type { TestContext } from "node:test";
import { type AssumeRoleCommandOutput, STSClient } from "@aws-sdk/client-sts";
import { createStsEmulator, type StsEmulator } from "../../../emulators/sts/emulator.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { createFakeClock, type FakeClock } from "../../fakes/clock.ts";

export const STS_REGION = "eu-central-1";
export const STS_ACCOUNT = "123456789012";
export const USER_ARN = `arn:aws:iam::${STS_ACCOUNT}:user/podrole`;
export const KEY: AccessKeyPair = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};

export const READER = roleArn("team/reader");
export const WRITER = roleArn("writer");
export const PARTNER = roleArn("partner");

export function roleArn(name: string): string {
  return `arn:aws:iam::${STS_ACCOUNT}:role/${name}`;
}

export interface AccessKeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface StsHarness {
  readonly sts: StsEmulator;
  readonly clock: FakeClock;
  /** Resolves when the emulator waits for the first time. */
  readonly stalled: Promise<void>;
  client(credentials?: AccessKeyPair, region?: string): STSClient;
}

/** Reader trusts the user and allows tags; writer trusts reader; partner trusts the user with an external ID. */
export async function startStsHarness(t: TestContext): Promise<StsHarness> {
  const fake = createFakeClock(Date.UTC(2026, 0, 15, 12));
  const stalled = Promise.withResolvers<void>();
  const clock: FakeClock = {
    ...fake,
    schedule(task, delayMs) {
      stalled.resolve();
      return fake.schedule(task, delayMs);
    },
  };
  const sts = createStsEmulator(
    { clock },
    {
      region: STS_REGION,
      keys: [{ accessKeyId: KEY.accessKeyId, secretAccessKey: new Secret(KEY.secretAccessKey), arn: USER_ARN }],
      roles: [
        { arn: READER, trust: { principals: [USER_ARN], tagSession: true }, maxSessionDurationSeconds: 43_200 },
        { arn: WRITER, trust: { principals: [READER] }, maxSessionDurationSeconds: 7200 },
        { arn: PARTNER, trust: { principals: [USER_ARN], externalId: "abc/42" } },
      ],
    },
  );
  await sts.listen();
  t.after(() => sts.close());
  return {
    sts,
    clock,
    stalled: stalled.promise,
    client(credentials = KEY, region = STS_REGION) {
      // The SDK signs with the machine's time; the offset corrects it to the emulator's.
      const systemClockOffset = clock.now() - Date.now();
      const client = new STSClient({ region, endpoint: sts.url, credentials, maxAttempts: 1, systemClockOffset });
      t.after(() => client.destroy());
      return client;
    },
  };
}

/** Returns the credentials in a response of AssumeRole, in the form that clients accept. */
export function sessionOf({ Credentials: issued }: AssumeRoleCommandOutput): Required<AccessKeyPair> {
  const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = issued ?? {};
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

/** Returns code and message of the error with which `sent` fails. */
export async function refusalOf(sent: Promise<unknown>): Promise<{ code: string; message: string; status: number }> {
  try {
    await sent;
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    return { code: name, message, status: $metadata?.httpStatusCode ?? 0 };
  }
  throw new TypeError("Cannot read the refusal: the call succeeded");
}

export interface RawRequest {
  readonly fields: Readonly<Record<string, string>>;
  readonly credentials?: AccessKeyPair;
  readonly headers?: Readonly<Record<string, string>>;
  /** Signed in place of the body's hash, and sent as x-amz-content-sha256. */
  readonly payloadHash?: string;
  readonly scope?: { readonly region?: string; readonly service?: string; readonly date?: string };
  readonly method?: "GET" | "POST";
  /** Names left out of the signature. */
  readonly unsigned?: readonly string[];
}

/** Sends a request signed by hand at the emulator's time and returns status and body. */
export async function sendSigned(
  { sts, clock }: StsHarness,
  raw: RawRequest,
): Promise<{ status: number; body: string }> {
  const { credentials = KEY, method = "POST", scope = {}, unsigned = [] } = raw;
  const form = Object.entries({ Version: "2011-06-15", ...raw.fields })
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join("&");
  const timestamp = new Date(clock.now()).toISOString().replaceAll(/[-:]|\.\d{3}/g, "");
  const body = method === "POST" ? form : "";
  const headers: Record<string, string> = {
    host: new URL(sts.url).host,
    "x-amz-date": timestamp,
    ...(method === "POST" && { "content-type": "application/x-www-form-urlencoded" }),
    ...(raw.payloadHash !== undefined && { "x-amz-content-sha256": raw.payloadHash }),
    ...(credentials.sessionToken !== undefined && { "x-amz-security-token": credentials.sessionToken }),
    ...raw.headers,
  };
  const { region = STS_REGION, service = "sts", date = timestamp.slice(0, 8) } = scope;
  const names = Object.keys(headers)
    .filter((name) => !unsigned.includes(name))
    .sort();
  const query = method === "GET" ? form : "";
  const canonical = [
    method,
    "/",
    query,
    ...names.map((name) => `${name}:${headers[name]}`),
    "",
    names.join(";"),
    raw.payloadHash ?? sha256(body),
  ].join("\n");
  const scopeText = `${date}/${region}/${service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scopeText, sha256(canonical)].join("\n");
  const key = [date, region, service, "aws4_request"].reduce<Buffer>(
    hmac,
    Buffer.from(`AWS4${credentials.secretAccessKey}`),
  );
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scopeText}, SignedHeaders=${names.join(";")}, Signature=${hmac(key, toSign).toString("hex")}`;
  const { host: _, ...sent } = headers;
  const response = await fetch(`${sts.url}/${query === "" ? "" : `?${query}`}`, {
    method,
    headers: {
      ...sent,
      authorization,
      ...(raw.headers?.["authorization"] && { authorization: raw.headers["authorization"] }),
    },
    redirect: "manual",
    ...(method === "POST" && { body }),
  });
  return { status: response.status, body: await response.text() };
}

/** Returns the text of one element of an XML response. */
export function xmlElement(body: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1];
}

/** RFC 3986, as Signature Version 4 requires. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
