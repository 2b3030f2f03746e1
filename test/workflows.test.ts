// What the workflows of the host claim: they have no more rights than they need, run only scripts that exist, pin
// what they download, and report scheduled runs that fail.
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parse } from "yaml";
import { ROOT, readText } from "./files.ts";

const WORKFLOWS = ".github/workflows";
/** The job of a scheduled workflow that opens an issue if another job has failed. */
const REPORT_JOB = "report";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: { readonly group: string };
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly "timeout-minutes"?: number;
        readonly environment?: string;
        readonly if?: string;
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
      const writers = Object.entries(workflow.jobs).filter(([name, { permissions = {} }]) =>
        Object.entries(permissions).some(
          ([scope, right]) =>
            right === "write" && !free.includes(scope) && !(scope === "issues" && name === REPORT_JOB),
        ),
      );
      assert.deepEqual(
        writers.filter(([, { environment }]) => environment === undefined).map(([name]) => name),
        [],
      );
    });

    test("the failure of a scheduled run opens an issue, and no other run does", () => {
      const { [REPORT_JOB]: report, ...others } = workflow.jobs;
      // scorecard.dev accepts no results of a workflow that has other steps.
      const isReported = "schedule" in workflow.on && file !== "scorecard.yml";
      assert.equal(report !== undefined, isReported);
      if (report === undefined) return;
      assert.deepEqual(new Set([report.needs].flat()), new Set(Object.keys(others)));
      assert.equal(report.if, "failure() && github.event_name == 'schedule'");
      assert.deepEqual(report.permissions, { contents: "read", issues: "write" });
      assert.deepEqual(
        report.steps.flatMap(({ run }) => run ?? []),
        ["node scripts/ci/report-failure.ts"],
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

    test("a job that reads a version from a file, or runs a file, has checked out before", () => {
      const early = Object.entries(workflow.jobs).filter(([, job]) => {
        const checkout = job.steps.findIndex(({ uses }) => uses?.startsWith("actions/checkout@"));
        const needs = job.steps.findIndex(
          ({ run = "", with: given = {} }) =>
            Object.keys(given).some((name) => name.endsWith("version-file")) || /(?:bash|node) [\w.]\S*\//.test(run),
        );
        return needs >= 0 && (checkout < 0 || checkout > needs);
      });
      assert.deepEqual(
        early.map(([name]) => name),
        [],
      );
    });

    test("the scripts that it runs exist", () => {
      const commands = steps.map(({ run = "" }) => run).join("\n");
      const named = [...commands.matchAll(/npm run (?:--silent |-s )?([\w:-]+)/g)].map(([, name = ""]) => name);
      const files = [...commands.matchAll(/(?:bash|node) ([\w.]\S*)/g)].map(([, path = ""]) => path);
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
  assert.ok(commands.includes("npm run --silent ok"));
  assert.doesNotMatch(commands.join("\n"), /sudo|\.ci\//);
});

test("what a release requires runs on main and on release branches, once for each commit that lands", () => {
  for (const name of ["ci.yml", "codeql.yml", "advisories.yml"]) {
    const workflow = workflows.find(({ file }) => file === name)?.workflow;
    assert.deepEqual(workflow?.on["push"], { branches: ["main", "release-*"] }, name);
    assert.match(workflow?.concurrency?.group ?? "", /github\.sha/, name);
  }
});

test("release.yml makes nothing before it has required that the workflows passed for the commit on its branch", () => {
  const jobs = workflows.find(({ file }) => file === "release.yml")?.workflow.jobs ?? {};
  const commands = jobs["gate"]?.steps.map(({ run = "" }) => run).join("\n") ?? "";
  assert.match(commands, /^branch="\$\(\.ci\/release-gate "\$GITHUB_REF_NAME" "\$GITHUB_REPOSITORY"\)"$/m);
  assert.match(commands, /^for workflow in ci codeql advisories; do$/m);
  assert.match(commands, /\$runs\?head_sha=\$commit&branch=\$BRANCH&event=push&status=success"/);
  assert.match(commands, /test "\$passed" -ge 1/);
  assert.deepEqual(
    Object.entries(jobs).map(([name, { needs }]) => [name, needs]),
    [
      ["gate", undefined],
      ["build", "gate"],
      ["draft", "build"],
      ["images", "build"],
      ["npm", ["gate", "draft", "images"]],
    ],
  );
});

test("advisories.yml compares all packages and the pinned images, because bundles contain development dependencies", () => {
  const advisories = workflows.find(({ file }) => file === "advisories.yml");
  const jobs = Object.values(advisories?.workflow.jobs ?? {});
  const commands = new Set(jobs.flatMap(({ steps }) => steps.map(({ run }) => run)));
  assert.ok(commands.has("npm audit"));
  assert.ok(commands.has("npm run --silent check:base"));
});

test("signed-off.yml runs the scripts of the base branch, which a pull request cannot change", () => {
  const commits = workflows.find(({ file }) => file === "signed-off.yml")?.workflow.jobs["commits"];
  const commands = commits?.steps.map(({ run = "" }) => run).join("\n") ?? "";
  for (const script of ["signed-off", "subjects"]) {
    assert.ok(commands.includes(`git show "$BASE:.ci/${script}" > "$RUNNER_TEMP/${script}"`), script);
    assert.ok(commands.includes(`bash "$RUNNER_TEMP/${script}" "$BASE..HEAD"`), script);
  }
  assert.doesNotMatch(commands, /bash \.ci/);
});
