// The chart's schema beside the programs' own parsers: it rejects nothing that a program accepts, and what a program's
// check at start would reject, as far as a schema can express it.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { MINUTE_MS } from "../../src/runtime/clock.ts";
import { duration, type SettingTable } from "../../src/runtime/settings.ts";
import { SERVER_SETTINGS } from "../../src/settings/server.ts";
import { WEBHOOK_SETTINGS } from "../../src/settings/webhook.ts";
import { readText } from "../files.ts";

interface ValueSchema {
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly ValueSchema[];
  readonly type?: string | readonly string[];
  readonly pattern?: string;
  readonly not?: ValueSchema;
}

interface ProgramSchema {
  readonly properties: { readonly settings: { readonly properties: Readonly<Record<string, ValueSchema>> } };
}

const schema = JSON.parse(readText("manifests/chart/values.schema.json")) as {
  readonly properties: { readonly server: ProgramSchema; readonly webhook: ProgramSchema };
};

/** Whether the schema of a setting accepts a text; for the few words of JSON Schema that these schemas have. */
function accepts({ enum: choices, anyOf, type, pattern, not }: ValueSchema, text: string): boolean {
  if (choices !== undefined) return choices.includes(text);
  if (anyOf !== undefined) return anyOf.some((one) => accepts(one, text));
  if (type !== undefined && ![type].flat().includes("string")) return false;
  if (pattern !== undefined && !new RegExp(pattern).test(text)) return false;
  return not?.pattern === undefined || !new RegExp(not.pattern).test(text);
}

const TEXTS = [
  ...["500ms", "15m", "1h30m", "1.5h", "0s", "010m", "9m60s"],
  ...["podrole-server.podrole.svc:8444", "[::]:8444", ":0", "podrole/podrole-ca", "a,b", "true", "false", "auto"],
  ...["none", "1", "-1", "50", "10000000", "96Mi", "100m", "glob", "regexp", "info", "warn", "10.0.0.0/28,fd00::/64"],
  ...["arn:aws:iam::123456789012:role/a", "https://sts.eu-central-1.amazonaws.com", "", " ", "15", "1m", "x", "é"],
];

suite("chartSchema()", () => {
  for (const [program, table] of Object.entries({ server: SERVER_SETTINGS, webhook: WEBHOOK_SETTINGS })) {
    const { properties } = schema.properties[program as "server" | "webhook"].properties.settings;

    test(`rejects no text that a setting of the ${program} accepts`, () => {
      const rejected = Object.entries(table as SettingTable).flatMap(([key, { type }]) => {
        const own = properties[key];
        if (own === undefined || key === "certificateTtl") return [];
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
});
