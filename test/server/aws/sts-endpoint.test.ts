// The host that the SDK calls, in each partition and for each kind of endpoint. The request itself is real: it is
// diverted unchanged to the STS emulator, which verifies the signature over the original Host header.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { STSClient, type STSClientConfig } from "@aws-sdk/client-sts";
import { systemClock as clock } from "../../../src/runtime/clock.ts";
import { createSts, type StsOptions } from "../../../src/server/aws/sts.ts";
import { withEnvironment } from "../environment.ts";
import { startEmulatedSts } from "./emulated-sts.ts";

const OPTIONS = { endpoint: undefined, usesFips: false, usesDualStack: false, hopRoleArn: undefined, timeoutMs: 5_000 };

type Handler = Extract<NonNullable<STSClientConfig["requestHandler"]>, { handle: unknown }>;

/** Sends requests to `target` instead of their own host. */
function divertTo(target: URL, hosts: string[]): Handler {
  const inner = new STSClient({ region: "us-east-1" }).config.requestHandler;
  return {
    ...inner,
    handle(...[request, options]: Parameters<typeof inner.handle>) {
      hosts.push(`${request.protocol}//${request.hostname}`);
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
  const user = `arn:${partition}:iam::123456789012:user/podrole`;
  const roleArn = `arn:${partition}:iam::123456789012:role/team/orders`;
  const roles = [{ arn: roleArn, trust: { principals: [user] } }];
  const emulator = await startEmulatedSts(context, { user, region: signedFor, roles });
  const hosts: string[] = [];
  const sts = createSts({ clock, requestHandler: divertTo(new URL(emulator.url), hosts) }, { ...OPTIONS, ...options });
  context.after(() => sts.close());
  await sts.assumeRole({ roleArn, sessionName: "team.web", durationSeconds: 900 });
  return { hosts, calls: emulator.calls.assumed(roleArn) };
}

const VPC_ENDPOINT = "https://vpce-0123456789abcdef0-01234567.sts.eu-central-1.vpce.amazonaws.com";

for (const [what, partition, options, host] of [
  ["a region", "aws", { region: "eu-central-1" }, "https://sts.eu-central-1.amazonaws.com"],
  ["the region of the legacy global endpoint", "aws", { region: "us-east-1" }, "https://sts.us-east-1.amazonaws.com"],
  ["FIPS", "aws", { region: "us-east-2", usesFips: true }, "https://sts-fips.us-east-2.amazonaws.com"],
  ["both address families", "aws", { region: "eu-central-1", usesDualStack: true }, "https://sts.eu-central-1.api.aws"],
  ["China", "aws-cn", { region: "cn-north-1" }, "https://sts.cn-north-1.amazonaws.com.cn"],
  ["China's second region", "aws-cn", { region: "cn-northwest-1" }, "https://sts.cn-northwest-1.amazonaws.com.cn"],
  ["GovCloud", "aws-us-gov", { region: "us-gov-west-1" }, "https://sts.us-gov-west-1.amazonaws.com"],
  [
    "GovCloud, FIPS",
    "aws-us-gov",
    { region: "us-gov-east-1", usesFips: true },
    "https://sts.us-gov-east-1.amazonaws.com",
  ],
  ["an isolated region", "aws-iso", { region: "us-iso-east-1" }, "https://sts.us-iso-east-1.c2s.ic.gov"],
  [
    "the second isolated partition",
    "aws-iso-b",
    { region: "us-isob-east-1" },
    "https://sts.us-isob-east-1.sc2s.sgov.gov",
  ],
  ["the European Sovereign Cloud", "aws-eusc", { region: "eusc-de-east-1" }, "https://sts.eusc-de-east-1.amazonaws.eu"],
  ["a VPC endpoint without private DNS", "aws", { region: "eu-central-1", endpoint: VPC_ENDPOINT }, VPC_ENDPOINT],
] as const) {
  test(`createSts() calls ${host} for ${what}`, async (context) => {
    const { hosts, calls } = await assumeIn(context, partition, options.region, options);
    assert.deepEqual(hosts, [host]);
    assert.deepEqual(
      calls.map(({ outcome }) => outcome),
      ["ok"],
    );
  });
}

test("createSts() uses the region of AWS_REGION when no region is set", async (context) => {
  withEnvironment(context, { AWS_REGION: "ap-south-1" });
  const { hosts } = await assumeIn(context, "aws", "ap-south-1", { region: undefined });
  assert.deepEqual(hosts, ["https://sts.ap-south-1.amazonaws.com"]);
});

test("createSts() names the settings of the region when there is none", async (context) => {
  await assert.rejects(assumeIn(context, "aws", "eu-central-1", { region: undefined }), {
    code: "STS_UNAVAILABLE",
    message: /--region or AWS_REGION/,
  });
});

test("createSts() signs for its region: a signature for another one is the retryable STS_UNAVAILABLE", async (context) => {
  await assert.rejects(assumeIn(context, "aws", "eu-west-1", { region: "eu-central-1" }), {
    code: "STS_UNAVAILABLE",
    message: /own AWS credentials: SignatureDoesNotMatch/,
  });
});
