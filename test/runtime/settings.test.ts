import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  address,
  cidrs,
  duration,
  envName,
  flag,
  flagName,
  formatAddress,
  list,
  namespacedName,
  oneOf,
  type Parser,
  port,
  readSettings,
  text,
  wholeNumber,
} from "../../src/runtime/settings.ts";

const TABLE = {
  region: { type: text, help: "required" },
  sessionDuration: { type: duration, default: "1h", help: "has a default" },
  clusterName: { type: text, default: null, help: "optional" },
  verbose: { type: flag, default: "false", help: "a flag" },
};

suite("readSettings()", () => {
  test("prefers flags to the environment, and the environment to defaults", () => {
    const env = { PODROLE_REGION: "from-env", PODROLE_SESSION_DURATION: "2h" };
    const read = readSettings(TABLE, { region: "from-flag" }, env);
    assert.ok(read.ok);
    assert.deepEqual(
      [read.value.region, read.value.sessionDuration, read.value.clusterName, read.value.verbose],
      ["from-flag", 7_200_000, undefined, false],
    );
    assert.ok(Object.isFrozen(read.value));
  });

  test("reports all problems at once, each with its origin and the expected value", () => {
    const read = readSettings(TABLE, { verbose: "yes" }, { PODROLE_SESSION_DURATION: "1 hour", PODROLE_REGIN: "x" });
    assert.ok(!read.ok);
    const [missing, malformed, flagged, unknown, ...more] = read.problems;
    assert.match(missing ?? "", /^--region \(PODROLE_REGION\) is required/);
    assert.match(malformed ?? "", /^PODROLE_SESSION_DURATION: "1 hour" is not a duration/);
    assert.match(flagged ?? "", /^--verbose: "yes" is not "true" or "false"/);
    assert.equal(unknown, "PODROLE_REGIN: no setting has this name (did you mean PODROLE_REGION?)");
    assert.deepEqual(more, []);
  });

  test("ignores variables that Kubernetes adds for Services, other prefixes, and names of another table", () => {
    const env = {
      PODROLE_REGION: "eu-central-1",
      PODROLE_SERVER_SERVICE_HOST: "10.0.0.1",
      PODROLE_SERVER_SERVICE_PORT: "8444",
      PODROLE_SERVER_SERVICE_PORT_IDENTITY: "8443",
      PODROLE_SERVER_PORT: "tcp://10.0.0.1:8444",
      PODROLE_SERVER_PORT_8444_TCP: "tcp://10.0.0.1:8444",
      PODROLE_SERVER_PORT_8444_TCP_ADDR: "10.0.0.1",
      PODROLE_X_PORT_53_UDP: "udp://10.0.0.2:53",
      PODROLE_X_PORT_80_SCTP: "sctp://10.0.0.2:80",
      PODROLE_X_PORT_80_SCTP_PROTO: "sctp",
      AWS_REGION: "eu-central-1",
      PODROLE_PROOF_FILE: "/token",
    };
    const read = readSettings(TABLE, {}, env, ["PODROLE_PROOF_FILE"]);
    assert.deepEqual(read.ok ? [] : read.problems, []);
  });

  test("reports an empty text as a problem and does not use the default", () => {
    const read = readSettings(TABLE, {}, { PODROLE_REGION: "" });
    assert.ok(!read.ok);
    assert.equal(read.problems.length, 1);
  });
});

test("flagName() and envName() spell a key as flag and as variable", () => {
  assert.equal(flagName("caTtl"), "ca-ttl");
  assert.equal(envName("sessionDuration"), "PODROLE_SESSION_DURATION");
});

const CASES: readonly (readonly [string, Parser<unknown>, string, unknown])[] = [
  ["duration", duration, "1h30m", 5_400_000],
  ["duration", duration, "500ms", 500],
  ["duration", duration, "1.5s", 1_500],
  ["duration", duration, "15", undefined],
  ["duration", duration, "-5m", undefined],
  ["duration", duration, "5 m", undefined],
  ["duration", duration, "", undefined],
  ["port", port, "0", 0],
  ["port", port, "65535", 65_535],
  ["port", port, "65536", undefined],
  ["port", port, "http", undefined],
  ["address", address, "server.podrole.svc:8444", { host: "server.podrole.svc", port: 8444 }],
  ["address", address, "[::1]:8444", { host: "::1", port: 8444 }],
  ["address", address, ":8444", { host: "::", port: 8444 }],
  ["address", address, "server", undefined],
  ["address", address, "http://server:1", undefined],
  ["address", address, "server:70000", undefined],
  ["list", list, "a, b", ["a", "b"]],
  ["list", list, "a,,b", undefined],
  [
    "cidrs",
    cidrs,
    "10.0.0.0/28, fd00::/64",
    [
      { address: "10.0.0.0", prefix: 28 },
      { address: "fd00::", prefix: 64 },
    ],
  ],
  ["cidrs", cidrs, "10.0.0.0", undefined],
  ["cidrs", cidrs, "10.0.0.0/33", undefined],
  ["cidrs", cidrs, "10.0.0/8", undefined],
  ["cidrs", cidrs, "::/129", undefined],
  ["oneOf", oneOf(["glob", "regexp"]), "glob", "glob"],
  ["oneOf", oneOf(["glob", "regexp"]), "Glob", undefined],
  ["wholeNumber", wholeNumber(1, 10), "10", 10],
  ["wholeNumber", wholeNumber(1, 10), "11", undefined],
  ["wholeNumber", wholeNumber(1, 10), "1e0", undefined],
  ["namespacedName", namespacedName, "podrole/podrole-ca", { namespace: "podrole", name: "podrole-ca" }],
  ["namespacedName", namespacedName, "podrole-ca", undefined],
  ["namespacedName", namespacedName, "a/b/c", undefined],
];

for (const [name, parser, given, expected] of CASES) {
  test(`${name} ${expected === undefined ? "refuses" : "reads"} ${JSON.stringify(given)}`, () => {
    assert.deepEqual(parser.parse(given), expected);
  });
}

test("formatAddress() returns text that address.parse() reads back, with brackets around IPv6", () => {
  for (const [host, expected] of [
    ["podrole-server.podrole.svc", "podrole-server.podrole.svc:8444"],
    ["10.0.0.1", "10.0.0.1:8444"],
    ["::1", "[::1]:8444"],
  ] as const) {
    assert.equal(formatAddress({ host, port: 8444 }), expected);
    assert.deepEqual(address.parse(expected), { host, port: 8444 });
  }
});
