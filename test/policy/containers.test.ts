// How many containers of a pod may have a role, how long podrole's annotations may be, and that deciding about them
// takes no more steps than they have elements.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_ANNOTATION_LENGTH, POD_ANNOTATIONS } from "../../src/policy/annotations.ts";
import { MAX_CONTAINERS_WITH_ROLE, participantsOf } from "../../src/policy/containers.ts";
import { decideRoles } from "../../src/policy/decide.ts";
import { codeOf, inherited, PERMITTED_ANNOTATION, podFactsWith, policySettingsWith, ROLE_ANNOTATION } from "./facts.ts";

const CONTAINERS = "podrole.io/containers";
const names = (count: number) => Array.from({ length: count }, (_, index) => `c${index}`);
const decide = (annotations: Record<string, string>, containers: readonly string[], requested = containers) =>
  decideRoles(
    podFactsWith(annotations, { containers }),
    inherited({ [PERMITTED_ANNOTATION]: ".*" }),
    policySettingsWith(),
    requested,
  );

/** A list that counts how often an element is read. */
function countedList(elements: readonly string[]) {
  let reads = 0;
  const list = new Proxy(elements, {
    get(target, key) {
      if (typeof key === "string" && /^\d+$/.test(key)) reads += 1;
      return Reflect.get(target, key) as unknown;
    },
  });
  return { list, reads: () => reads };
}

const last = (count: number, length: number) => {
  const name = `c${count - 1}`;
  return Array.from({ length: Math.floor(length / (name.length + 1)) }, () => name).join(",");
};

const COSTLY: readonly { readonly what: string; readonly annotations: Record<string, string> }[] = [
  { what: "a list that repeats the last one", annotations: { [CONTAINERS]: last(1_000, MAX_ANNOTATION_LENGTH) } },
  { what: "a list of 250 KB", annotations: { [CONTAINERS]: last(1_000, 250_000) } },
  {
    what: "a role of its own for each",
    annotations: Object.fromEntries(names(1_000).map((name) => [`${ROLE_ANNOTATION}.${name}`, "x"])),
  },
];

for (const { what, annotations } of COSTLY) {
  test(`participantsOf() reads the names of 1000 containers a few times for ${what}`, () => {
    const { list, reads } = countedList(names(1_000));
    participantsOf(podFactsWith(annotations, { containers: list }));
    assert.ok(reads() <= 5_000, `${reads()} reads`);
  });
}

for (const name of POD_ANNOTATIONS.map((each) => (each.endsWith(".") ? `${each}app` : each))) {
  test(`decideRoles() refuses ${name} of more than 16 KiB with ANNOTATION_INVALID`, () => {
    const { roles, refusal } = decide({ [ROLE_ANNOTATION]: "x", [name]: "x".repeat(MAX_ANNOTATION_LENGTH + 1) }, [
      "app",
    ]);
    assert.deepEqual(roles, []);
    assert.equal(refusal?.code, "ANNOTATION_INVALID");
    assert.match(
      refusal?.message ?? "",
      /^Cannot use ".*": it has more than 16384 characters; expected at most that many$/,
    );
  });
}

test("decideRoles() accepts a list of 16 KiB, and longer annotations that podrole does not read", () => {
  const list = `app,${" ".repeat(MAX_ANNOTATION_LENGTH - 4)}`;
  const { roles } = decide(
    { [ROLE_ANNOTATION]: "x", [CONTAINERS]: list, "iam.amazonaws.com/other": "x".repeat(100_000) },
    ["app"],
  );
  assert.deepEqual(
    roles.map(({ outcome }) => outcome),
    ["allowed"],
  );
});

test("decideRoles() refuses a pod in which more containers have a role than the server serves, whatever is requested", () => {
  const most = names(MAX_CONTAINERS_WITH_ROLE);
  assert.equal(decide({ [ROLE_ANNOTATION]: "x" }, most).roles.length, MAX_CONTAINERS_WITH_ROLE);
  const { roles, refusal } = decide({ [ROLE_ANNOTATION]: "x" }, [...most, "more"], ["more"]);
  assert.deepEqual(roles, []);
  assert.equal(codeOf(refusal), "ANNOTATION_INVALID");
  assert.match(refusal?.message ?? "", /129 of its containers have one; expected at most 128; podrole\.io\/containers/);
});

test("decideRoles() serves a pod with more containers if few of them have a role", () => {
  const { roles } = decide({ [ROLE_ANNOTATION]: "x", [CONTAINERS]: "c999" }, names(1_000));
  assert.deepEqual(
    roles.map(({ container }) => container),
    ["c999"],
  );
});

test("decideRoles() leaves out a mesh's containers, at admission and on request, unless an annotation names them", () => {
  const containers = ["app", "istio-proxy", "istio-init", "linkerd-proxy"];
  const decided = (annotations: Record<string, string>) =>
    decide({ [ROLE_ANNOTATION]: "x", ...annotations }, containers).roles.map(({ container }) => container);
  assert.deepEqual(decided({}), ["app"]);
  assert.deepEqual(decided({ [CONTAINERS]: "istio-proxy" }), ["istio-proxy"]);
  assert.deepEqual(decided({ [`${ROLE_ANNOTATION}.linkerd-proxy`]: "y" }), ["app", "linkerd-proxy"]);
});
