import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Container, Pod } from "../../../../src/kubernetes/objects.ts";
import { sdkAgeOf } from "../../../../src/operations/migrate/findings/sdk-versions.ts";

const pod = (container: Partial<Container>): Pod => ({
  metadata: {},
  spec: { containers: [{ name: "app", ...container }] },
});
const variable = (name: string, value: string) => pod({ env: [{ name, value }] });

suite("sdkAgeOf()", () => {
  for (const [image, age] of [
    ["amazon/aws-cli:2.9.1", "old"],
    ["amazon/aws-cli:2.15.0", "new"],
    ["public.ecr.aws/aws-cli/aws-cli:2.14.6", "old"],
    ["amazon/aws-cli:1.29.0", "old"],
    ["amazon/aws-cli:1.30.0", "new"],
    ["amazon/aws-cli:3.0.0", "new"],
    ["amazon/aws-cli:2.15", "new"],
    ["amazon/aws-cli:latest", "unknown"],
    ["amazon/aws-cli:2", "unknown"],
    ["amazon/aws-cli", "unknown"],
    ["amazon/aws-cli@sha256:0123", "unknown"],
    ["registry:5000/amazon/aws-cli:2.9.1", "old"],
    ["registry.example/my-aws-cli:2.9.1", "unknown"],
    ["public.ecr.aws/aws-observability/aws-for-fluent-bit:2.28.4", "old"],
    ["public.ecr.aws/aws-observability/aws-for-fluent-bit:2.32.5.20250327", "unknown"],
    ["public.ecr.aws/aws-observability/aws-for-fluent-bit:2.32.5", "new"],
    ["registry.example/shop:1.2.3", "unknown"],
  ] as const) {
    test(`returns ${age} for ${image}`, () => assert.equal(sdkAgeOf(pod({ image })).age, age));
  }

  test("reads variables that name a version, and prefers an old SDK of the pod", () => {
    assert.equal(sdkAgeOf(variable("BOTO3_VERSION", "1.26.0")).age, "old");
    assert.equal(sdkAgeOf(variable("BOTO3_VERSION", "1.34.41")).age, "new");
    const { spec } = pod({ image: "amazon/aws-cli:2.20.0" });
    const both = {
      metadata: {},
      spec: { containers: [...spec.containers, { name: "b", image: "amazon/aws-cli:2.1.0" }] },
    };
    assert.equal(sdkAgeOf(both).age, "old");
  });
});
