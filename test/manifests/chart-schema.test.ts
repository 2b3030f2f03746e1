// The chart's schema beside the programs' own parsers: it rejects nothing that a program accepts, and what a program's
// check at start would reject, as far as a schema can express it.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { isTrustDomain } from "../../src/pki/identity.ts";
import { MINUTE_MS } from "../../src/runtime/clock.ts";
import { duration, readSettings, type SettingTable } from "../../src/runtime/settings.ts";
import { crossCheckServer } from "../../src/settings/cross-check.ts";
import { SERVER_SETTINGS } from "../../src/settings/server.ts";
import { WEBHOOK_SETTINGS } from "../../src/settings/webhook.ts";
import { readText } from "../files.ts";

interface ValueSchema {
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly ValueSchema[];
  readonly type?: string | readonly string[];
  readonly pattern?: string;
  readonly not?: ValueSchema;
  readonly allOf?: readonly ValueSchema[];
}

interface ProgramSchema {
  readonly properties: { readonly settings: { readonly properties: Readonly<Record<string, ValueSchema>> } };
}

const schema = JSON.parse(readText("manifests/chart/values.schema.json")) as {
  readonly properties: { readonly server: ProgramSchema; readonly webhook: ProgramSchema };
};

/** Whether the schema of a setting accepts a text; for the few words of JSON Schema that these schemas have. */
function accepts({ enum: choices, anyOf, allOf = [], type, pattern, not }: ValueSchema, text: string): boolean {
  if (choices !== undefined) return choices.includes(text);
  if (anyOf !== undefined) return anyOf.some((one) => accepts(one, text));
  if (type !== undefined && ![type].flat().includes("string")) return false;
  if (pattern !== undefined && !new RegExp(pattern).test(text)) return false;
  if (not?.pattern !== undefined && new RegExp(not.pattern).test(text)) return false;
  return allOf.every((one) => accepts(one, text));
}

const TEXTS = [
  ...["500ms", "15m", "1h30m", "1.5h", "0s", "010m", "9m60s"],
  ...["podrole-server.podrole.svc:8444", "[::]:8444", ":0", "podrole/podrole-ca", "a,b", "true", "false", "auto"],
  ...["none", "1", "-1", "50", "10000000", "96Mi", "100m", "glob", "regexp", "info", "warn", "10.0.0.0/28,fd00::/64"],
  ...["arn:aws:iam::123456789012:role/a", "https://sts.eu-central-1.amazonaws.com", "", " ", "15", "1m", "x", "é"],
];

/** Settings with limits that the programs check beside their parsers. */
const LIMITED = new Set([
  "certificateTtl",
  "podCertificateRenewal",
  "sessionDuration",
  "maxSessionDuration",
  "trustDomain",
]);

suite("chartSchema()", () => {
  for (const [program, table] of Object.entries({ server: SERVER_SETTINGS, webhook: WEBHOOK_SETTINGS })) {
    const { properties } = schema.properties[program as "server" | "webhook"].properties.settings;

    test(`rejects no text that a setting of the ${program} accepts`, () => {
      const rejected = Object.entries(table as SettingTable).flatMap(([key, { type }]) => {
        const own = properties[key];
        if (own === undefined || LIMITED.has(key)) return [];
        return TEXTS.filter((text) => type.parse(text) !== undefined && text !== "" && !accepts(own, text)).map(
          (text) => `${key}: ${text}`,
        );
      });
      assert.deepEqual(rejected, []);
    });

    test(`rejects texts of another form in the ${program}'s settings`, () => {
      const durations = Object.entries(table as SettingTable).filter(
        ([key, { type }]) => type === duration && key in properties,
      );
      assert.ok(durations.length > 0);
      for (const [key] of durations) assert.equal(accepts(properties[key] ?? {}, "15"), false, key);
    });
  }

  test("rejects a certificateTtl below 10 minutes, which the server rejects at its start", () => {
    const own = schema.properties.server.properties.settings.properties["certificateTtl"] ?? {};
    for (const text of ["1m", "9m", "09m", "599s", "60s", "0h", "599999ms", "1ms"]) {
      assert.ok((duration.parse(text) ?? Infinity) < 10 * MINUTE_MS, text);
      assert.equal(accepts(own, text), false, text);
    }
    for (const text of ["10m", "1h", "600s", "600000ms", "9m60s", "0.5h", "010m", "0600s"]) {
      assert.ok((duration.parse(text) ?? 0) >= 10 * MINUTE_MS, text);
      assert.equal(accepts(own, text), true, text);
    }
  });

  test("rejects a sessionDuration outside of 15m to 12h, which the programs reject at their start", () => {
    const own = schema.properties.server.properties.settings.properties["sessionDuration"] ?? {};
    const isOutside = (text: string) => {
      const read = readSettings(SERVER_SETTINGS, { sessionDuration: text }, {});
      return crossCheckServer(read.ok ? read.value : assert.fail(text)).some((one) => one.startsWith("--session-d"));
    };
    for (const text of ["1m", "14m", "899s", "0h", "899999ms", "13h", "100h", "721m", "999m", "1000m"]) {
      assert.deepEqual([isOutside(text), accepts(own, text)], [true, false], text);
    }
    for (const text of ["15m", "900s", "900000ms", "1h", "12h", "720m", "0.5h", "14m60s"]) {
      assert.deepEqual([isOutside(text), accepts(own, text)], [false, true], text);
    }
  });

  test("rejects a trustDomain that is no DNS name in lower case, which the server rejects at its start", () => {
    const own = schema.properties.server.properties.settings.properties["trustDomain"] ?? {};
    const label = "a".repeat(63);
    for (const text of [
      "a",
      "a-1.example",
      "cluster.local",
      label,
      "Upper",
      "a_b",
      "-a",
      "a-",
      "a..b",
      "a.",
      `${label}a`,
    ]) {
      assert.equal(accepts(own, text), isTrustDomain(text), text);
    }
  });
});
