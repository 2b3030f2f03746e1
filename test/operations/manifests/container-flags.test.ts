import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseContainerFlags } from "../../../src/operations/manifests/container-flags.ts";

suite("parseContainerFlags()", () => {
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
      [...parseContainerFlags(args)],
      [
        ["level", "warn"],
        ["session", "x"],
        ["json-log", "true"],
        ["iptables-remove", "false"],
      ],
    );
  });
});
