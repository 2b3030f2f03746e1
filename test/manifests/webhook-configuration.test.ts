// What podrole check --print-webhook registers is what the manifests have.
import assert from "node:assert/strict";
import { test } from "node:test";
import { webhookConfiguration } from "../../src/operations/webhook-configuration.ts";
import { readManifest } from "../files.ts";

test("webhookConfiguration() is the object of the manifests", () => {
  const [manifest] = readManifest<object>("base/webhook-configuration.yaml");
  assert.deepEqual(webhookConfiguration("podrole"), manifest);
});

test("webhookConfiguration() calls the webhook of another namespace, and excludes that namespace", () => {
  const text = JSON.stringify(webhookConfiguration("iam"));
  assert.match(text, /"namespace":"iam"/);
  assert.match(text, /"values":\["iam","kube-system",/);
});
