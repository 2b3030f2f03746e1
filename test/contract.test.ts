// Compares everything that programs and scripts read from podrole with the recorded contract. A difference can break a
// user's dashboard, script or manifest: list it in CHANGELOG.md, then update the snapshot with UPDATE=1 npx node --test
// test/contract.test.ts
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ERRORS } from "../src/protocol/errors.ts";
import { SERVER_SETTINGS } from "../src/settings/server.ts";
import { auditContract } from "./contract/audit.ts";
import { commandLine, exitCodes } from "./contract/command-line.ts";
import { type Contract, contractDifferences, formatContract, shapeOf } from "./contract/entries.ts";
import { identityContract } from "./contract/identity.ts";
import { injectionContract } from "./contract/injection.ts";
import { outputContract } from "./contract/output.ts";
import { recordsContract } from "./contract/records.ts";
import { errorEntries, settingEntries, tablesContract } from "./contract/tables.ts";
import { protoEntries, wireContract } from "./contract/wire.ts";

const SNAPSHOT = fileURLToPath(new URL("contract.json", import.meta.url));

const current: Contract = {
  ...tablesContract(),
  ...commandLine(),
  ...injectionContract(),
  ...identityContract(),
  ...wireContract(),
  ...(await recordsContract()),
  ...(await auditContract()),
  ...(await outputContract()),
};

suite("the contract", () => {
  test("is what contract.json records", () => {
    if (process.env["UPDATE"] === "1") writeFileSync(SNAPSHOT, formatContract(current));
    const recorded = JSON.parse(readFileSync(SNAPSHOT, "utf8")) as Contract;
    const found = contractDifferences(recorded, current);
    const hint = "If this is intended, list it in CHANGELOG.md and run UPDATE=1 npx node --test test/contract.test.ts";
    assert.deepEqual(found, [], `${found.join("\n")}\n${hint}`);
    assert.equal(
      readFileSync(SNAPSHOT, "utf8"),
      formatContract(recorded),
      "contract.json is not sorted; run with UPDATE=1",
    );
  });

  for (const [section, entries] of Object.entries(current)) {
    test(`${section}: has entries, and a removed one is found`, () => {
      const [[name, value] = ["", ""], ...rest] = Object.entries(entries);
      assert.notEqual(name, "", `section ${section} is empty`);
      const changed = { ...current, [section]: Object.fromEntries(rest) };
      assert.deepEqual(contractDifferences(current, changed), [`removed  ${section}: ${name}  (${value})`]);
      assert.deepEqual(contractDifferences(changed, current), [`added    ${section}: ${name}  (${value})`]);
    });
  }
});

suite("differences()", () => {
  test("lists an error code that is missing from a copy of ERRORS, and one whose status changed", () => {
    const { ROLE_FORBIDDEN, ...others } = ERRORS;
    assert.deepEqual(contractDifferences({ errors: errorEntries(ERRORS) }, { errors: errorEntries(others) }), [
      "removed  errors: ROLE_FORBIDDEN  (HTTP 403, gRPC PERMISSION_DENIED, no retry, drop)",
    ]);
    const moved = { ...ERRORS, ROLE_FORBIDDEN: { ...ROLE_FORBIDDEN, http: 400, keep: true } } as const;
    assert.deepEqual(contractDifferences({ errors: errorEntries(ERRORS) }, { errors: errorEntries(moved) }), [
      "changed  errors: ROLE_FORBIDDEN  from (HTTP 403, gRPC PERMISSION_DENIED, no retry, drop) to (HTTP 400, gRPC PERMISSION_DENIED, no retry, keep)",
    ]);
  });

  test("lists a setting whose default changed, but not one whose help text changed", () => {
    const { level } = SERVER_SETTINGS;
    const before = { settings: settingEntries({ level }) };
    const reworded = { settings: settingEntries({ level: { ...level, help: "another text" } }) };
    const louder = { settings: settingEntries({ level: { ...level, default: "debug" } }) };
    assert.deepEqual(contractDifferences(before, reworded), []);
    assert.deepEqual(contractDifferences(before, louder), [
      "changed  settings: level  from (--level, PODROLE_LEVEL, default info) to (--level, PODROLE_LEVEL, default debug)",
    ]);
  });

  test("lists every entry of a missing section", () => {
    assert.deepEqual(contractDifferences({ a: { x: "1", y: "2" } }, {}), ["removed  a: x  (1)", "removed  a: y  (2)"]);
  });
});

test("shapeOf() gives each path of the samples its types, and treats the keys of maps as data", () => {
  const samples = [{ list: [{ a: 1 }, { a: "1", b: null }], counts: { x: 1, y: 2 } }];
  assert.deepEqual(shapeOf(samples, ["counts"]), {
    list: "list",
    "list[]": "object",
    "list[].a": "number or string",
    "list[].b": "null",
    counts: "object",
    "counts.*": "number",
  });
});

test("exitCodes() reads the number at the start of each clause, not numbers in its text", () => {
  const help = "Usage: x\n\nExit codes: 0 done within 30 s, 1 refused;\n  2 usage\n\nSee 7";
  assert.equal(exitCodes(help), "0, 1, 2");
  assert.equal(exitCodes("Exit codes:\n  0  done\n  1  refused\n"), "0, 1");
  assert.equal(exitCodes("Usage: x"), undefined);
});

test("protoEntries() lists methods and numbered fields, those of a oneof included", () => {
  const proto = `package p.v1;
service S {
  rpc Do(A) returns (B);
}
message A {
  // old = 9;
  repeated string names = 1;
  oneof result {
    int64 at_ms = 2;
  }
}`;
  assert.deepEqual(protoEntries(proto), {
    "p.v1.S/Do": "A → B",
    "p.v1.A.names": "1: repeated string",
    "p.v1.A.at_ms": "2: int64",
  });
});
