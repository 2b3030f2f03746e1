// The chart's values: the schema rejects invalid ones, and each option has its documented effect.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { POLICY_SETTINGS } from "../../../src/policy/settings-table.ts";
import { envName, readSettings, type Setting, type SettingTable } from "../../../src/runtime/settings.ts";
import { SERVER_SETTINGS } from "../../../src/settings/server.ts";
import { WEBHOOK_SETTINGS } from "../../../src/settings/webhook.ts";
import { CHART, type ChartObject, helmTemplate, runHelm } from "./tools.ts";

const TABLES: Readonly<Record<"server" | "webhook", SettingTable>> = {
  server: SERVER_SETTINGS,
  webhook: WEBHOOK_SETTINGS,
};

interface Container {
  readonly image: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly envFrom: readonly object[];
}

interface PodTemplate {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
  readonly spec: { readonly containers: readonly [Container]; readonly [field: string]: unknown };
}

const find = (objects: readonly ChartObject[], kind: string, name: string): ChartObject =>
  objects.find((object) => object.kind === kind && object.metadata.name === name) ??
  assert.fail(`${kind} ${name} is missing`);

const templateOf = (objects: readonly ChartObject[], program: string): PodTemplate =>
  (find(objects, "Deployment", `podrole-${program}`)["spec"] as { template: PodTemplate }).template;

/** The environment variables that a program gets from its ConfigMaps. */
function environmentOf(objects: readonly ChartObject[], program: string): Record<string, string> {
  const maps = ["common", program].map((name) => find(objects, "ConfigMap", `podrole-${name}`)["data"] as object);
  return Object.assign({}, ...maps) as Record<string, string>;
}

const STS = "https://sts.eu-central-1.example";

const INVALID: readonly (readonly [values: object, message: RegExp])[] = [
  [{ server: { settings: { sesionDuration: "1h" } } }, /server\/settings.*additional properties 'sesionDuration'/s],
  [{ server: { settings: { fips: "yes" } } }, /server\/settings\/fips.*must be one of true, false/s],
  [{ server: { settings: { certificateTtl: "1m" } } }, /server\/settings\/certificateTtl.*not/s],
  [{ settings: { sessionDuration: "13h" } }, /settings\/sessionDuration.*not/s],
  [{ settings: { trustDomain: "Example.org" } }, /settings\/trustDomain.*does not match pattern/s],
  [{ server: { settings: { stsEndpoint: STS, fips: true } } }, /server\/settings\/fips.*must be one of false/s],
  [{ server: { settings: { stsEndpoint: "http://sts.example" } } }, /missing property 'allowInsecureStsEndpoint'/],
  [{ webhook: { settings: { apiServerName: "kube-apiserver" } } }, /apiServerCa.*required.*apiServerName/s],
  [{ server: { settings: { stsTimeout: 10 } } }, /server\/settings\/stsTimeout.*got number, want string/s],
  [{ server: { settings: { stsRate: 0 } } }, /server\/settings\/stsRate.*minimum/s],
  [{ settings: { level: "loud" } }, /settings\/level.*must be one of/s],
  [{ server: { settings: { bind: ":1" } } }, /additional properties 'bind' not allowed/],
  [{ settings: { sidecarImage: "x" } }, /'\/settings'.*additional properties 'sidecarImage' not allowed/s],
  [{ image: { digest: "latest" } }, /image\/digest.*does not match pattern/s],
  [{ image: { repository: "x@sha256:0" } }, /image\/repository.*does not match pattern/s],
  [{ ca: { source: "vault" } }, /ca\/source.*must be one of 'managed', 'secret', 'certManager'/s],
  [{ webhook: { failurePolicy: "Maybe" } }, /webhook\/failurePolicy.*must be one of 'Fail', 'Ignore'/s],
  [{ webhook: { timeoutSeconds: 60 } }, /webhook\/timeoutSeconds.*maximum/s],
  [{ server: { replicas: 0 } }, /server\/replicas.*minimum/s],
  [{ server: { extraEnv: [{ name: "PODROLE_REGION", value: "x" }] } }, /server\/extraEnv\/0\/name.*not/s],
  [{ networkPolicy: { apiServerCidrs: ["10.0.0.1"] } }, /apiServerCidrs\/0.*does not match pattern/s],
  [{ priorityClass: { value: 2_000_000_000 } }, /priorityClass\/value.*maximum/s],
  [{ replicaCount: 3 }, /additional properties 'replicaCount' not allowed/],
];

suite("values.schema.json", () => {
  for (const [values, message] of INVALID) {
    test(`rejects ${JSON.stringify(values)}`, () => {
      const { code, err } = runHelm(["template", "podrole", CHART], values);
      assert.equal(code, 1);
      assert.match(err, message);
    });
  }

  for (const values of [
    { server: { settings: { stsEndpoint: STS, fips: false } } },
    { server: { settings: { stsEndpoint: "http://sts.example", allowInsecureStsEndpoint: "true" } } },
    { server: { settings: { fips: true, dualStack: true } } },
    { webhook: { settings: { apiServerName: "kube-apiserver", apiServerCa: "/ca.crt" } } },
  ]) {
    test(`accepts ${JSON.stringify(values)}`, () => assert.ok(helmTemplate(values).length > 0));
  }
});

/** Returns a text that the setting accepts; any text will do for a setting without a form. */
function given(setting: Setting<unknown> | undefined): string {
  const texts = ["true", "1h", "1", "10.0.0.0/8", "given.example:1", "given/name", setting?.default ?? ""];
  return texts.find((text) => text !== "" && setting?.type.parse(text) !== undefined) ?? "given";
}

suite("settings", () => {
  interface Schema {
    readonly properties: Readonly<Record<string, Schema>>;
  }
  const schema = JSON.parse(readFileSync(join(CHART, "values.schema.json"), "utf8")) as Schema;

  for (const [program, table] of Object.entries(TABLES)) {
    test(`reach the ${program} as the variables that it reads`, () => {
      const names = Object.keys(schema.properties[program]?.properties["settings"]?.properties ?? {});
      assert.ok(names.length > 10);
      const settings = Object.fromEntries(names.map((name) => [name, given(table[name])]));
      // A URL chooses the endpoint, so that no other setting may.
      if (program === "server") Object.assign(settings, { stsEndpoint: STS, fips: "false", dualStack: "false" });
      const objects = helmTemplate({ [program]: { settings } });
      for (const name of names) {
        const map = name in POLICY_SETTINGS ? "podrole-common" : `podrole-${program}`;
        const data = find(objects, "ConfigMap", map)["data"] as Record<string, string>;
        assert.equal(data[envName(name)], settings[name], `${name} is missing`);
      }
    });

    for (const [what, values, namespace] of [
      ["with the default values", {}, "podrole"],
      ["in another namespace", {}, "iam"],
      ["with a CA from a Secret", { ca: { source: "secret" } }, "podrole"],
      ["on OpenShift", { openshift: { enabled: true } }, "podrole"],
    ] as const) {
      test(`of the ${program} are valid ${what}`, () => {
        const result = readSettings(table, {}, environmentOf(helmTemplate(values, namespace), program));
        assert.deepEqual(result.ok ? [] : result.problems, []);
      });
    }
  }

  const POLICY: Readonly<Record<string, unknown>> = {
    sessionTags: true,
    sessionTagLabels: ["team", "app"],
    sessionDuration: "2h",
    sourceIdentity: false,
  };

  for (const place of ["settings", "server.settings", "webhook.settings"]) {
    test(`of policy reach both programs from ${place}`, () => {
      const [head = "", tail] = place.split(".");
      const objects = helmTemplate({ [head]: tail === undefined ? POLICY : { [tail]: POLICY } });
      for (const program of ["server", "webhook"]) {
        const data = environmentOf(objects, program);
        assert.deepEqual(
          Object.keys(POLICY).map((name) => data[envName(name)]),
          ["true", "team,app", "2h", "false"],
        );
        const own = find(objects, "ConfigMap", `podrole-${program}`)["data"] as object;
        assert.deepEqual(
          Object.keys(own).filter((name) => Object.keys(POLICY).map(envName).includes(name)),
          [],
          "what stands in the program's own ConfigMap could differ",
        );
      }
    });
  }

  test("of policy may be given in several places if they are equal", () => {
    const settings = { sessionTags: true };
    const data = environmentOf(
      helmTemplate({ settings, server: { settings: { sessionTags: "true" } }, webhook: { settings } }),
      "webhook",
    );
    assert.equal(data["PODROLE_SESSION_TAGS"], "true");
  });

  for (const [values, says] of [
    [
      { server: { settings: { sessionDuration: "2h" } }, webhook: { settings: { sessionDuration: "1h" } } },
      /Cannot set sessionDuration: server\.settings has "2h" and webhook\.settings has "1h"; expected one value for server and webhook, in settings\.sessionDuration/,
    ],
    [
      { settings: { defaultRole: "a" }, server: { settings: { defaultRole: "b" } } },
      /Cannot set defaultRole: settings has "a" and server\.settings has "b"; expected one value/,
    ],
    [
      { settings: { sessionTags: true }, webhook: { settings: { sessionTags: false } } },
      /Cannot set sessionTags: settings has "true" and webhook\.settings has "false"/,
    ],
  ] as const) {
    test(`of policy are refused with two values: ${JSON.stringify(values)}`, () => {
      const { code, err } = runHelm(["template", "podrole", CHART], values);
      assert.equal(code, 1);
      assert.match(err, says);
    });
  }

  test("may be lists, large numbers and booleans", () => {
    const server = { settings: { serverNames: ["a.example", "b.example"], stsBurst: 100_000, sessionTags: true } };
    const data = environmentOf(helmTemplate({ server }), "server");
    assert.deepEqual(
      [data["PODROLE_SERVER_NAMES"], data["PODROLE_STS_BURST"], data["PODROLE_SESSION_TAGS"]],
      ["a.example,b.example", "100000", "true"],
    );
  });

  test("a new value creates a new revision of its program only", () => {
    const checksums = (values: object) =>
      ["server", "webhook"].map((program) => templateOf(helmTemplate(values), program).metadata.annotations);
    const [server, webhook] = checksums({});
    const [other, same] = checksums({ server: { settings: { stsRate: 10 } } });
    assert.notDeepEqual(other, server);
    assert.deepEqual(same, webhook);
    const both = checksums({ settings: { region: "eu-central-1" } });
    assert.notDeepEqual(both[0], server);
    assert.notDeepEqual(both[1], webhook);
  });
});

suite("options", () => {
  test("another namespace replaces podrole's everywhere", () => {
    const objects = helmTemplate({}, "iam");
    for (const { kind, metadata } of objects) assert.ok([undefined, "iam"].includes(metadata.namespace), kind);
    const text = JSON.stringify(objects);
    assert.match(text, /podrole-server\.iam\.svc/);
    assert.doesNotMatch(text, /\.podrole\.svc|"podrole\/|"namespace":"podrole"/);
    const [webhook] = find(objects, "MutatingWebhookConfiguration", "podrole")["webhooks"] as [
      { namespaceSelector: object },
    ];
    assert.match(JSON.stringify(webhook.namespaceSelector), /"values":\["iam","kube-system"/);
  });

  test("a digest takes precedence over a tag, for podrole's images and the sidecar's", () => {
    const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
    const objects = helmTemplate({
      image: { repository: "registry.example:5000/podrole-server", tag: "1", digest },
      sidecarImage: { repository: "registry.example/podrole-sidecar", digest },
    });
    for (const program of ["server", "webhook"]) {
      const [container] = templateOf(objects, program).spec.containers;
      assert.equal(container.image, `registry.example:5000/podrole-server@${digest}`);
    }
    const data = environmentOf(objects, "webhook");
    assert.equal(data["PODROLE_SIDECAR_IMAGE"], `registry.example/podrole-sidecar@${digest}`);
    assert.equal(
      templateOf(helmTemplate({ image: { tag: "2.0.0" } }), "server").spec.containers[0].image,
      "podrole-server:2.0.0",
    );
  });

  test("the IRSA annotation is set only on the server's ServiceAccount", () => {
    const annotations = { "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/podrole-server" };
    const objects = helmTemplate({ server: { serviceAccount: { annotations } } });
    assert.deepEqual(find(objects, "ServiceAccount", "podrole-server").metadata.annotations, annotations);
    assert.equal(find(objects, "ServiceAccount", "podrole-webhook").metadata.annotations, undefined);
  });

  test("nodeSelector, tolerations, extraEnv and extraEnvFrom apply only to the program that has them", () => {
    const nodeSelector = { "node.example/pool": "iam" };
    const tolerations = [{ key: "pool", operator: "Exists" }];
    const extraEnv = [{ name: "AWS_STS_REGIONAL_ENDPOINTS", value: "regional" }];
    const extraEnvFrom = [{ secretRef: { name: "server-key" } }];
    const objects = helmTemplate({ server: { nodeSelector, tolerations, extraEnv, extraEnvFrom } });
    const [server, webhook] = [templateOf(objects, "server").spec, templateOf(objects, "webhook").spec];
    assert.deepEqual([server["nodeSelector"], server["tolerations"]], [nodeSelector, tolerations]);
    assert.deepEqual([server.containers[0].env, server.containers[0].envFrom.slice(2)], [extraEnv, extraEnvFrom]);
    assert.deepEqual([webhook["nodeSelector"], webhook["tolerations"]], [undefined, undefined]);
    assert.deepEqual([webhook.containers[0].env, webhook.containers[0].envFrom.length], [undefined, 2]);
  });

  test("helm lint reports no warnings or errors", () => {
    const { code, out } = runHelm(["lint", "--strict", CHART]);
    assert.equal(code, 0, out);
    assert.deepEqual(out.match(/\[(WARNING|ERROR)\].*/g), null);
  });
});
