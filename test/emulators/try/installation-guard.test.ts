// Which webhooks keep a try installation from running.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { whyNotBeside } from "../../../emulators/try/installation-guard.ts";
import { readManifest } from "../../files.ts";

const named = (name: string, ...webhooks: string[]) => ({
  metadata: { name },
  webhooks: webhooks.map((webhook) => ({ name: webhook })),
});

suite("whyNotBeside()", () => {
  test("allows a cluster without podrole, and a try installation's own webhook", () => {
    const others = [named("istio", "sidecar.istio.io"), named("empty"), { metadata: { name: "none" } }];
    assert.equal(whyNotBeside([]), undefined);
    assert.equal(whyNotBeside([...others, named("podrole-try", "pods.try.podrole.io")]), undefined);
  });

  test("refuses a cluster in which podrole's webhook is registered, under whatever name", () => {
    assert.match(
      whyNotBeside([named("podrole-try", "pods.try.podrole.io"), named("ours", "a.example", "pods.podrole.io")]) ?? "",
      /^Cannot run the emulated STS .*MutatingWebhookConfiguration "ours"\); expected a cluster without podrole$/,
    );
  });

  test("refuses the installation of manifests/base", () => {
    const configuration = readManifest<ReturnType<typeof named>>("base/webhook-configuration.yaml");
    assert.match(whyNotBeside(configuration) ?? "", /MutatingWebhookConfiguration "podrole"/);
  });
});
