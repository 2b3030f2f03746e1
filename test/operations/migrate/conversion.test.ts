import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { findCommandLine, parseFlags } from "../../../src/operations/migrate/command-lines.ts";
import { convertKiam } from "../../../src/operations/migrate/convert-kiam.ts";
import { convertKube2iam } from "../../../src/operations/migrate/convert-kube2iam.ts";
import { readKiamValues } from "../../../src/operations/migrate/kiam-values.ts";
import { chartValues } from "../../../src/operations/migrate/chart-values.ts";
import { targetSettings } from "../../../src/operations/migrate/target.ts";
import { BASE, clusterExport, KIAM } from "./cluster-export.ts";

const NONE = new Map<string, string>();
const kiam = (...args: string[]) => convertKiam(parseFlags(args), NONE);
const kube2iam = (...args: string[]) => convertKube2iam(parseFlags(args));

suite("parseFlags()", () => {
  test("reads all spellings, and the last of two flags with one name", () => {
    const args = [
      "server",
      "--level=info",
      "--session",
      "x",
      "--json-log",
      "--no-iptables-remove",
      "--level=warn",
      "-v",
    ];
    assert.deepEqual(
      [...parseFlags(args)],
      [
        ["level", "warn"],
        ["session", "x"],
        ["json-log", "true"],
        ["iptables-remove", "false"],
      ],
    );
  });
});

suite("findCommandLine()", () => {
  const { items } = clusterExport(KIAM);
  test("distinguishes server and agent, and names the place", () => {
    assert.equal(findCommandLine(items, "kiam server")?.place, "DaemonSet kube-system/kiam-server");
    assert.equal(findCommandLine(items, "kiam agent")?.flags.get("host-interface"), "cali+");
    assert.equal(findCommandLine(items, "kube2iam"), undefined);
  });
  test("reads a pod if there is no workload", () => {
    const pods = items.filter(({ kind }) => kind === "Pod");
    assert.equal(findCommandLine(pods, "kiam server")?.flags.get("role-base-arn"), BASE);
  });
});

suite("convertKiam()", () => {
  for (const [what, args, server, webhook] of [
    ["the base ARN", [`--role-base-arn=${BASE}`], { roleBaseArn: BASE }, { roleBaseArn: BASE }],
    [
      "a base ARN without its slash",
      ["--role-base-arn=arn:aws:iam::123456789012:role"],
      { roleBaseArn: BASE },
      { roleBaseArn: BASE },
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
      [`--role-base-arn=${BASE}`, "--assume-role-arn=hop"],
      { roleBaseArn: BASE, assumeRoleArn: `${BASE}hop` },
      { roleBaseArn: BASE },
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
      parseFlags(["--sync=1m", "--session=prod", "--no-such"]),
      parseFlags(["--iptables", "--level=info"]),
    );
    assert.equal(remarks.length, 4);
    assert.match(remarks[1] ?? "", /^--session=prod: .*set session: prod to keep kiam-prod/);
    assert.match(remarks[2] ?? "", /^--such=false: podrole has no such flag/);
    assert.match(remarks[3] ?? "", /^--iptables: podrole intercepts nothing/);
  });
});

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
      roleBaseArn: BASE,
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

suite("readKiamValues()", () => {
  const values = {
    server: {
      log: { jsonOutput: true, level: "warn" },
      roleBaseArn: BASE,
      sessionDuration: "15m",
      extraArgs: { region: "eu-west-1", session: "prod", "disable-strict-namespace-regexp": "" },
      tolerations: [{ operator: "Exists" }],
      resources: {},
      affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1 }] } },
      deployment: { enabled: true, replicas: 3 },
      prometheus: { scrape: true },
    },
    agent: { host: { iptables: true, interface: "cali+" }, updateStrategy: "RollingUpdate" },
    serviceAccounts: { server: { annotations: { "eks.amazonaws.com/role-arn": `${BASE}kiam-server` } } },
  };

  test("returns the flags that the chart's templates generate, and the values that generate none", () => {
    const { server, agent, others } = readKiamValues(values);
    assert.deepEqual(Object.fromEntries(server), {
      "json-log": "true",
      level: "warn",
      "role-base-arn": BASE,
      "session-duration": "15m",
      region: "eu-west-1",
      session: "prod",
      "disable-strict-namespace-regexp": "true",
    });
    assert.deepEqual(Object.fromEntries(agent), { iptables: "true", "host-interface": "cali+" });
    assert.deepEqual(others, ["server.affinity", "agent.updateStrategy"]);
  });

  test("keeps where the server runs, and its ServiceAccount", () => {
    assert.deepEqual(readKiamValues(values).placement, {
      replicas: 3,
      tolerations: [{ operator: "Exists" }],
      serviceAccount: { annotations: { "eks.amazonaws.com/role-arn": `${BASE}kiam-server` } },
    });
    assert.deepEqual(readKiamValues({ server: { deployment: { enabled: false, replicas: 3 } } }).placement, {});
  });

  test("detects the base ARN if the values have none, as the template does", () => {
    assert.equal(readKiamValues({}).server.get("role-base-arn-autodetect"), "true");
  });

  test("returns flags that convert to settings with which podrole starts", () => {
    const { server, agent } = readKiamValues(values);
    const target = targetSettings(convertKiam(server, agent), {}, true);
    assert.ok(target.ok, JSON.stringify(target));
    assert.equal(target.settings.policy.strictNamespaceRegexp, false);
  });
});

suite("targetSettings()", () => {
  test("prefers the environment, and reports settings with which podrole would not start", () => {
    const converted = { server: { roleBaseArn: BASE, sessionDuration: "120m" }, webhook: { roleBaseArn: BASE } };
    const own = targetSettings(converted, { PODROLE_SESSION_DURATION: "30m" }, true);
    assert.ok(own.ok);
    assert.equal(own.settings.policy.sessionDurationMs, 1_800_000);
    const wrong = targetSettings(converted, { PODROLE_ASSUME_ROLE_ARN: `${BASE}hop` }, true);
    assert.ok(!wrong.ok);
    assert.match(wrong.problems[0] ?? "", /^--session-duration: .*--assume-role-arn is set; expected at most 1h/);
  });

  test("reports a misspelt setting", () => {
    const target = targetSettings({ server: {}, webhook: {} }, { PODROLE_REGOIN: "x" }, true);
    assert.ok(!target.ok);
    assert.deepEqual(target.problems, ["PODROLE_REGOIN: no setting has this name (did you mean PODROLE_REGION?)"]);
  });
});

suite("chartValues()", () => {
  test("puts settings that both programs take under settings, and leaves out empty parts", () => {
    const server = { roleBaseArn: BASE, assumeRoleArn: `${BASE}hop` };
    const webhook = { roleBaseArn: BASE };
    assert.deepEqual(chartValues({ server, webhook }, { replicas: 3, tolerations: [] }), {
      settings: { roleBaseArn: BASE },
      server: { settings: { assumeRoleArn: `${BASE}hop` }, replicas: 3 },
    });
    assert.deepEqual(chartValues({ server: {}, webhook: {} }, {}), {});
  });

  test("returns only values that the chart's schema defines", () => {
    const flags = parseFlags([
      "--json-log",
      "--level=info",
      "--region=eu-central-1",
      `--role-base-arn=${BASE}`,
      `--assume-role-arn=${BASE}hop`,
      "--session-duration=2h",
      "--disable-strict-namespace-regexp",
    ]);
    const placement = {
      replicas: 3,
      tolerations: [],
      podLabels: { a: "b" },
      serviceAccount: { annotations: { a: "b" } },
    };
    const old = kube2iam("--default-role=usual", "--namespace-restriction-format=glob", "--log-format=json");
    const { server, webhook } = convertKiam(flags, NONE);
    for (const values of [chartValues({ server, webhook }, placement), chartValues(old, {})]) {
      assert.deepEqual(unknownTo(SCHEMA, values, "values"), []);
    }
    assert.deepEqual(unknownTo(SCHEMA, { server: { settings: { nosuch: "x" } } }, "values"), [
      "values.server.settings.nosuch",
    ]);
  });
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
}

const SCHEMA = JSON.parse(
  readFileSync(fileURLToPath(new URL("../../../manifests/chart/values.schema.json", import.meta.url)), "utf8"),
) as Schema;

/** Paths that the schema does not define. */
function unknownTo({ properties = {}, additionalProperties }: Schema, value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const known = properties[key];
    if (known) return unknownTo(known, inner, `${path}.${key}`);
    return additionalProperties === false ? [`${path}.${key}`] : [];
  });
}
