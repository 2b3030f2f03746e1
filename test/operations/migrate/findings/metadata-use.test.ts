import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Container, Pod } from "../../../../src/kubernetes/objects.ts";
import { metadataEndpointOf, metadataUseOf } from "../../../../src/operations/migrate/findings/metadata-use.ts";

const pod = (container: Partial<Container>): Pod => ({
  metadata: {},
  spec: { containers: [{ name: "app", ...container }] },
});
const variable = (name: string, value: string) => pod({ env: [{ name, value }] });

suite("metadataUseOf()", () => {
  for (const [what, container, expected] of [
    [
      "an address in a command",
      { command: ["curl", "http://169.254.169.254/latest/meta-data/instance-id"] },
      "the instance id",
    ],
    [
      "a path in a variable",
      { env: [{ name: "U", value: "/latest/dynamic/instance-identity/document" }] },
      "the identity document",
    ],
    ["an address alone", { args: ["--imds=169.254.169.254"] }, "instance metadata"],
    ["an exemption from the proxy", { env: [{ name: "NO_PROXY", value: "169.254.169.254,10.0.0.0/8" }] }, undefined],
    ["nothing", { args: ["serve"] }, undefined],
  ] as const) {
    test(`returns ${expected ?? "undefined"} for ${what}`, () => {
      assert.equal(metadataUseOf(pod(container as unknown as Container))?.what, expected);
    });
  }
});

suite("metadataEndpointOf()", () => {
  test("finds the variable that sets another endpoint, and no other variable", () => {
    const found = metadataEndpointOf(variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://10.0.0.1:8181"));
    assert.equal(found?.variable, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    assert.equal(metadataEndpointOf(variable("AWS_REGION", "eu-central-1")), undefined);
  });
});
