// What files say to tools of the host: the labels of issues, and the project's security by the specification of the
// OpenSSF.
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { ROOT, readText } from "./files.ts";

test("labels.yml has the labels of MAINTAINERS.md, and those that forms, Dependabot and workflows set", () => {
  const labels = parse(readText(".github/labels.yml")) as readonly { readonly name: string; readonly color: string }[];
  const [, table = ""] = /^## Labels\n([^#]+)/m.exec(readText("MAINTAINERS.md")) ?? [];
  const listed = [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(
    labels.map(({ name }) => name),
    listed,
  );
  for (const { name, color } of labels) assert.match(color, /^[0-9a-f]{6}$/, name);
  const forms = readdirSync(join(ROOT, ".github/ISSUE_TEMPLATE")).map((file) => `.github/ISSUE_TEMPLATE/${file}`);
  const set = [...forms, ".github/dependabot.yml"].flatMap((file) =>
    [...readText(file).matchAll(/^ *labels: \[([^\]]+)\]/gm)].map(([, label = ""]) => label.replaceAll('"', "")),
  );
  assert.ok(set.length > 5, `${set.length} labels`);
  assert.deepEqual(
    set.filter((label) => !listed.includes(label)),
    [],
  );
});

test("security-insights.yml names files that exist, and the licence of package.json", () => {
  const text = readText(".github/security-insights.yml");
  const { repository } = parse(text) as { readonly repository: { readonly license: { readonly expression: string } } };
  const { license } = JSON.parse(readText("package.json")) as { readonly license: string };
  assert.equal(repository.license.expression, license);
  const paths = [...text.matchAll(/github\.com\/[\w-]+\/podrole\/blob\/main\/(\S+)/g)].map(([, path = ""]) => path);
  assert.ok(paths.length > 10, `${paths.length} files`);
  assert.deepEqual(
    paths.filter((path) => !existsSync(join(ROOT, path))),
    [],
  );
});
