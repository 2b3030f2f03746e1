import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readExplain } from "../../../src/cli/arguments/explain.ts";

const WEB = { kind: "Deployment", resource: "deployments", name: "web" };
const ORDERS = { kind: "Pod", resource: "pods", name: "orders" };

suite("readExplain()", () => {
  for (const [args, subject] of [
    [["deploy/web"], WEB],
    [["Deployment", "web"], WEB],
    [["Pod/orders"], ORDERS],
    [["po", "orders"], ORDERS],
  ] as const) {
    test(`accepts ${args.join(" ")}, as kubectl does`, () => {
      const read = readExplain({}, args);
      assert.deepEqual(read.ok && read.value.subject, subject);
    });
  }

  for (const args of [
    ["orders"],
    ["pod/"],
    ["pod", ""],
    ["service/web"],
    ["service", "web"],
    ["pod/a/b"],
    ["pod", "a/b"],
    [""],
  ]) {
    test(`refuses ${JSON.stringify(args)} and names the kinds`, () => {
      const read = readExplain({}, args);
      assert.match(read.ok ? "" : read.problems.join(), /is not KIND\/NAME with one of the kinds pod, deployment/);
    });
  }

  for (const [args, flags] of [
    [[], {}],
    [["pod/a"], { filename: "-" }],
    [["pod/a", "pod/b"], {}],
    [["pod", "a", "b"], {}],
  ] as const) {
    test(`refuses ${JSON.stringify(args)} with ${JSON.stringify(flags)}: not exactly one object or file`, () => {
      const read = readExplain(flags, args);
      assert.match(read.ok ? "" : read.problems.join(), /exactly one of KIND\/NAME|expected one object/);
    });
  }
});
