// Which host the SDK asks, in each partition and for each kind of endpoint. The request itself is real: it is taken off
// its way to that host and given to the STS emulator as it is, which checks the signature over the very Host header.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { STSClient, type STSClientConfig } from "@aws-sdk/client-sts";
import { createStsEmulator } from "../../../emulators/sts/emulator.ts";
import { systemClock as clock } from "../../../src/runtime/clock.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { createSts, type StsOptions } from "../../../src/server/aws/sts.ts";
import { withEnvironment } from "../environment.ts";

const KEY = { accessKeyId: "AKIAPODROLESERVER001", secretAccessKey: "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00" };
const OPTIONS = { endpoint: undefined, fips: false, dualStack: false, hopRoleArn: undefined, timeoutMs: 5_000 };

type Handler = Extract<NonNullable<STSClientConfig["requestHandler"]>, { handle: unknown }>;

/** Carries requests to `target` instead of to the host that they are for. */
function detour(target: URL, asked: string[]): Handler {
  const inner = new STSClient({ region: "us-east-1" }).config.requestHandler;
  return {
    ...inner,
    handle(...[request, options]: Parameters<typeof inner.handle>) {
      asked.push(`${request.protocol}//${request.hostname}`);
      const { hostname, port } = target;
      return inner.handle(Object.assign(request, { protocol: "http:", hostname, port: Number(port) }), options);
    },
    updateHttpClientConfig: () => {},
    httpHandlerConfigs: () => ({}),
  } as Handler;
}

async function assumeIn(
  context: TestContext,
  partition: string,
  signedFor: string,
  options: Partial<StsOptions> & Pick<StsOptions, "region">,
) {
  withEnvironment(context, { AWS_ACCESS_KEY_ID: KEY.accessKeyId, AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey });
  const arn = `arn:${partition}:iam::123456789012:user/podrole`;
  const roleArn = `arn:${partition}:iam::123456789012:role/team/orders`;
  const emulator = createStsEmulator(
    { clock },
    {
      region: signedFor,
      keys: [{ accessKeyId: KEY.accessKeyId, secretAccessKey: new Secret(KEY.secretAccessKey), arn }],
      roles: [{ arn: roleArn, trust: { principals: [arn] } }],
    },
  );
  await emulator.listen();
  const asked: string[] = [];
  const sts = createSts({ clock, requestHandler: detour(new URL(emulator.url), asked) }, { ...OPTIONS, ...options });
  context.after(async () => {
    sts.close();
    await emulator.close();
  });
  await sts.assumeRole({ roleArn, sessionName: "team.web", durationSeconds: 900 });
  return { asked, calls: emulator.calls.assumed(roleArn) };
}

const VPC_ENDPOINT = "https://vpce-0123456789abcdef0-01234567.sts.eu-central-1.vpce.amazonaws.com";

for (const [what, partition, options, host] of [
  ["a region", "aws", { region: "eu-central-1" }, "https://sts.eu-central-1.amazonaws.com"],
  ["the region of the old global endpoint", "aws", { region: "us-east-1" }, "https://sts.us-east-1.amazonaws.com"],
  ["FIPS", "aws", { region: "us-east-2", fips: true }, "https://sts-fips.us-east-2.amazonaws.com"],
  ["both address families", "aws", { region: "eu-central-1", dualStack: true }, "https://sts.eu-central-1.api.aws"],
  ["China", "aws-cn", { region: "cn-north-1" }, "https://sts.cn-north-1.amazonaws.com.cn"],
  ["China's other region", "aws-cn", { region: "cn-northwest-1" }, "https://sts.cn-northwest-1.amazonaws.com.cn"],
  ["GovCloud", "aws-us-gov", { region: "us-gov-west-1" }, "https://sts.us-gov-west-1.amazonaws.com"],
  ["GovCloud, FIPS", "aws-us-gov", { region: "us-gov-east-1", fips: true }, "https://sts.us-gov-east-1.amazonaws.com"],
  ["an isolated region", "aws-iso", { region: "us-iso-east-1" }, "https://sts.us-iso-east-1.c2s.ic.gov"],
  [
    "the other isolated partition",
    "aws-iso-b",
    { region: "us-isob-east-1" },
    "https://sts.us-isob-east-1.sc2s.sgov.gov",
  ],
  ["the European Sovereign Cloud", "aws-eusc", { region: "eusc-de-east-1" }, "https://sts.eusc-de-east-1.amazonaws.eu"],
  ["a VPC endpoint without private DNS", "aws", { region: "eu-central-1", endpoint: VPC_ENDPOINT }, VPC_ENDPOINT],
] as const) {
  test(`createSts() asks ${host} for ${what}`, async (context) => {
    const { asked, calls } = await assumeIn(context, partition, options.region, options);
    assert.deepEqual(asked, [host]);
    assert.deepEqual(
      calls.map(({ outcome }) => outcome),
      ["ok"],
    );
  });
}

test("createSts() takes the region from AWS_REGION when none is set", async (context) => {
  withEnvironment(context, { AWS_REGION: "ap-south-1" });
  const { asked } = await assumeIn(context, "aws", "ap-south-1", { region: undefined });
  assert.deepEqual(asked, ["https://sts.ap-south-1.amazonaws.com"]);
});

test("createSts() says which settings name a region when there is none", async (context) => {
  await assert.rejects(assumeIn(context, "aws", "eu-central-1", { region: undefined }), {
    code: "STS_UNAVAILABLE",
    message: /--region or AWS_REGION/,
  });
});

test("createSts() signs for the region: STS refuses what is signed for another one, and no pod is to blame", async (context) => {
  await assert.rejects(assumeIn(context, "aws", "eu-west-1", { region: "eu-central-1" }), {
    code: "STS_UNAVAILABLE",
    message: /own AWS credentials: SignatureDoesNotMatch/,
  });
});
