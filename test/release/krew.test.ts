// The krew manifest, by the rules with which krew validates it: its plugin guide, and ValidatePlugin of
// internal/index/validation in krew's sources.
// (https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/)
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parse } from "yaml";
import { krewManifest } from "../../scripts/release/krew.ts";

interface Platform {
  readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly uri: string;
  readonly sha256: string;
  readonly bin: string;
  readonly files: readonly { readonly from: string; readonly to: string }[];
}

interface Plugin {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly version: string;
    readonly shortDescription: string;
    readonly description?: string;
    readonly caveats?: string;
    readonly platforms: readonly Platform[];
  };
}

const ARCHIVE = { uri: "https://registry.example/podrole-0.1.0.tgz", sha256: "ab".repeat(32) };
const manifest = parse(krewManifest({ version: "0.1.0", ...ARCHIVE })) as Plugin;

const SPEC_FIELDS = ["version", "homepage", "shortDescription", "description", "caveats", "platforms"];
const PLATFORM_FIELDS = ["selector", "uri", "sha256", "bin", "files"];
const unknownFields = (value: object, known: readonly string[]) =>
  Object.keys(value).filter((field) => !known.includes(field));

/** Returns what krew would refuse. `name`: of the file in krew's index, without its extension. */
function krewProblems({ apiVersion, kind, metadata, spec }: Plugin, name = "podrole"): readonly string[] {
  const rules: readonly (readonly [isKept: boolean, problem: string])[] = [
    [apiVersion === "krew.googlecontainertools.github.com/v1alpha2", "apiVersion"],
    [kind === "Plugin", "kind"],
    [metadata.name === name && /^[\w-]+$/.test(name), "name"],
    [/^v\d+\.\d+\.\d+(-[\w.-]+)?$/.test(spec.version), "version"],
    [spec.shortDescription !== "" && !/[\r\n]/.test(spec.shortDescription), "shortDescription"],
    [spec.platforms.length > 0, "platforms"],
    [unknownFields(spec, SPEC_FIELDS).length === 0, "fields of spec"],
  ];
  return [
    ...rules.flatMap(([isKept, problem]) => (isKept ? [] : [problem])),
    ...spec.platforms.flatMap(platformProblems),
  ];
}

function platformProblems(platform: Platform): readonly string[] {
  const keys = Object.keys(platform.selector.matchLabels);
  const rules: readonly (readonly [isKept: boolean, problem: string])[] = [
    [/^https:\/\/\S+$/.test(platform.uri), "uri"],
    [/^[a-f0-9]{64}$/.test(platform.sha256), "sha256"],
    [platform.bin !== "", "bin"],
    [keys.length > 0 && keys.every((key) => key === "os" || key === "arch"), "selector"],
    [platform.files.length > 0 && platform.files.every(({ from, to }) => from !== "" && to !== ""), "files"],
    [unknownFields(platform, PLATFORM_FIELDS).length === 0, "fields of a platform"],
  ];
  return rules.flatMap(([isKept, problem]) => (isKept ? [] : [problem]));
}

suite("krewManifest()", () => {
  test("describes the same archive for Linux and macOS", () => {
    assert.deepEqual(
      manifest.spec.platforms.map(({ selector, uri, sha256, bin }) => ({ ...selector.matchLabels, uri, sha256, bin })),
      [
        { os: "linux", bin: "lib/podrole.js", ...ARCHIVE },
        { os: "darwin", bin: "lib/podrole.js", ...ARCHIVE },
      ],
    );
  });

  test("follows krew's rules", () => {
    assert.deepEqual(krewProblems(manifest), []);
  });

  const [platform] = manifest.spec.platforms;
  const withSpec = (more: object) => ({ ...manifest, spec: { ...manifest.spec, ...more } });
  const withPlatform = (more: object) => withSpec({ platforms: [{ ...platform, ...more }] });
  for (const [problem, broken] of [
    ["apiVersion", { ...manifest, apiVersion: "krew.googlecontainertools.github.com/v1" }],
    ["kind", { ...manifest, kind: "Plugins" }],
    ["name", { ...manifest, metadata: { name: "kubectl-podrole" } }],
    ["version", withSpec({ version: "0.1.0" })],
    ["shortDescription", withSpec({ shortDescription: "two\nlines" })],
    ["platforms", withSpec({ platforms: [] })],
    ["fields of spec", withSpec({ license: "Apache-2.0" })],
    ["sha256", withPlatform({ sha256: "AB" })],
    ["selector", withPlatform({ selector: { matchLabels: { node: "22" } } })],
    ["files", withPlatform({ files: [{ from: "package/lib/*", to: "" }] })],
  ] as const) {
    test(`breaks a rule if it has another ${problem}`, () => {
      assert.deepEqual(krewProblems(broken), [problem]);
    });
  }
});
