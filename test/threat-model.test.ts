// docs/claims.md says what holds: each claim has an id of its own and tests that exist. The table of docs/rights.md is
// what manifests/base/rbac.yaml grants and what the programs call.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { ROOT, readManifest, readText } from "./files.ts";
import { readSources } from "./story/sources.ts";

const page = readText("docs/claims.md");
const rights = readText("docs/rights.md");

interface Claim {
  readonly id: string;
  readonly tests: readonly { readonly file: string; readonly name: string }[];
}

/** Rows with an id, a claim, and tests as "file: name", separated by <br>. */
function claimsOf(text: string): readonly Claim[] {
  return [...text.matchAll(/^\| (T-[A-Z]+-\d+) \| .* \| (test\/.*) \|$/gm)].map(([, id = "", held = ""]) => ({
    id,
    tests: held.split("<br>").map((each) => {
      const [file = "", ...name] = each.split(": ");
      return { file, name: name.join(": ") };
    }),
  }));
}

/** Names of the tests in a file, as the page writes those of a template. */
function testsIn(file: string): ReadonlySet<string> {
  if (!existsSync(join(ROOT, file))) return new Set();
  const calls = readText(file).matchAll(/\btest\(\s*(["'`])((?:\\.|(?!\1)[^\\])*)\1/gs);
  return new Set([...calls].flatMap(([, , name = ""]) => readableNames(name.replaceAll(/\\(.)/g, "$1"))));
}

/** Returns a template's name with "…" for each placeholder, and with each text that the placeholder chooses between. */
function readableNames(template: string): readonly string[] {
  const [placeholder] = /\$\{[^}]*\}/.exec(template) ?? [];
  if (placeholder === undefined) return [template];
  const texts = [...placeholder.matchAll(/[?:] "([^"]*)"/g)].map(([, text = ""]) => text);
  return ["…", ...texts].flatMap((text) => readableNames(template.replace(placeholder, () => text)));
}

const missingTests = (claims: readonly Claim[]) =>
  claims.flatMap(({ id, tests }) =>
    tests.filter(({ file, name }) => !testsIn(file).has(name)).map(({ file, name }) => `${id}: ${file}: ${name}`),
  );

suite("docs/claims.md", () => {
  const claims = claimsOf(page);

  test("each row with an id is a claim with a test", () => {
    assert.equal(claims.length, page.match(/^\| T-/gm)?.length);
    assert.ok(claims.length > 30);
  });

  test("each id is unique, and the ids of a boundary are counted from 1 without a gap", () => {
    const numbers = Map.groupBy(claims, ({ id }) => id.replace(/-\d+$/, ""));
    for (const [boundary, rows] of numbers) {
      assert.deepEqual(
        rows.map(({ id }) => id),
        rows.map((_, index) => `${boundary}-${index + 1}`),
      );
    }
  });

  test("each named test exists", () => assert.deepEqual(missingTests(claims), []));

  test("a test that does not exist is found", () => {
    const row =
      "| T-POD-1 | x | test/threat-model.test.ts: each named test exists<br>test/threat-model.test.ts: gone |";
    assert.deepEqual(missingTests(claimsOf(row)), ["T-POD-1: test/threat-model.test.ts: gone"]);
    assert.equal(missingTests(claimsOf("| T-POD-1 | x | test/gone.test.ts: x |")).length, 1);
  });

  test("a test whose name is a template is named with … or with a text that the template chooses between", () => {
    assert.deepEqual(readableNames('f() ${ok ? "reads" : "refuses"} ${what}'), [
      ...["f() … …", "f() reads …", "f() refuses …"],
    ]);
  });

  test("an id that is named elsewhere in the page or the code is a claim's", () => {
    const known = new Set(claims.map(({ id }) => id));
    const sources = [...readSources("src").values(), page, readText("SECURITY.md")];
    const named = sources.flatMap(
      (text) => text.match(/\bT-(?:IDENTITY|CERTIFICATE|CREDENTIALS|POD|WEBHOOK|SECRET|STATE|CLUSTER)-\d+/g) ?? [],
    );
    assert.deepEqual(
      named.filter((id) => !known.has(id)),
      [],
    );
  });
});

/**
 * What each call of the Kubernetes interface needs, as "verb resource"; `source` needs list and watch of its resource.
 */
const CALLS: Readonly<Record<string, readonly string[]>> = {
  reviewToken: ["create tokenreviews"],
  reviewAccess: ["create subjectaccessreviews"],
  getPod: ["get pods"],
  getNamespace: ["get namespaces"],
  getServiceAccount: ["get serviceaccounts"],
  getSecret: ["get secrets"],
  createSecret: ["create secrets"],
  replaceSecret: ["patch secrets"],
  getConfigMap: ["get configmaps"],
  putConfigMap: ["get configmaps", "create configmaps", "patch configmaps"],
  changeConfigMap: ["get configmaps", "create configmaps", "patch configmaps"],
  getWebhookConfiguration: ["get mutatingwebhookconfigurations"],
  setCaBundle: ["get mutatingwebhookconfigurations", "patch mutatingwebhookconfigurations"],
  putClusterTrustBundle: [
    ...["get", "create", "patch"].map((verb) => `${verb} clustertrustbundles`),
    // The API server requires it for a bundle of the signer.
    "attest signers",
  ],
  getPodCertificateRequest: ["get podcertificaterequests"],
  // The right to sign counts only together with the right to write a status.
  answerPodCertificateRequest: ["patch podcertificaterequests/status", "sign signers"],
  recordEvent: ["create events"],
  recordOwnerEvent: ["create events"],
  listKubelets: ["list nodes"],
  // Every authenticated user may read the version, and which resources there are (ClusterRole system:discovery).
  serverVersion: [],
  servesResource: [],
  // So may every ServiceAccount the keys (ClusterRole system:service-account-issuer-discovery).
  getTokenKeys: [],
  // Ends connections; calls nothing.
  close: [],
};

/** "program verb resource file: call()" for each call in the sources. */
function callsIn(sources: ReadonlyMap<string, string>): readonly string[] {
  return [...sources].flatMap(([file, text]) => {
    const program = /^src\/(server|webhook)\//.exec(file)?.[1];
    if (program === undefined) return [];
    return [...text.matchAll(/\bkubernetes\s*\??\.(\w+)(?:<\w+>)?\(\s*(?:"(\w+)")?/g)].flatMap(
      ([, call = "", resource = ""]) => {
        const needs = call === "source" ? ["list", "watch"].map((verb) => `${verb} ${resource}`) : CALLS[call];
        assert.ok(needs, `${file}: kubernetes.${call}() is not in this test's table`);
        return needs.map((right) => `${program} ${right} ${file}: ${call}()`);
      },
    );
  });
}

interface Row {
  readonly program: string;
  readonly verb: string;
  readonly resource: string;
  readonly name: string;
  readonly where: string;
  readonly used: string;
}

function rowsOf(text: string): readonly Row[] {
  const table = text.slice(text.indexOf("| program | verb |"));
  const rows = table.matchAll(
    /^\| (server|webhook) \| ([\w, ]+) \| ([\w/]+)(?: `([\w.:/-]+)`)? \| (.*) \| (src\/.*) \|$/gm,
  );
  return [...rows].flatMap(([, program = "", verbs = "", resource = "", name = "", where = "", used = ""]) =>
    verbs.split(", ").map((verb) => ({ program, verb, resource, name, where, used: used.replaceAll("`", "") })),
  );
}

interface RbacObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules?: readonly {
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

/** "program verb resource name where" for each right that the file's roles grant. */
function granted(file: string): readonly string[] {
  const objects = readManifest<RbacObject>(file);
  return objects.flatMap(({ kind, metadata, rules = [] }) =>
    rules.flatMap(({ resources, resourceNames = [""], verbs }) =>
      resources.flatMap((resource) =>
        resourceNames.flatMap((name) =>
          verbs.map((verb) => {
            const where = kind === "ClusterRole" ? "cluster" : "namespace";
            return [metadata.name.replace("podrole-", ""), verb, resource, name, where].join(" ");
          }),
        ),
      ),
    ),
  );
}

suite("docs/rights.md", () => {
  const rows = rowsOf(rights);

  test("the table of rights is what rbac.yaml grants and what the code calls", () => {
    const distinct = (texts: readonly string[]) => [...new Set(texts)].toSorted();
    const own = rows.filter(({ where }) => where === "cluster" || where === "namespace");
    const listed = own.map(({ program, verb, resource, name, where }) =>
      [program, verb, resource, name, where].join(" "),
    );
    assert.deepEqual(distinct(listed), distinct(granted("base/rbac.yaml")));
    const used = rows.map(({ program, verb, resource, used: by }) => `${program} ${verb} ${resource} ${by}`);
    const sources = new Map([...readSources("src/server"), ...readSources("src/webhook")]);
    assert.deepEqual(distinct(used), distinct(callsIn(sources)));
  });

  test("the rows for pod certificates are what their component grants to the server, and nothing else", () => {
    const listed = rows
      .filter(({ where }) => where.startsWith("only with [pod certificates]"))
      .map(({ verb, resource, name }) => ["pod-certificates", verb, resource, name, "cluster"].join(" "));
    assert.deepEqual(
      [...new Set(listed)].toSorted(),
      [...granted("components/pod-certificates/objects.yaml")].toSorted(),
    );
  });

  test("the row for auto is what its component grants to the server, and nothing else", () => {
    const listed = rows
      .filter(({ where }) => where.startsWith("only with `--pod-certificates=auto`"))
      .map(({ verb, resource, name }) => ["kubelet-versions", verb, resource, name, "cluster"].join(" "));
    assert.deepEqual(listed, granted("components/pod-certificates-auto/objects.yaml"));
  });

  test("callsIn() finds a call, with and without a type, and one on the next line", () => {
    const text = 'kubernetes.source<Pod>("pods"); await kubernetes\n  .getPod(a, b)';
    assert.deepEqual(callsIn(new Map([["src/server/x.ts", text]])), [
      "server list pods src/server/x.ts: source()",
      "server watch pods src/server/x.ts: source()",
      "server get pods src/server/x.ts: getPod()",
    ]);
  });
});
