// What hides podrole from a container's SDKs: each source that they use before podrole is warned about.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { EnvSources } from "../../src/injection/env-from.ts";
import { plan } from "../../src/injection/plan.ts";
import type { Container } from "../../src/kubernetes/objects.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { inShop } from "./pods.ts";

const ROLE = { "iam.amazonaws.com/role": "shop-a" };

function warningsFor(app: Partial<Container>, envSources?: EnvSources): readonly string[] {
  const pod = { metadata: { name: "app", annotations: ROLE }, spec: { containers: [{ name: "app", ...app }] } };
  const { decision, warnings } = plan({ ...inShop(pod), ...(envSources && { envSources }) }, PLAN_SETTINGS);
  assert.equal(decision, "inject");
  return warnings.map(({ code, text }) => `${code}: ${text}`);
}

const setting = (...names: readonly string[]): Partial<Container> => ({
  env: names.map((name) => ({ name, value: "x" })),
});
const mounting = (mountPath: string): Partial<Container> => ({ volumeMounts: [{ name: "aws", mountPath }] });

const shadowed = (variable: string, effect: string) => [
  `CREDENTIALS_SHADOWED: container "app" sets ${variable}: ${effect}`,
];
const mounted = (path: string) => [
  `PROFILES_MOUNTED: container "app" mounts "${path}": SDKs use credentials of a profile there before podrole`,
];

suite("precedenceWarnings() names", () => {
  const cases: readonly (readonly [Partial<Container>, readonly string[]])[] = [
    [setting("AWS_ACCESS_KEY_ID"), shadowed("AWS_ACCESS_KEY_ID", "SDKs use it before podrole")],
    [setting("AWS_ACCESS_KEY", "AWS_SECRET_KEY"), shadowed("AWS_ACCESS_KEY", "some SDKs use it before podrole")],
    [setting("AWS_ACCESS_KEY"), []],
    [
      setting("AWS_DEFAULT_PROFILE"),
      shadowed("AWS_DEFAULT_PROFILE", "the AWS CLI and boto3 use that profile before podrole"),
    ],
    [
      setting("AWS_SHARED_CREDENTIALS_FILE"),
      shadowed("AWS_SHARED_CREDENTIALS_FILE", "SDKs use credentials of that file before podrole"),
    ],
    [
      setting("AWS_CONFIG_FILE"),
      shadowed("AWS_CONFIG_FILE", "SDKs use credentials that this file configures before podrole"),
    ],
    [
      setting("AWS_CREDENTIAL_PROFILES_FILE"),
      shadowed("AWS_CREDENTIAL_PROFILES_FILE", "older SDKs use credentials of that file before podrole"),
    ],
    [{ env: [{ name: "AWS_SHARED_CREDENTIALS_FILE", value: "" }] }, []],
    [mounting("/root/.aws"), mounted("/root/.aws")],
    [mounting("/home/app/.aws/"), mounted("/home/app/.aws/")],
    [mounting("/root/.aws/credentials"), mounted("/root/.aws/credentials")],
    [mounting("/root/.aws/config"), mounted("/root/.aws/config")],
    [mounting("/root/.aws/cli/cache"), []],
    [mounting("/etc/aws"), []],
  ];
  for (const [app, expected] of cases) {
    test(`${expected.length === 0 ? "nothing" : "it"} for ${JSON.stringify(app)}`, () => {
      assert.deepEqual(warningsFor(app), expected);
    });
  }
});

suite("envFromWarnings() names", () => {
  const sources: EnvSources = new Map([
    ["Secret/keys", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]],
    ["Secret/bare", ["ACCESS_KEY_ID"]],
    ["ConfigMap/proxy", ["HTTP_PROXY"]],
    ["ConfigMap/other", ["LOG_LEVEL"]],
  ]);
  const keys = { envFrom: [{ secretRef: { name: "keys" } }] };
  const proxy = { envFrom: [{ configMapRef: { name: "proxy" } }] };
  // --region is set in these tests, and no source is known to have one.
  const region =
    'REGION_OVERRIDES_ENV_FROM: container "app": AWS_REGION=eu-central-1 overrides envFrom; to use another region, set AWS_REGION in env';
  const intercepts =
    'PROXY_MAY_INTERCEPT: container "app": add 127.0.0.1 to the source of HTTP_PROXY (ConfigMap/proxy); otherwise SDKs may use the proxy';
  const unread = (listed: string) =>
    `ENV_FROM_UNREAD: container "app": envFrom of ${listed} is not read; AWS keys, a profile or HTTP_PROXY in it hide podrole`;
  const cases: readonly (readonly [string, Partial<Container>, readonly string[]])[] = [
    ["keys of a Secret", keys, [region, ...shadowed("AWS_ACCESS_KEY_ID (Secret/keys)", "SDKs use it before podrole")]],
    [
      "keys with a prefix",
      { envFrom: [{ prefix: "AWS_", secretRef: { name: "bare" } }] },
      [region, ...shadowed("AWS_ACCESS_KEY_ID (Secret/bare)", "SDKs use it before podrole")],
    ],
    ["nothing where env replaces the key", { ...keys, env: [{ name: "AWS_ACCESS_KEY_ID", value: "" }] }, [region]],
    ["a proxy without an exemption", proxy, [region, intercepts]],
    [
      "nothing where env exempts the endpoint",
      { ...proxy, env: [{ name: "NO_PROXY", value: ".svc,127.0.0.1" }] },
      [region],
    ],
    ["nothing for other keys", { envFrom: [{ configMapRef: { name: "other" } }] }, [region]],
    [
      "a source that is not read",
      { envFrom: [{ secretRef: { name: "elsewhere" } }] },
      [region, unread("Secret/elsewhere")],
    ],
    [
      "nothing for a source that is not read and whose prefix leaves no room",
      { envFrom: [{ prefix: "APP_", secretRef: { name: "elsewhere" } }] },
      [],
    ],
    [
      "three of many sources that are not read",
      { envFrom: ["a", "b", "c", "d", "e", "a"].map((name) => ({ configMapRef: { name } })) },
      [region, unread("ConfigMap/a, ConfigMap/b, ConfigMap/c and 2 more")],
    ],
  ];
  for (const [what, app, expected] of cases) {
    test(what, () => assert.deepEqual(warningsFor(app, sources), expected));
  }

  test("every source at admission, where no ConfigMap and no Secret is read", () => {
    assert.deepEqual(warningsFor(keys), [region, unread("Secret/keys")]);
  });
});
