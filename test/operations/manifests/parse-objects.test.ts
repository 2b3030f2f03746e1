import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseObjects } from "../../../src/operations/manifests/parse-objects.ts";

const kinds = (text: string) => parseObjects(text, "file").objects.map(({ kind }) => kind);

suite("parseObjects()", () => {
  for (const [what, text, expected] of [
    ["several documents, empty ones too", "kind: Pod\n---\n---\nkind: Namespace\n", ["Pod", "Namespace"]],
    ["a List", "kind: List\nitems: [{kind: Pod}, {kind: Job}]\n", ["Pod", "Job"]],
    ["a PodList, whose items have no kind", '{"kind":"PodList","items":[{},{}]}', ["Pod", "Pod"]],
    ["a List of Lists", "kind: List\nitems: [{kind: PodList, items: [{}]}]", ["Pod"]],
    ["an empty List", '{"kind":"List","items":[]}', []],
    ["YAML that begins like JSON", "{kind: Pod}", ["Pod"]],
    ["nothing", "", []],
    ["JSON with 499 levels", `{"kind":"Pod","spec":${"[".repeat(498)}${"]".repeat(498)}}`, ["Pod"]],
    ["YAML with 499 levels", `kind: Pod\nspec: ${"[".repeat(498)}${"]".repeat(498)}\n`, ["Pod"]],
  ] as const) {
    test(`reads ${what}`, () => assert.deepEqual(kinds(text), expected));
  }

  for (const [what, text, problem] of [
    ["broken YAML", "a: [", /^file: it is neither YAML nor JSON: /],
    ["a text", "hello", /^file, document 1: it is not an object/],
    ["an object without a kind", "kind: Pod\n---\na: 1", /^file, document 2: it has no kind/],
    ["an element of a List without a kind", "kind: List\nitems: [{}]", /^file, document 1, item 1: it has no kind/],
    ["a bomb of aliases", `a: &a [x,x,x,x,x,x,x,x,x]\n${bomb()}`, /^file: it cannot be read/],
    ...[600, 100_000].flatMap((levels) => {
      const nested = "[".repeat(levels) + "]".repeat(levels);
      return [
        [`JSON with ${levels} levels`, `{"kind":"Pod","spec":${nested}}`, /^file: it cannot be read: .* 500 levels/],
        [`YAML with ${levels} levels`, `kind: Pod\nspec: ${nested}\n`, /^file: it cannot be read: .* 500 levels/],
      ] as const;
    }),
  ] as const) {
    test(`reports the place of ${what}`, () => {
      const { objects, problems } = parseObjects(text, "file");
      assert.match(problems[0] ?? "", problem);
      assert.ok(objects.length <= 1);
    });
  }
});

function bomb(): string {
  const letters = ["a", "b", "c", "d", "e", "f", "g"];
  return letters
    .slice(1)
    .map((letter, index) => `${letter}: &${letter} [${Array(9).fill(`*${letters[index]}`).join(",")}]\n`)
    .join("");
}
