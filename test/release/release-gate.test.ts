// .ci/release-gate, with a real repository, real tags and signatures by real SSH keys.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { ROOT, readText } from "../files.ts";
import { createTemporaryDirectory } from "../temporary-files.ts";

const hasKeys = spawnSync("ssh-keygen", ["-?"]).error === undefined;
const OWNER = "example";
const PEOPLE = ["| A | @a | – | maintainer | server |", "| B | @b | – | maintainer | chart |"];

suite(".ci/release-gate", { skip: hasKeys ? false : "needs ssh-keygen" }, () => {
  const folder = createTemporaryDirectory({ after });
  const clone = join(folder, "clone");
  const makeKey = (name: string) => {
    const path = join(folder, name);
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path]);
    return { path, signer: `${name}@example.com namespaces="git" ${readFileSync(`${path}.pub`, "utf8")}` };
  };
  const [manager, stranger] = [makeKey("manager"), makeKey("stranger")];
  const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null" };
  const git = (...args: readonly string[]) => {
    const settings = ["user.name=A", "user.email=a@example.com", "gpg.format=ssh"].flatMap((one) => ["-c", one]);
    return execFileSync("git", ["-C", clone, ...settings, ...args], { env, encoding: "utf8", stdio: "pipe" }).trim();
  };
  const gate = (tag: string) =>
    spawnSync("bash", [join(ROOT, ".ci/release-gate"), tag, `${OWNER}/podrole`], { cwd: clone, env, encoding: "utf8" });
  const assertRefused = (tag: string, state: RegExp) => {
    const { status, stdout, stderr } = gate(tag);
    assert.deepEqual([status, stdout], [1, ""], stderr);
    assert.match(stderr, new RegExp(`^Cannot release ${RegExp.escape(tag)}: .*${state.source}`, "m"));
  };
  /** Commits this project's own files, filled in as before a release, apart from what the case replaces. */
  const commit = (files: Readonly<Record<string, string>> = {}) => {
    const people = "| name | handle | employer | roles | area |\n| --- | --- | --- | --- | --- |\n";
    const filled = {
      "package.json": readText("package.json").replace(/github\.com\/[\w-]+\//, `github.com/${OWNER}/`),
      "MAINTAINERS.md": readText("MAINTAINERS.md").replace(people, `${people}${PEOPLE.join("\n")}\n`),
      ".github/allowed_signers": readText(".github/allowed_signers") + manager.signer,
      ...files,
    };
    for (const [name, text] of Object.entries(filled)) writeFileSync(join(clone, name), text);
    git("add", "--all");
    git("commit", "--quiet", "--allow-empty", "-m", "commit");
  };
  const sign = (tag: string, key = manager.path) => git("-c", `user.signingKey=${key}`, "tag", "-s", tag, "-m", tag);
  /** Makes the current commit the tip of a branch of origin, as a fetch does. */
  const land = (branch: string) => git("update-ref", `refs/remotes/origin/${branch}`, "HEAD");

  mkdirSync(join(clone, ".github"), { recursive: true });
  cpSync(join(ROOT, "LICENSE"), join(clone, "LICENSE"));
  git("init", "--quiet");
  commit();
  land("main");

  test("prints main for a signed tag on main", () => {
    sign("v0.1.0");
    const { status, stdout, stderr } = gate("v0.1.0");
    assert.deepEqual([status, stdout], [0, "main\n"], stderr);
  });

  test("prints the branch of the tag's minor version, and refuses a tag of another one on it", () => {
    git("checkout", "--quiet", "--detach", "refs/remotes/origin/main");
    commit();
    for (const tag of ["v0.1.1", "v0.2.0"]) sign(tag);
    assertRefused("v0.1.1", /on neither main nor release-0\.1/);
    land("release-0.1");
    const { status, stdout, stderr } = gate("v0.1.1");
    assert.deepEqual([status, stdout], [0, "release-0.1\n"], stderr);
    assertRefused("v0.2.0", /on neither main nor release-0\.2/);
  });

  test("refuses what is not a version, and a tag that is not there", () => {
    assertRefused("latest", /not a version/);
    assertRefused("v0.2.0-rc.1", /not a version/);
    assertRefused("v9.9.9", /does not know the tag/);
  });

  test("refuses a tag without a signature, and one that a stranger signed", () => {
    git("tag", "v0.1.2");
    assertRefused("v0.1.2", /no signature/);
    git("tag", "-a", "v0.1.3", "-m", "v0.1.3");
    assertRefused("v0.1.3", /by no key of/);
    sign("v0.1.4", stranger.path);
    assertRefused("v0.1.4", /by no key of/);
  });

  const unready: readonly [string, string, RegExp][] = [
    ["MAINTAINERS.md", readText("MAINTAINERS.md").replaceAll(/^\| .* @.*\n/gm, ""), /names 0 maintainers/],
    [
      "MAINTAINERS.md",
      `## People\n\n${PEOPLE[0]}\n| C | @c | – | conduct contact | – |\n\n### Emeritus\n\n${PEOPLE[1]}\n`,
      /names 1 maintainers/,
    ],
    [".github/allowed_signers", "# none\n", /names no key/],
    ["package.json", '{ "repository": { "url": "git+https://github.com/OWNER/podrole.git" } }', /another repository/],
  ];
  for (const [index, [file, text, state]] of unready.entries()) {
    test(`refuses a release while ${file} is not filled in (${state.source})`, () => {
      commit({ [file]: text });
      land("main");
      sign(`v1.0.${index}`);
      assertRefused(`v1.0.${index}`, state);
    });
  }
});
