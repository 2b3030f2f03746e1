// What the files for contributors and their host claim: CODEOWNERS and dependency updates name paths that exist, forms
// ask for what is needed, and every commit is signed off. The workflows are in workflows.test.ts.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { parse } from "yaml";
import { ROOT, readText } from "./files.ts";
import { createTemporaryDirectory } from "./temporary-files.ts";

const { scripts } = JSON.parse(readText("package.json")) as { readonly scripts: Readonly<Record<string, string>> };

test("every text file has LF line ends, in the repository and in the checkout", () => {
  const files = execFileSync("git", ["ls-files", "--eol"], { cwd: ROOT, encoding: "utf8" }).trim().split("\n");
  assert.ok(files.length > 1000, `${files.length} files`);
  const others = files.filter((line) => !/^i\/(?:lf|none) +w\/(?:lf|none|) /.test(line));
  assert.deepEqual(
    others.filter((line) => !/^i\/-text w\/-text attr\/-text .*\.(?:png|webp)$/.test(line)),
    [],
  );
});

test("npm run check:shell reads every shell script", () => {
  const { "check:shell": command = "" } = scripts;
  const patterns = command.match(/(?<=[ '])[.*][^ ')]+/g) ?? [];
  assert.deepEqual(patterns, [".ci/*", "*.sh"]);
  const files = execFileSync("git", ["ls-files"], { cwd: ROOT, encoding: "utf8" }).trim().split("\n");
  const shellScripts = files.filter(
    (file) => existsSync(join(ROOT, file)) && /^#!.*\bsh\b|^#!.*bash/.test(readText(file)),
  );
  assert.ok(shellScripts.length > 15, `${shellScripts.length} scripts`);
  assert.deepEqual(
    shellScripts.filter((file) => !file.startsWith(".ci/") && !file.endsWith(".sh")),
    [],
  );
});

test("LICENSE is the text that the Apache Software Foundation publishes, byte by byte", () => {
  // https://www.apache.org/licenses/LICENSE-2.0.txt
  const sha256 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30";
  assert.equal(createHash("sha256").update(readText("LICENSE")).digest("hex"), sha256);
});

test("npm run ok runs every check, except that of the base images, which changes without a commit", () => {
  const checks = Object.keys(scripts).filter((name) => name.startsWith("check:") && name !== "check:base");
  const run = [...(scripts["ok"] ?? "").matchAll(/npm run (check:\w+)/g)].map(([, name = ""]) => name);
  assert.deepEqual(run.toSorted(), checks.toSorted());
});

test("CODEOWNERS gives each path one team, and the paths of trust to security", () => {
  const rows = readText(".github/CODEOWNERS")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const owners = new Map(rows.map((line) => line.split(/ +(.*)/, 2) as [string, string]));
  assert.match(owners.get("*") ?? "", /^@\w[\w-]*\/maintainers$/);
  owners.delete("*");
  for (const [path, owner] of owners) assert.match(owner, /^@\w[\w-]*\/security$/, path);
  for (const path of ["/src/", "/test/policy/", "/.github/", "/.ci/", "/scripts/", "/LICENSE"])
    assert.ok(owners.has(path), path);
});

test("every file that names the repository's owner names that of package.json", () => {
  const { repository } = JSON.parse(readText("package.json")) as { readonly repository: { readonly url: string } };
  const owner = /^git\+https:\/\/github\.com\/([\w-]+)\/podrole\.git$/.exec(repository.url)?.[1];
  assert.ok(owner !== undefined, repository.url);
  const forms = readdirSync(join(ROOT, ".github/ISSUE_TEMPLATE")).map((file) => `.github/ISSUE_TEMPLATE/${file}`);
  const others = [".github/CODEOWNERS", ".github/security-insights.yml", "manifests/chart/Chart.yaml"];
  for (const file of ["package.json", ...others, ...forms]) {
    const names = [...readText(file).matchAll(/ @([\w-]+)\/|github\.com\/([\w-]+)\/podrole\b/g)];
    assert.ok(names.length > 0, file);
    for (const [, team, address] of names) assert.equal(team ?? address, owner, file);
  }
  // What docs/release.md says to run reaches all of them.
  assert.match(
    readText("docs/release.md"),
    /sed -i \S*OWNER\S* package\.json manifests\/chart\/Chart\.yaml \$\(git ls-files \.github\)$/m,
  );
});

test("scorecard.md names each kind of dependency that dependabot.yml updates", () => {
  const { updates } = parse(readText(".github/dependabot.yml")) as {
    readonly updates: readonly { readonly "package-ecosystem": string }[];
  };
  const names = {
    npm: "npm",
    "github-actions": "GitHub Actions",
    gomod: "Go modules",
    pip: "pip",
    maven: "Maven",
    cargo: "Cargo",
  };
  const kinds = updates.map((update) => update["package-ecosystem"]);
  assert.deepEqual(kinds, Object.keys(names));
  const row =
    readText("docs/scorecard.md")
      .split("\n")
      .find((line) => line.startsWith("| Dependency-Update-Tool")) ?? "";
  const listed = /\(\S*dependabot\.yml\): (.*?), weekly;/.exec(row)?.[1]?.split(/, | and /);
  assert.deepEqual(listed, Object.values(names));
});

test("CODEOWNERS names paths that exist", () => {
  const paths = readText(".github/CODEOWNERS")
    .split("\n")
    .filter((line) => line.startsWith("/"))
    .map((line) => line.split(/\s+/)[0] ?? "");
  assert.ok(paths.length > 0);
  assert.deepEqual(
    paths.filter((path) => !existsSync(join(ROOT, path))),
    [],
  );
});

test("dependabot.yml leaves each major version to a pull request of its own, with a subject that CONTRIBUTING.md permits", () => {
  const { updates } = parse(readText(".github/dependabot.yml")) as {
    readonly updates: readonly {
      readonly groups: Readonly<Record<string, { readonly "update-types": readonly string[] }>>;
      readonly "commit-message": { readonly prefix: string };
    }[];
  };
  assert.ok(updates.length > 0);
  for (const { groups, "commit-message": message } of updates) {
    for (const group of Object.values(groups)) assert.deepEqual(group["update-types"], ["minor", "patch"]);
    assert.equal(message.prefix, "build");
  }
});

test("dependabot.yml names each folder with dependencies of a kind that it knows, and no other", () => {
  const { updates } = parse(readText(".github/dependabot.yml")) as {
    readonly updates: readonly { "package-ecosystem": string; directory?: string; directories?: readonly string[] }[];
  };
  const folders = (kind: string) =>
    updates
      .filter((update) => update["package-ecosystem"] === kind)
      .flatMap(({ directory, directories = [] }) => (directory === undefined ? directories : [directory]));
  const foldersWith = (file: string) =>
    ["scripts", "test"].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
        .filter((path) => path.endsWith(`/${file}`))
        .map((path) => `/${folder}/${path.slice(0, -`/${file}`.length)}`),
    );
  const files = { gomod: "go.mod", pip: "requirements.txt", maven: "pom.xml", cargo: "Cargo.toml" };
  for (const [kind, file] of Object.entries(files)) {
    assert.deepEqual(folders(kind).toSorted(), foldersWith(file).toSorted(), kind);
  }
  // test/package/nodes pins old versions of Node on purpose.
  const packages = ["/", "/test/sdk/javascript-v2"];
  assert.deepEqual(folders("npm"), packages);
  for (const folder of packages) assert.ok(existsSync(join(ROOT, folder, "package.json")), folder);
  assert.deepEqual(folders("github-actions"), ["/"]);
  // Dependabot does not update an ARG, with which the Dockerfiles name their base.
  assert.deepEqual(folders("docker"), []);
});

suite(".ci/signed-off", () => {
  const folder = createTemporaryDirectory({ after });
  const author = { GIT_AUTHOR_NAME: "A B", GIT_AUTHOR_EMAIL: "a@example.com" };
  const env = { ...process.env, ...author, GIT_COMMITTER_NAME: "C", GIT_COMMITTER_EMAIL: "c@example.com" };
  const git = (...args: readonly string[]) =>
    execFileSync("git", ["-C", folder, "-c", "commit.gpgsign=false", ...args], { env, encoding: "utf8" }).trim();
  const commit = (message: string) => {
    git("commit", "--quiet", "--allow-empty", "--no-verify", "-m", message);
    return git("rev-parse", "HEAD");
  };
  const check = (range: string) =>
    spawnSync("bash", [join(ROOT, ".ci/signed-off"), range], { cwd: folder, env, encoding: "utf8" });

  test("accepts commits that their author signed off, and names one that is not", () => {
    git("init", "--quiet");
    const base = commit("base");
    commit("one\n\nSigned-off-by: A B <a@example.com>");
    const signed = commit("two\n\nSigned-off-by: C <c@example.com>\nSigned-off-by: A B <a@example.com>");
    assert.equal(check(`${base}..${signed}`).status, 0);
    const foreign = commit("three\n\nSigned-off-by: C <c@example.com>");
    commit("four\n\nSigned-off-by: A B <a@example.com>");
    const result = check(`${base}..HEAD`);
    assert.equal(result.status, 1);
    assert.match(result.stdout, new RegExp(`^${foreign.slice(0, 7)}\\w* three: no line .*A B`));
    assert.equal(result.stdout.trim().split("\n").length, 1);
  });

  for (const signer of ["J. A B <a@example.com>", "A B <other@example.com>"]) {
    test(`compares name and address of the author: ${signer} is another`, () => {
      const base = commit("base");
      commit(`five\n\nSigned-off-by: ${signer}`);
      assert.equal(check(`${base}..HEAD`).status, 1);
    });
  }

  test("accepts Dependabot's other address from Dependabot alone", () => {
    const account = "dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>";
    const message = "build: update\n\nSigned-off-by: dependabot[bot] <support@github.com>";
    const byAuthor = (name: string) => {
      const base = commit("base");
      git("commit", "--quiet", "--allow-empty", "--author", name, "-m", message);
      return check(`${base}..HEAD`).status;
    };
    assert.equal(byAuthor(account), 0);
    assert.equal(byAuthor("dependabot[bot] <a@example.com>"), 1);
  });

  test("requires the sign-off of a merge too", () => {
    const base = commit("base");
    git("checkout", "--quiet", "-b", "side");
    commit("six\n\nSigned-off-by: A B <a@example.com>");
    git("checkout", "--quiet", "-");
    git("merge", "--quiet", "--no-ff", "-m", "merge", "side");
    assert.equal(check(`${base}..HEAD`).status, 1);
    git("commit", "--quiet", "--amend", "--signoff", "--no-edit", "--author", "C <c@example.com>");
    assert.equal(check(`${base}..HEAD`).status, 0);
  });

  test("fails if git does not know the range", () => {
    const result = check("unknown..HEAD");
    assert.notEqual(result.status, 0);
    assert.match(result.stderr, /unknown\.\.HEAD/);
  });
});

suite(".ci/subjects", () => {
  const folder = createTemporaryDirectory({ after });
  const identity = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];
  const git = (...args: readonly string[]) =>
    execFileSync("git", ["-C", folder, ...identity, ...args], { encoding: "utf8" }).trim();
  const check = (subject: string, author = "A <a@example.com>") => {
    git("commit", "--quiet", "--allow-empty", "--author", author, "-m", subject);
    const script = join(ROOT, ".ci/subjects");
    return spawnSync("bash", [script, "HEAD~1..HEAD"], { cwd: folder, encoding: "utf8" });
  };
  git("init", "--quiet");
  git("commit", "--quiet", "--allow-empty", "-m", "base");

  test("accepts the form that CONTRIBUTING.md asks for", () => {
    for (const subject of [
      "server/trust: say why",
      "docs, policy: one name",
      "README.md: say more",
      `a: ${"b".repeat(69)}`,
    ])
      assert.equal(check(subject).status, 0, subject);
  });

  test("refuses a subject without scope, or of more than 72 characters, except Dependabot's", () => {
    assert.match(check("Say why").stdout, / Say why: expected "scope: what changes"$/m);
    const long = `a: ${"b".repeat(70)}`;
    assert.match(check(long).stdout, /: 73 characters; expected at most 72$/m);
    assert.equal(check(long).status, 1);
    assert.equal(check(long, "dependabot[bot] <a@example.com>").status, 0);
  });
});

suite(".ci/if-installed", () => {
  const run = (tool: string, environment: NodeJS.ProcessEnv) =>
    spawnSync(join(ROOT, ".ci/if-installed"), [tool, "echo", "it", "ran"], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], ...environment },
    });

  test("runs the command if the tool is there", () => {
    assert.equal(run("bash", {}).stdout, "it ran\n");
  });

  test("says what it leaves out if it is not, and fails in CI", () => {
    const local = run("no-such-tool", {});
    assert.deepEqual([local.status, local.stdout.includes('Left out: "echo it ran"')], [0, true]);
    const inCi = run("no-such-tool", { CI: "true" });
    assert.deepEqual([inCi.status, inCi.stdout], [1, ""]);
  });
});

suite(".github/ISSUE_TEMPLATE", () => {
  interface Box {
    readonly label: string;
    readonly required?: boolean;
  }
  interface Form {
    readonly name: string;
    readonly body: readonly {
      readonly id?: string;
      readonly attributes: { readonly label?: string; readonly options?: readonly (string | Box)[] };
      readonly validations?: { readonly required: boolean };
    }[];
  }
  const readForm = (file: string) => parse(readText(`.github/ISSUE_TEMPLATE/${file}`)) as Form;

  test("the form for faults asks for the output of podrole check, which a fault outside a cluster does not have", () => {
    const check = readForm("bug.yml").body.find(({ id }) => id === "check");
    assert.match(check?.attributes.label ?? "", /podrole check -o json/);
    assert.notEqual(check?.validations?.required, true);
  });

  test("each form requires at most three answers", () => {
    for (const file of ["bug.yml", "feature.yml", "question.yml"]) {
      const { body } = readForm(file);
      const required = body.filter(({ validations }) => validations?.required === true);
      assert.ok(required.length > 0 && required.length <= 3, file);
      const boxes = body
        .flatMap(({ attributes }) => attributes.options ?? [])
        .filter((option) => typeof option === "object");
      assert.ok(
        boxes.some(({ label }) => label === "I searched the existing issues"),
        file,
      );
      assert.deepEqual(
        boxes.filter(({ required: isRequired }) => isRequired !== true),
        [],
      );
    }
  });

  test("a vulnerability is led to the private report", () => {
    const { contact_links: links } = parse(readText(".github/ISSUE_TEMPLATE/config.yml")) as {
      readonly contact_links: readonly { readonly name: string; readonly url: string }[];
    };
    const url = links.find(({ name }) => /vulnerability/.test(name))?.url ?? "";
    assert.match(url, /^https:\/\/github\.com\/[\w-]+\/podrole\/security\/advisories\/new$/);
  });

  test("the forms link to files that exist", () => {
    const forms = ["bug.yml", "feature.yml", "question.yml"].map((file) => readText(`.github/ISSUE_TEMPLATE/${file}`));
    const paths = [...forms.join("\n").matchAll(/\(https:\/\/github\.com\/[\w-]+\/podrole\/blob\/main\/([^)#]+)/g)];
    assert.equal(paths.length, forms.length);
    for (const [, path = ""] of paths) assert.ok(existsSync(join(ROOT, path)), path);
  });
});

test("npm run test:one prints no line for a file without a matching test", () => {
  const files = ["test/cli/output/text.test.ts", "test/operations/next-steps.test.ts"];
  const [name] = /(?<=^ *test\(")[^"]+/m.exec(readText(files[0] ?? "")) ?? assert.fail("no test");
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = [join(ROOT, "scripts/test-one.ts"), `^${RegExp.escape(name)}$`, ...files];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: ROOT, env, encoding: "utf8" });
  assert.equal(status, 0, stdout);
  assert.ok(stdout.includes(`✔ ${name} (`), stdout);
  assert.doesNotMatch(stdout, /\.test\.ts/);
});
