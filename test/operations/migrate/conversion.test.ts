import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { findCommandLine, parseFlags } from "../../../src/operations/migrate/command-lines.ts";
import { convertKiam, convertKube2iam } from "../../../src/operations/migrate/conversion.ts";
import { readKiamValues } from "../../../src/operations/migrate/kiam-values.ts";
import { chartValues } from "../../../src/operations/migrate/values.ts";
import { targetSettings } from "../../../src/operations/migrate/target.ts";
import { BASE, clusterExport, KIAM } from "./cluster-export.ts";

const NONE = new Map<string, string>();
const kiam = (...words: string[]) => convertKiam(parseFlags(words), NONE);
const kube2iam = (...words: string[]) => convertKube2iam(parseFlags(words));

suite("parseFlags()", () => {
  test("reads all spellings, the last of two", () => {
    const words = [
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
      [...parseFlags(words)],
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
  test("finds server and agent apart, and names the place", () => {
    assert.equal(findCommandLine(items, "kiam server")?.place, "DaemonSet kube-system/kiam-server");
    assert.equal(findCommandLine(items, "kiam agent")?.flags.get("host-interface"), "cali+");
    assert.equal(findCommandLine(items, "kube2iam"), undefined);
  });
  test("is content with a pod", () => {
    const pods = items.filter(({ kind }) => kind === "Pod");
    assert.equal(findCommandLine(pods, "kiam server")?.flags.get("role-base-arn"), BASE);
  });
});

suite("convertKiam()", () => {
  for (const [what, words, server, webhook] of [
    ["the base ARN", [`--role-base-arn=${BASE}`], { roleBaseArn: BASE }, { roleBaseArn: BASE }],
    [
      "a base ARN without its slash",
      ["--role-base-arn=arn:aws:iam::123456789012:role"],
      { roleBaseArn: BASE },
      { roleBaseArn: BASE },
    ],
    ["no base ARN that is none", ["--role-base-arn=x"], {}, {}],
    [
      "the search for it",
      ["--role-base-arn-autodetect"],
      { roleBaseArnAutodetect: "true" },
      { roleBaseArnAutodetect: "true" },
    ],
    [
      "a first hop by its name",
      [`--role-base-arn=${BASE}`, "--assume-role-arn=hop"],
      { roleBaseArn: BASE, assumeRoleArn: `${BASE}hop` },
      { roleBaseArn: BASE },
    ],
    ["no duration below an hour", ["--session-duration=15m"], {}, {}],
    ["a longer one", ["--session-duration=2h"], { sessionDuration: "120m" }, { sessionDuration: "120m" }],
    ["the region", ["--region=eu-central-1"], { region: "eu-central-1" }, {}],
    [
      "loose expressions",
      ["--disable-strict-namespace-regexp"],
      { disableStrictNamespaceRegexp: "true" },
      { disableStrictNamespaceRegexp: "true" },
    ],
    ["the session's name not by itself", ["--session=prod"], {}, {}],
  ] as const) {
    test(`keeps ${what}`, () => {
      const converted = kiam(...words);
      assert.deepEqual([converted.server, converted.webhook], [server, webhook]);
    });
  }

  test("tells of every flag that is not kept what took its place", () => {
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
  test("keeps base ARN, default role and format; doubles the time as kube2iam does", () => {
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
    assert.ok(remarks.some((remark) => remark.startsWith("--node=x: it is about kube2iam's own agent")));
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

  test("gives the flags that the chart's templates would, and what makes none", () => {
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

  test("keeps where the server runs, and as whom", () => {
    assert.deepEqual(readKiamValues(values).placement, {
      replicas: 3,
      tolerations: [{ operator: "Exists" }],
      serviceAccount: { annotations: { "eks.amazonaws.com/role-arn": `${BASE}kiam-server` } },
    });
    assert.deepEqual(readKiamValues({ server: { deployment: { enabled: false, replicas: 3 } } }).placement, {});
  });

  test("looks for the base ARN where the values name none, as the template does", () => {
    assert.equal(readKiamValues({}).server.get("role-base-arn-autodetect"), "true");
  });

  test("leads to settings that podrole starts with", () => {
    const { server, agent } = readKiamValues(values);
    const target = targetSettings(convertKiam(server, agent), {}, true);
    assert.ok(target.ok, JSON.stringify(target));
    assert.equal(target.settings.policy.strictNamespaceRegexp, false);
  });
});

suite("targetSettings()", () => {
  test("lets the environment win, and says what podrole would not start with", () => {
    const converted = { server: { roleBaseArn: BASE, sessionDuration: "120m" }, webhook: { roleBaseArn: BASE } };
    const own = targetSettings(converted, { PODROLE_SESSION_DURATION: "30m" }, true);
    assert.ok(own.ok);
    assert.equal(own.settings.policy.sessionDurationMs, 1_800_000);
    const wrong = targetSettings(converted, { PODROLE_ASSUME_ROLE_ARN: `${BASE}hop` }, true);
    assert.ok(!wrong.ok);
    assert.match(wrong.problems[0] ?? "", /^--session-duration: with --assume-role-arn STS allows 1h at most/);
  });

  test("names a misspelt setting", () => {
    const target = targetSettings({ server: {}, webhook: {} }, { PODROLE_REGOIN: "x" }, true);
    assert.ok(!target.ok);
    assert.deepEqual(target.problems, ["PODROLE_REGOIN: no setting has this name (did you mean PODROLE_REGION?)"]);
  });
});

suite("chartValues()", () => {
  test("puts under settings what both programs take, and leaves out what is empty", () => {
    const server = { roleBaseArn: BASE, assumeRoleArn: `${BASE}hop` };
    const webhook = { roleBaseArn: BASE };
    assert.deepEqual(chartValues({ server, webhook }, { replicas: 3, tolerations: [] }), {
      settings: { roleBaseArn: BASE },
      server: { settings: { assumeRoleArn: `${BASE}hop` }, replicas: 3 },
    });
    assert.deepEqual(chartValues({ server: {}, webhook: {} }, {}), {});
  });

  test("writes nothing that the chart's schema does not know", () => {
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

/** Paths that an object of the schema closes out. */
function unknownTo({ properties = {}, additionalProperties }: Schema, value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const known = properties[key];
    if (known) return unknownTo(known, inner, `${path}.${key}`);
    return additionalProperties === false ? [`${path}.${key}`] : [];
  });
}
