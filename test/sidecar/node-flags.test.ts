import assert from "node:assert/strict";
import { test } from "node:test";
import { renewalFlags } from "../../src/sidecar/node-flags.ts";

test("renewalFlags() keeps what protects the process and drops what saves memory at the expense of CPU", () => {
  const image = ["--disable-sigusr1", "--max-semi-space-size=1"];
  assert.deepEqual(renewalFlags(image), ["--disable-sigusr1", "--use-openssl-ca"]);
  assert.deepEqual(renewalFlags(["--disable-sigusr1", "--lite-mode"]), ["--disable-sigusr1", "--use-openssl-ca"]);
  assert.deepEqual(renewalFlags(["--use-openssl-ca", "--disable-sigusr1"]), ["--disable-sigusr1", "--use-openssl-ca"]);
});
