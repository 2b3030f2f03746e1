// A try installation stays apart from every other: it shares no object with manifests/base, and the chart refuses what
// would tie it to AWS or to a real installation.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { keyOf } from "./differences.ts";
import { CHART, helmTemplate, renderKustomization, runHelm } from "./tools.ts";

const TRY = { try: { enabled: true } };

suite("manifests/overlays/try", { timeout: 120_000 }, () => {
  const objects = renderKustomization("overlays/try");

  test("has no object of manifests/base", () => {
    const base = new Set(renderKustomization("base").map(keyOf));
    assert.deepEqual(
      objects.map(keyOf).filter((key) => base.has(key)),
      [],
    );
  });

  test("marks every object, and every pod, with the label podrole.io/try", () => {
    const unmarked = objects.filter((object) => {
      const { template } = (object["spec"] ?? {}) as { template?: { metadata: { labels: Record<string, string> } } };
      const all = [object.metadata.labels, ...(template ? [template.metadata.labels] : [])];
      return all.some((labels) => labels?.["podrole.io/try"] !== "true");
    });
    assert.deepEqual(unmarked.map(keyOf), []);
  });

  test("names no account but the emulated one", () => {
    const accounts = new Set(JSON.stringify(objects).match(/(?<=arn:aws:\w+::)[^:]*/g));
    assert.deepEqual([...accounts], ["000000000000"]);
  });
});

suite("the chart with try.enabled", { timeout: 120_000 }, () => {
  const CASES: readonly (readonly [values: object, namespace: string, message: RegExp])[] = [
    [TRY, "podrole", /the namespace is "podrole"; expected podrole-try/],
    [
      { ...TRY, settings: { roleBaseArn: "arn:aws:iam::123456789012:role/" } },
      "podrole-try",
      /settings\.roleBaseArn is set/,
    ],
    [{ ...TRY, server: { settings: { stsEndpoint: "https://sts.example" } } }, "podrole-try", /stsEndpoint is set/],
    [
      { ...TRY, server: { settings: { assumeRoleArn: "arn:aws:iam::123456789012:role/hop" } } },
      "podrole-try",
      /assumeRoleArn is set/,
    ],
    [{ ...TRY, server: { settings: { credentialProcess: "/helper" } } }, "podrole-try", /credentialProcess is set/],
    [
      { ...TRY, server: { serviceAccount: { annotations: { a: "b" } } } },
      "podrole-try",
      /serviceAccount\.annotations is set/,
    ],
  ];
  for (const [values, namespace, message] of CASES) {
    test(`refuses ${JSON.stringify(values)} in namespace ${namespace}`, () => {
      const { code, err } = runHelm(["template", "podrole", CHART, "--namespace", namespace], values);
      assert.equal(code, 1);
      assert.match(err, /Cannot install podrole with try\.enabled: /);
      assert.match(err, message);
    });
  }

  test("without it, has no emulated STS and no label podrole.io/try", () => {
    assert.doesNotMatch(JSON.stringify(helmTemplate({})), /podrole[-.]?(io\/)?try/);
  });
});
