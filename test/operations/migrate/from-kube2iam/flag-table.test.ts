import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseContainerFlags } from "../../../../src/operations/manifests/container-flags.ts";
import { convertKube2iam } from "../../../../src/operations/migrate/from-kube2iam/flag-table.ts";
import { EXPORT_BASE_ARN } from "../cluster-export.ts";

const kube2iam = (...args: string[]) => convertKube2iam(parseContainerFlags(args));

suite("convertKube2iam()", () => {
  test("keeps base ARN, default role and format, and doubles the duration as kube2iam does", () => {
    const { server, remarks } = kube2iam(
      "--base-role-arn=arn:aws:iam::123456789012:role",
      "--default-role=usual",
      "--namespace-restriction-format=regexp",
      "--iam-role-session-ttl=45m",
      "--node=x",
    );
    assert.deepEqual(server, {
      roleBaseArn: EXPORT_BASE_ARN,
      defaultRole: "usual",
      allowedRolesFormat: "regexp",
      sessionDuration: "90m",
    });
    assert.ok(remarks.some((remark) => remark.startsWith("--node=x: it configures kube2iam's own agent")));
  });

  for (const [flag, standard] of [
    ["--iam-role-key", "iam.amazonaws.com/role"],
    ["--iam-external-id", "iam.amazonaws.com/external-id"],
    ["--namespace-key", "iam.amazonaws.com/allowed-roles"],
  ] as const) {
    test(`has no remark about ${flag} with the standard key, and one with another key`, () => {
      assert.deepEqual(kube2iam(`${flag}=${standard}`).remarks, []);
      const [remark, ...others] = kube2iam(`${flag}=example.com/key`).remarks;
      assert.match(remark ?? "", /: podrole reads only the standard annotation: /);
      assert.ok(remark?.includes(standard));
      assert.deepEqual(others, []);
    });
  }

  test("names both annotations that pods need with another role key", () => {
    assert.match(
      kube2iam("--iam-role-key=example.com/role").remarks.join(),
      /: annotate pods with iam\.amazonaws\.com\/role in addition to example\.com\/role$/,
    );
  });
});
