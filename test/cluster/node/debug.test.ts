// The real kubectl debug, as docs/roles.md shows it: copies of an injected pod and ephemeral containers in it,
// with credentials and without. test/injection/debug-copy.test.ts has the copies that podrole does not serve.
import assert from "node:assert/strict";
import { afterEach, before, suite, test } from "node:test";
import { podManifest, TEST_IMAGE } from "./pods.ts";
import { runPodrole } from "./run-podrole.ts";
import { assumedRolePattern, printDiagnosis, useNamespace } from "./suite.ts";

const STS = "AWS_ENDPOINT_URL_STS=http://sts.aws.svc.cluster.local:4566";
const CALL_AWS = ["node", "/app/app.cjs", "once"];

suite("kubectl debug", { timeout: 300_000 }, () => {
  const shop = useNamespace("debug");
  const sessionOf = (pod: string) => new RegExp(`${assumedRolePattern("shop-orders", shop.name).source}${pod}$`, "m");
  afterEach((context) => printDiagnosis(context, shop.name));

  /** Adds a container to a copy of the pod, or to the pod itself. */
  async function debug(
    pod: string,
    flags: readonly string[],
    command: readonly string[],
    container = "debugger",
  ): Promise<void> {
    const added = [`--image=${TEST_IMAGE}`, `--container=${container}`, `--env=${STS}`];
    const { code, err } = await shop.run(["debug", `pod/${pod}`, ...added, ...flags, "--", ...command]);
    assert.equal(code, 0, err);
  }

  before(async () => {
    const annotations = { "iam.amazonaws.com/role": "shop-orders" };
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "orders", annotations } };
    await shop.apply(JSON.stringify(account));
    await shop.apply(podManifest("orders", { role: "shop-orders" }));
    await shop.apply(podManifest("billing", { spec: { serviceAccountName: "orders" } }));
    await shop.ok(["wait", "pod/orders", "pod/billing", "--for=condition=Ready", "--timeout=120s"]);
  });

  const copies: readonly (readonly [string, string, readonly string[]])[] = [
    ["keeps the annotation of its role", "orders", ["--keep-annotations"]],
    ["keeps it and the labels, on the same node", "orders", ["--keep-annotations", "--keep-labels", "--same-node"]],
    ["keeps it without init containers", "orders", ["--keep-annotations", "--keep-init-containers=false"]],
    ["has other images", "orders", ["--keep-annotations", `--set-image=app=${TEST_IMAGE}`]],
    ["has the role of its ServiceAccount", "billing", []],
  ];
  for (const [index, [what, pod, flags]] of copies.entries()) {
    test(`the debug container of a copy that ${what} has the credentials`, async () => {
      const name = `copy-${index}`;
      await debug(pod, [`--copy-to=${name}`, ...flags], CALL_AWS);
      await shop.logs(name, sessionOf(name), "debugger");
      await shop.ok(["delete", "pod", name, "--wait=false"]);
    });
  }

  test("an ephemeral container has the credentials with the token of a container, and none with another", async () => {
    const uri = "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:9763/v1/credentials";
    const common = [`--env=${uri}`, "--env=AWS_REGION=eu-central-1"];
    const token = await shop.ok(["exec", "orders", "-c", "app", "--", "cat", "/var/run/secrets/podrole.io/token"]);
    const flagsFor = (each: string) => [...common, `--env=AWS_CONTAINER_AUTHORIZATION_TOKEN=${each}`];
    await debug("orders", flagsFor(token), CALL_AWS, "served");
    await debug("orders", flagsFor("guessed"), CALL_AWS, "guessing");
    await shop.logs("orders", sessionOf("orders"), "served");
    assert.doesNotMatch(await shop.logs("orders", /Error/, "guessing"), /assumed-role/);
    const { code, out } = await runPodrole(["explain", "pod/orders", "-n", shop.name]);
    assert.equal(code, 0, out);
    assert.match(out, /injected \(created 2\d{3}-/, out);
  });
});
