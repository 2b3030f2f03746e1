// podrole inject and podrole uninject against the programs that read their output: kubectl's YAML parser (go-yaml),
// which needs no cluster, and the API server.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { stringify } from "yaml";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { editManifests } from "../../src/operations/manifests/edit-pods.ts";
import { isSameValue } from "../../src/operations/manifests/same-value.ts";
import { createAuthority } from "../../src/pki/certificate.ts";
import { ROOT } from "../files.ts";
import { PLAN_SETTINGS } from "../injection/plan-settings.ts";
import { injectablePods, injectedBy } from "../injection/pods.ts";
import { fc } from "../property.ts";
import { createKubectl } from "./kubectl.ts";

const { KUBECONFIG: kubeconfig = "", KUBECTL: binary = "kubectl" } = process.env;
const kubectl = createKubectl({ binary, kubeconfig });
const NAMESPACE = `manifests-${process.pid}`;
const FIXTURES = ["duplicate-key", "list-quotes", "null-annotations", "octal-mode", "anchors"] as const;

/** The objects of the text, as kubectl sends them. kubectl prints only what it changes: each gets an annotation. */
async function readByKubectl(text: string): Promise<string> {
  const printed = await kubectl.ok(["annotate", "--local", "-o", "json", "-f", "-", "read=1"], text);
  return printed.replaceAll("\n}\n{", "\n}\n---\n{");
}

function valuesOf(json: string): readonly unknown[] {
  return json.split("\n---\n").map((document) => JSON.parse(document) as unknown);
}

suite("podrole inject and kubectl", { timeout: 120_000 }, () => {
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "podrole-cluster-"));
    const authority = createAuthority({ commonName: "podrole", now: Date.now(), lifetimeMs: 3_600_000 });
    await writeFile(join(directory, "bundle.pem"), authority.certificatePem);
  });
  after(async () => {
    await rm(directory, { recursive: true, force: true });
    if (kubeconfig !== "") await kubectl.run(["delete", "namespace", NAMESPACE, "--wait=false", "--ignore-not-found"]);
  });

  function podrole(command: "inject" | "uninject", input: string): string {
    const flags = command === "inject" ? ["--trust-bundle", join(directory, "bundle.pem"), "--permitted", ".*"] : [];
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(ROOT, "src/cli/main.ts"), command, "-f", "-", ...flags],
      {
        input,
        encoding: "utf8",
        env: {
          PATH: process.env["PATH"],
          PODROLE_SERVER_ADDRESS: "podrole-server.podrole.svc:8444",
          PODROLE_IDENTITY_ADDRESS: "podrole-server.podrole.svc:8443",
          PODROLE_PROOF_FILE: "/var/run/podrole/token",
          PODROLE_ROLE_BASE_ARN: "arn:aws:iam::123456789012:role/",
        },
      },
    );
    assert.equal(status, 0, stderr);
    return stdout;
  }

  for (const name of FIXTURES) {
    test(`kubectl reads ${name}.yaml with podrole as it reads it without, except for podrole`, async () => {
      const plain = await readFile(join(ROOT, `test/fixtures/manifests/${name}.yaml`), "utf8");
      const injected = podrole("inject", plain);
      const [before, after] = [await readByKubectl(plain), await readByKubectl(injected)];
      assert.notEqual(before, after);
      assert.equal(podrole("uninject", injected), plain);
      // In JSON, null and an empty list leave no trace once kubectl has printed the filled one.
      assert.ok(isSameValue(valuesOf(podrole("uninject", after)), valuesOf(before)));
    });
  }

  test("kubectl reads any pod, in any style, as plan() returns it", async () => {
    const samples = fc.sample(fc.tuple(injectablePods, fc.constantFrom("block", "flow", "JSON")), 20);
    const texts = samples.map(([pod, style], index) => {
      const object = { apiVersion: "v1", kind: "Pod", ...pod, metadata: { ...pod.metadata, name: `p${index}` } };
      const text =
        style === "JSON"
          ? JSON.stringify(object)
          : stringify(object, {
              // Quoted: in flow collections `yaml` writes plain scalars with "?", which go-yaml cannot read.
              ...(style === "flow" && { collectionStyle: "flow" as const, defaultStringType: "QUOTE_DOUBLE" as const }),
              aliasDuplicateObjects: false,
              version: "1.1",
            });
      return { object, text };
    });
    const expected = texts.map(({ object }) => injectedBy(object as Pod, PLAN_SETTINGS));
    const edited = texts.map(({ text }, index) => editManifests(text, () => expected[index] as Pod));
    const stream = (parts: readonly string[]) => parts.map((part) => `---\n${part.trimEnd()}\n`).join("");
    const asJson = stream(expected.map((pod) => JSON.stringify(pod)));
    assert.equal(await readByKubectl(stream(edited)), await readByKubectl(asJson));
  });

  test("the API server accepts what kubectl get prints, with podrole and without it again", async (context) => {
    if (kubeconfig === "") return context.skip("no cluster");
    await kubectl.ok(["create", "namespace", NAMESPACE]);
    const fixture = await readFile(join(ROOT, "test/fixtures/manifests/octal-mode.yaml"), "utf8");
    await kubectl.ok(["apply", "-f", "-"], fixture.replace("namespace: shop", `namespace: ${NAMESPACE}`));
    const printed = await kubectl.ok(["-n", NAMESPACE, "get", "deploy", "-o", "yaml"]);
    const injected = podrole("inject", printed);
    assert.match(await kubectl.ok(["apply", "--dry-run=server", "-f", "-"], injected), /deployment.*configured/);
    assert.equal(podrole("uninject", injected), printed);
  });
});
