// The search over the pages as they are: what a reader types leads to the section that answers it.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createSearch } from "../../site/client/search.ts";
import { SYNONYMS } from "../../site/client/synonyms.ts";
import { titleOf } from "../../site/markdown.ts";
import { addressOf, SOURCE_PAGES } from "../../site/reading-paths.ts";
import { sectionsOf } from "../../site/search-sections.ts";
import { readText } from "../files.ts";

const sections = SOURCE_PAGES.flatMap(({ source }) => {
  const text = readText(source);
  return sectionsOf(text, titleOf(text), addressOf(source));
});
const search = createSearch(sections);

suite("createSearch()", () => {
  const cases = [
    ["ROLE_FORBIDDEN", "docs/errors.html#role_forbidden"],
    ["--role-base-arn", "docs/configuration.html"],
    ["rotate the CA", "docs/ca.html"],
    ["rollback", "docs/install.html#upgrade-rollback-uninstall"],
    ["rollback migration", "docs/migrate.html#roll-back"],
    ["how do I roll back", "docs/install.html#upgrade-rollback-uninstall"],
    ["pod has no credentials", "docs/troubleshoot.html#a-pod-without-credentials-with-kubectl-alone"],
    ["pod not starting", "docs/troubleshoot.html#the-pod-hangs-in-init-or-restarts"],
    ["on premises", "docs/platforms.html#k3s-and-clusters-outside-aws"],
    ["CNI", "docs/compare.html#what-it-needs-and-is-it-ready"],
    ["many clusters", "docs/compare.html#several-clusters"],
    ["istio", "docs/troubleshoot.html#why-a-pod-was-not-injected"],
    ["uninstall", "docs/operate.html#uninstall"],
    ["remove podrole", "docs/operate.html#uninstall"],
    ["disable", "docs/operate.html#uninstall"],
    ["403", "docs/troubleshoot.html#codes"],
    ["AccessDenied", "docs/errors.html#sts_denied"],
    ["Unable to locate credentials", "docs/troubleshoot.html#the-app-gets-no-credentials"],
    ["CrashLoopBackOff", "docs/troubleshoot.html#the-pod-hangs-in-init-or-restarts"],
    ["Could not load credentials from any providers", "docs/troubleshoot.html#the-app-gets-no-credentials"],
    ["connection refused 9763", "docs/troubleshoot.html#the-app-gets-no-credentials"],
    ["failed calling webhook", "docs/troubleshoot.html#the-pod-is-not-created"],
    ["monitoring", "docs/metrics.html"],
    ["price", "docs/compare.html#what-podrole-costs"],
    ["OIDC", "docs/compare.html"],
    ["backup", "docs/ca.html#backup-and-restore"],
    ["kube2iam", "docs/kiam-behaviour.html"],
    ["maturity", "readme.html"],
    ["production", "readme.html"],
    ["adopters", "readme.html"],
    ["init", "docs/troubleshoot.html#the-pod-hangs-in-init-or-restarts"],
    ["Init:0/1", "docs/troubleshoot.html#the-pod-hangs-in-init-or-restarts"],
    ["pod stuck", "docs/troubleshoot.html#the-pod-hangs-in-init-or-restarts"],
    ["pod hang", "docs/troubleshoot.html#the-pod-hangs-in-init-or-restarts"],
    ["pending", "docs/troubleshoot.html#the-pod-hangs-in-init-or-restarts"],
    ["ImagePullBackOff", "docs/troubleshoot.html#the-pod-hangs-in-init-or-restarts"],
    ["alternatives", "docs/compare.html"],
    ["risks", "security.html"],
    ["containers of one pod", "security.html#containers-of-one-pod"],
    ["role per container", "docs/roles.html#two-or-more-roles-in-a-pod"],
    ["annotations", "docs/roles.html#all-annotations"],
    ["report vulnerability", "security.html#report-a-vulnerability"],
    ["supported versions", "security.html#supported-versions"],
    ["unannotated pods", "docs/migrate-differences.html#pods-without-an-annotation"],
    ["uninstall kiam", "docs/migrate.html#9-remove-the-old-system"],
    ["kops", "docs/platforms.html#kops"],
    ["Roles Anywhere", "docs/platforms.html#k3s-and-clusters-outside-aws"],
    ["static keys", "docs/sdk.html#from-static-keys"],
    ["Cilium", "docs/api-server.html#the-api-servers-addresses"],
    ["way back", "docs/migrate-details.html#the-way-back-of-the-nodes"],
    ["drain 20 pods", "docs/compare.html#what-podrole-costs"],
    ["hybrid nodes", "docs/compare.html#which-one-is-for-you"],
    ["pod stuck in Init forever after deploy", "docs/troubleshoot.html#the-pod-hangs-in-init-or-restarts"],
  ] as const;
  for (const [words, expected] of cases) {
    test(`createSearch() leads from "${words}" to ${expected}`, () => {
      const found = search(words).map(({ address }) => address);
      assert.ok(
        found.slice(0, 8).some((address) => address.startsWith(expected)),
        found.join("\n"),
      );
    });
  }

  const firsts = [
    ["two roles", "docs/roles.html#two-or-more-roles-in-a-pod"],
    ["two roles in one pod", "docs/roles.html#two-or-more-roles-in-a-pod"],
    ["multiple roles", "docs/roles.html#two-or-more-roles-in-a-pod"],
    ["more than one role", "docs/roles.html#two-or-more-roles-in-a-pod"],
    ["whom to ask", "support.html"],
    ["contact", "support.html"],
    ["limitations", "docs/compare.html#known-limits"],
    ["known limits", "docs/compare.html#known-limits"],
    ["1.33", "docs/platforms.html#supported-kubernetes-versions"],
    ["supported kubernetes versions", "docs/platforms.html#supported-kubernetes-versions"],
    ["kubeadm", "docs/platforms.html#kubeadm"],
    ["kubectl", "docs/troubleshoot.html#a-pod-without-credentials-with-kubectl-alone"],
    ["is it for me", "docs/compare.html"],
    ["restart", "docs/troubleshoot.html#restart-the-pods"],
    ["kiam", "docs/migrate.html"],
    ["kube2iam", "docs/migrate-kube2iam.html"],
    ["no credentials", "docs/troubleshoot.html"],
    ["move from kiam", "docs/migrate.html"],
    ["migrate from kube2iam", "docs/migrate-kube2iam.html"],
    ["my pod has no credentials", "docs/troubleshoot.html"],
    ["boundary", "security.html#the-boundary-in-five-lines"],
  ] as const;
  for (const [words, expected] of firsts) {
    test(`createSearch() leads from "${words}" first to ${expected}`, () => {
      const found = search(words).map(({ address }) => address);
      assert.equal(found[0], expected, found.join("\n"));
    });
  }

  test("createSearch() finds sections with some of the words if none contains all of them", () => {
    const given = [
      { address: "a.html", page: "A", heading: "A", text: "webhook" },
      { address: "b.html", page: "B", heading: "B", text: "sidecar" },
    ];
    assert.deepEqual(
      createSearch(given)("webhook unheardof").map(({ address }) => address),
      ["a.html"],
    );
    assert.deepEqual(createSearch(given)("unheardof"), []);
    const both = [...given, { address: "c.html", page: "C", heading: "C", text: "webhook sidecar pod" }];
    assert.equal(createSearch(both)("webhook sidecar pod")[0]?.address, "c.html");
    assert.equal(createSearch(both)("webhook sidecar pod").length, 3);
    assert.equal(createSearch(both)("webhook sidecar").length, 1);
  });

  test("createSearch() finds pages with some of the words if only the changelog contains all of them", () => {
    const given = [
      { address: "changelog.html#1", page: "Changelog", heading: "1", text: "migration rollback" },
      { address: "docs/migrate.html", page: "Migrate", heading: "Rollback", text: "rollback of a namespace" },
    ];
    assert.equal(createSearch(given)("rollback migration")[0]?.address, "docs/migrate.html");
  });

  test("createSearch() shows the text around the word, or around the synonym that it found", () => {
    const text = `${"before ".repeat(60)}replicas ${"after ".repeat(60)}`;
    const [found] = createSearch([{ address: "a.html", page: "A", heading: "A", text }])("ha");
    assert.match(found?.excerpt ?? "", /^….*replicas.*…$/);
  });
});

test("SYNONYMS leads to words that the pages contain", () => {
  const text = sections.map((each) => `${each.page} ${each.heading} ${each.text}`.toLowerCase()).join("\n");
  assert.deepEqual(
    Object.values(SYNONYMS)
      .flat()
      .filter((word) => !text.includes(word)),
    [],
  );
});
