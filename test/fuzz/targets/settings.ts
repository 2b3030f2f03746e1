// Flags and variables of the three programs, and the small parsers of values.
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { parseQuantity } from "../../../src/kubernetes/quantity.ts";
import { matchesLabels, parseLabelSelector } from "../../../src/kubernetes/selectors.ts";
import { duration, envName, readSettings, type SettingTable } from "../../../src/runtime/settings.ts";
import { SERVER_SETTINGS } from "../../../src/settings/server.ts";
import { WEBHOOK_SETTINGS } from "../../../src/settings/webhook.ts";
import { SIDECAR_SETTINGS } from "../../../src/sidecar/settings.ts";
import { hostileText, mutatedText } from "../generate.ts";
import { defineTarget } from "../target.ts";

const TABLES: readonly SettingTable[] = [SERVER_SETTINGS, WEBHOOK_SETTINGS, SIDECAR_SETTINGS];

const VALUES = mutatedText([
  ...[
    "15m",
    "1h30m",
    "500ms",
    "[::]:8443",
    "127.0.0.1:0",
    "podrole/podrole-ca",
    "true",
    "none",
    "auto",
    "100m",
    "96Mi",
  ],
  ...["arn:aws:iam::123456789012:role/", "a,b,c", "eu-central-1", "{namespace}.{pod}", "https://sts.example", "10000"],
]);

const settings = defineTarget({
  name: "settings",
  weight: 5,
  inputs: fc.tuple(
    fc.nat(TABLES.length - 1),
    fc.array(fc.tuple(fc.nat(63), VALUES, fc.boolean()), { maxLength: 6 }),
    fc.option(fc.constantFrom("PODROLE_", "PODROLE_SERVR", "PODROLE_PORT_80_TCP", "PODROLE___PROTO__"), {
      nil: undefined,
    }),
  ),
  run([index, given, odd]) {
    const table = TABLES[index] ?? {};
    const keys = Object.keys(table);
    const flags: Record<string, string> = {};
    const env: Record<string, string> = odd === undefined ? {} : { [odd]: "1" };
    for (const [at, value, isFlag] of given) {
      const key = keys[at % keys.length] ?? "";
      if (isFlag) flags[key] = value;
      else env[envName(key)] = value;
    }
    const read = readSettings(table, flags, env);
    if (read.ok) return [];
    assert.ok(read.problems.length > 0 && read.problems.every((problem) => problem !== ""));
    return read.problems;
  },
});

const quantity = defineTarget({
  name: "quantity",
  weight: 150,
  inputs: mutatedText(["100m", "1.5Gi", "0.25", "1e3", "-1", "+2Ki", "12E", "1.000000001", "5n", ".5", "1e-3"]),
  run(text) {
    const value = parseQuantity(text);
    // A memory limit of an absurd size would only cost memory here, where it is a number.
    assert.ok(value === undefined || typeof value === "bigint");
    assert.ok(value === undefined || text.length <= 400, `a text of ${text.length} characters is a quantity`);
    return [];
  },
});

const durations = defineTarget({
  name: "duration",
  weight: 80,
  inputs: mutatedText(["15m", "1h30m", "500ms", "0s", "1.5h", "99999999h", "1h1h"]),
  run(text) {
    const value = duration.parse(text);
    assert.ok(value === undefined || (Number.isFinite(value) && value >= 0), `${value} ms`);
    return [];
  },
});

const selector = defineTarget({
  name: "selector",
  weight: 60,
  inputs: fc.tuple(
    mutatedText([
      "a=b",
      "a==b,c!=d",
      "env in (prod, test),!x",
      "a notin (b)",
      "n>5,n<9",
      "example.com/a=b",
      "a, b",
      "a in ()",
    ]),
    fc.dictionary(fc.constantFrom("a", "env", "n", "x", "__proto__", "example.com/a"), hostileText, { maxKeys: 3 }),
  ),
  run([text, labels]) {
    const parsed = parseLabelSelector(text);
    if (parsed !== undefined) assert.equal(typeof matchesLabels(parsed, labels), "boolean");
    return [];
  },
});

export const SETTINGS_TARGETS = [settings, quantity, durations, selector];
