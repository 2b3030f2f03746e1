import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseContainerFlags } from "../../../../src/operations/manifests/container-flags.ts";
import { convertKiam } from "../../../../src/operations/migrate/from-kiam/flag-table.ts";
import { EXPORT_BASE_ARN } from "../cluster-export.ts";

const NONE = new Map<string, string>();
const kiam = (...args: string[]) => convertKiam(parseContainerFlags(args), NONE);

suite("convertKiam()", () => {
  for (const [what, args, server, webhook] of [
    [
      "the base ARN",
      [`--role-base-arn=${EXPORT_BASE_ARN}`],
      { roleBaseArn: EXPORT_BASE_ARN },
      { roleBaseArn: EXPORT_BASE_ARN },
    ],
    [
      "a base ARN without its slash",
      ["--role-base-arn=arn:aws:iam::123456789012:role"],
      { roleBaseArn: EXPORT_BASE_ARN },
      { roleBaseArn: EXPORT_BASE_ARN },
    ],
    ["no unusable base ARN", ["--role-base-arn=x"], {}, {}],
    [
      "the autodetection of it",
      ["--role-base-arn-autodetect"],
      { roleBaseArnAutodetect: "true" },
      { roleBaseArnAutodetect: "true" },
    ],
    [
      "the role to assume first, by its name",
      [`--role-base-arn=${EXPORT_BASE_ARN}`, "--assume-role-arn=hop"],
      { roleBaseArn: EXPORT_BASE_ARN, assumeRoleArn: `${EXPORT_BASE_ARN}hop` },
      { roleBaseArn: EXPORT_BASE_ARN },
    ],
    ["no duration below an hour", ["--session-duration=15m"], {}, {}],
    ["a longer one", ["--session-duration=2h"], { sessionDuration: "120m" }, { sessionDuration: "120m" }],
    ["the region", ["--region=eu-central-1"], { region: "eu-central-1" }, {}],
    [
      "expressions without anchors",
      ["--disable-strict-namespace-regexp"],
      { disableStrictNamespaceRegexp: "true" },
      { disableStrictNamespaceRegexp: "true" },
    ],
    ["no session name", ["--session=prod"], {}, {}],
  ] as const) {
    test(`keeps ${what}`, () => {
      const converted = kiam(...args);
      assert.deepEqual([converted.server, converted.webhook], [server, webhook]);
    });
  }

  test("has a remark about the replacement of every flag that is not kept", () => {
    const { remarks } = convertKiam(
      parseContainerFlags(["--sync=1m", "--session=prod", "--no-such"]),
      parseContainerFlags(["--iptables", "--level=info"]),
    );
    assert.equal(remarks.length, 4);
    assert.match(remarks[1] ?? "", /^--session=prod: .*set session: prod to keep kiam-prod/);
    assert.match(remarks[2] ?? "", /^--such=false: podrole has no such flag/);
    assert.match(remarks[3] ?? "", /^--iptables: podrole intercepts nothing/);
  });
});
