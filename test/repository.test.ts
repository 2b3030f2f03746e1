// What the files for contributors and their host claim: workflows have no more rights than they need, run only scripts
// that exist, and pin what they download; CODEOWNERS and dependency updates name paths that exist.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { parse } from "yaml";
import { ROOT, readText } from "./files.ts";
import { createTemporaryDirectory } from "./temporary-files.ts";

const WORKFLOWS = ".github/workflows";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly "timeout-minutes"?: number;
        readonly environment?: string;
        readonly needs?: string | readonly string[];
        readonly container?: { readonly image: string };
        readonly permissions?: Readonly<Record<string, string>>;
        readonly steps: readonly Step[];
      }
    >
  >;
}

const workflows = readdirSync(join(ROOT, WORKFLOWS)).map((file) => {
  const text = readText(join(WORKFLOWS, file));
  return { file, text, workflow: parse(text) as Workflow };
});
const scripts = Object.keys((JSON.parse(readText("package.json")) as { readonly scripts: object }).scripts);

for (const { file, text, workflow } of workflows) {
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);
  suite(`${WORKFLOWS}/${file}`, () => {
    test("its token can only read, and a job that can write more than findings has an environment with reviewers", () => {
      // scorecard.dev requires the token by which it recognizes the workflow; docs/verify.md accepts only that of
      // release.yml.
      const free = file === "scorecard.yml" ? ["security-events", "id-token"] : ["security-events"];
      assert.deepEqual(workflow.permissions, { contents: "read" });
      const writers = Object.entries(workflow.jobs).filter(([, { permissions = {} }]) =>
        Object.entries(permissions).some(([scope, right]) => right === "write" && !free.includes(scope)),
      );
      assert.deepEqual(
        writers.filter(([, { environment }]) => environment === undefined).map(([name]) => name),
        [],
      );
    });

    test("its actions are pinned by commit and name their version", () => {
      const uses = text.split("\n").filter((line) => /^\s*(- )?uses:/.test(line));
      assert.equal(uses.length, steps.filter((step) => step.uses !== undefined).length);
      assert.deepEqual(
        uses.filter((line) => !/uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line)),
        [],
      );
    });

    test("its containers are pinned by digest", () => {
      const images = Object.values(workflow.jobs).flatMap(({ container }) => container?.image ?? []);
      assert.deepEqual(
        images.filter((image) => !/^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$/.test(image)),
        [],
      );
    });

    test("it starts neither with secrets for a foreign pull request nor from another workflow", () => {
      assert.deepEqual(
        ["pull_request_target", "workflow_run"].filter((event) => event in workflow.on),
        [],
      );
    });

    test("no script contains an expression, which is inserted as text before the shell reads it", () => {
      assert.deepEqual(
        steps.filter(({ run }) => run?.includes("${{")),
        [],
      );
    });

    test("its checkouts keep no token on disk, and its jobs end", () => {
      const checkouts = steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
      assert.ok(checkouts.length > 0);
      assert.deepEqual(
        checkouts.filter((step) => step.with?.["persist-credentials"] !== false),
        [],
      );
      for (const job of Object.values(workflow.jobs)) assert.ok((job["timeout-minutes"] ?? Infinity) <= 360);
    });

    test("the scripts that it runs exist", () => {
      const commands = steps.map(({ run = "" }) => run).join("\n");
      const named = [...commands.matchAll(/npm run (?:--silent |-s )?([\w:-]+)/g)].map(([, name = ""]) => name);
      const files = [...commands.matchAll(/bash ([\w.]\S*)/g)].map(([, path = ""]) => path);
      assert.deepEqual(
        [...named.filter((name) => !scripts.includes(name)), ...files.filter((path) => !existsSync(join(ROOT, path)))],
        [],
      );
    });
  });
}

test("ci.yml runs what decides whether a change lands: what needs no root first, and every suite", () => {
  const ci = workflows.find(({ file }) => file === "ci.yml");
  assert.deepEqual(Object.keys(ci?.workflow.on ?? {}), ["push", "pull_request"]);
  const { fast, full, ...others } = ci?.workflow.jobs ?? {};
  assert.deepEqual(others, {});
  const commandsOf = (job: typeof fast) => job?.steps.flatMap(({ run }) => run ?? []) ?? [];
  assert.ok(commandsOf(full).some((run) => run.endsWith("bash .ci/run")));
  const commands = commandsOf(fast);
  for (const script of ["check:workflows", "ok"]) assert.ok(commands.includes(`npm run --silent ${script}`), script);
  assert.doesNotMatch(commands.join("\n"), /sudo|\.ci\//);
});

test("release.yml makes nothing before it has required that CI passed for the commit on main", () => {
  const jobs = workflows.find(({ file }) => file === "release.yml")?.workflow.jobs ?? {};
  const commands = jobs["gate"]?.steps.map(({ run = "" }) => run).join("\n") ?? "";
  assert.match(commands, /^git merge-base --is-ancestor HEAD origin\/main$/m);
  assert.match(commands, /workflows\/ci\.yml\/runs\?head_sha=\$commit&branch=main&event=push&status=success"/);
  assert.deepEqual(
    Object.entries(jobs).map(([name, { needs }]) => [name, needs]),
    [
      ["gate", undefined],
      ["build", "gate"],
      ["draft", "build"],
      ["images", "build"],
      ["npm", ["draft", "images"]],
    ],
  );
});

test("every text file has LF line ends, in the repository and in the checkout", () => {
  const files = execFileSync("git", ["ls-files", "--eol"], { cwd: ROOT, encoding: "utf8" }).trim().split("\n");
  assert.ok(files.length > 1000, `${files.length} files`);
  const others = files.filter((line) => !/^i\/(?:lf|none) +w\/(?:lf|none|) /.test(line));
  assert.deepEqual(
    others.filter((line) => !/^i\/-text w\/-text attr\/-text .*\.(?:png|webp)$/.test(line)),
    [],
  );
});

test("LICENSE is the text that the Apache Software Foundation publishes, byte by byte", () => {
  // https://www.apache.org/licenses/LICENSE-2.0.txt
  const sha256 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30";
  assert.equal(createHash("sha256").update(readText("LICENSE")).digest("hex"), sha256);
});

test("advisories.yml compares all packages and the pinned images, because bundles contain development dependencies", () => {
  const advisories = workflows.find(({ file }) => file === "advisories.yml");
  const jobs = Object.values(advisories?.workflow.jobs ?? {});
  const commands = new Set(jobs.flatMap(({ steps }) => steps.map(({ run }) => run)));
  assert.ok(commands.has("npm audit"));
  assert.ok(commands.has("npm run --silent check:base"));
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
    assert.deepEqual(
      Object.values(groups).map((group) => group["update-types"]),
      [["minor", "patch"]],
    );
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
  const files = { gomod: "go.mod", pip: "requirements.txt", maven: "pom.xml" };
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

test("signed-off.yml runs the script of the base branch, which a pull request cannot change", () => {
  const commits = workflows.find(({ file }) => file === "signed-off.yml")?.workflow.jobs["commits"];
  const commands = commits?.steps.map(({ run = "" }) => run).join("\n") ?? "";
  assert.match(commands, /git show "\$BASE:\.ci\/signed-off" > "\$RUNNER_TEMP\/signed-off"/);
  assert.doesNotMatch(commands, /bash \.ci/);
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
    const signed = commit("two\n\nSigned-off-by: C <c@example.com>\nSigned-off-by: A B <other@example.com>");
    assert.equal(check(`${base}..${signed}`).status, 0);
    const foreign = commit("three\n\nSigned-off-by: C <c@example.com>");
    commit("four\n\nSigned-off-by: A B <a@example.com>");
    const result = check(`${base}..HEAD`);
    assert.equal(result.status, 1);
    assert.match(result.stdout, new RegExp(`^${foreign.slice(0, 7)}\\w* three: no line .*A B`));
    assert.equal(result.stdout.trim().split("\n").length, 1);
  });

  test("compares the whole name of the author", () => {
    const base = commit("base");
    commit("five\n\nSigned-off-by: J. A B <j@example.com>");
    assert.equal(check(`${base}..HEAD`).status, 1);
  });

  test("fails if git does not know the range", () => {
    const result = check("unknown..HEAD");
    assert.notEqual(result.status, 0);
    assert.match(result.stderr, /unknown\.\.HEAD/);
  });
});

suite(".github/ISSUE_TEMPLATE", () => {
  interface Form {
    readonly name: string;
    readonly body: readonly {
      readonly id?: string;
      readonly attributes: { readonly label?: string };
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
      const required = readForm(file).body.filter(({ validations }) => validations?.required === true);
      assert.ok(required.length > 0 && required.length <= 3, file);
    }
  });

  test("a vulnerability is led to the private report", () => {
    const { contact_links: links } = parse(readText(".github/ISSUE_TEMPLATE/config.yml")) as {
      readonly contact_links: readonly { readonly name: string; readonly url: string }[];
    };
    const url = links.find(({ name }) => /vulnerability/.test(name))?.url;
    // docs/release.md says to replace OWNER before the first release.
    assert.equal(url, "https://github.com/OWNER/podrole/security/advisories/new");
    assert.match(readText("docs/release.md"), /Replace `OWNER` in the issue forms/);
  });

  test("the forms link to files that exist", () => {
    const forms = ["bug.yml", "feature.yml", "question.yml"].map((file) => readText(`.github/ISSUE_TEMPLATE/${file}`));
    const paths = [...forms.join("\n").matchAll(/\(https:\/\/github\.com\/OWNER\/podrole\/blob\/main\/([^)#]+)/g)];
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
