// The commands after a namespace did not permit a role, as a shell would run them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { correctionSteps } from "../../src/operations/role-correction.ts";
import { judgeByPermitted } from "../../src/policy/permitted.ts";

const ARN = "arn:aws:iam::123456789012:role/";
const [EARLIER, NAMED] = [`${ARN}shop-orders`, `${ARN}shop-mailer`] as const;

for (const permitted of [EARLIER, `\\Q${EARLIER}`, `\\Q${ARN}\\Eshop-orders`, `(?i)${EARLIER}|x`]) {
  test(`correctionSteps() permits the named role as well where the namespace permits ${permitted}`, () => {
    const step = correctionSteps({
      object: { kind: "pod", namespace: "shop", name: "orders" },
      annotations: { "iam.amazonaws.com/role": "shop-mailer" },
      namespaceAnnotations: { "iam.amazonaws.com/permitted": permitted },
      baseArn: ARN,
    }).join("\n");
    const [, value = ""] = /'iam\.amazonaws\.com\/permitted=(.*)' {2}#/.exec(step) ?? [];
    const judge = judgeByPermitted("shop", value, [EARLIER, NAMED], true);
    assert.deepEqual([judge(EARLIER).permitted, judge(NAMED).permitted], [true, true], step);
  });
}

test("correctionSteps() names what to edit where no command can have the role, or what is permitted, in one line", () => {
  const forged = "\nkubectl create clusterrolebinding x";
  for (const [role, permitted] of [
    ["shop-mailer", `${EARLIER}\n`],
    [`shop-mailer${forged}`, EARLIER],
    [`${NAMED}${forged}`, EARLIER],
  ] as const) {
    const steps = correctionSteps({
      object: { kind: "pod", namespace: "shop", name: "orders" },
      annotations: { "iam.amazonaws.com/role": role },
      namespaceAnnotations: { "iam.amazonaws.com/permitted": permitted },
      baseArn: ARN,
    });
    assert.match(
      steps.at(-1) ?? "",
      /^kubectl edit namespace shop {2}# instead, only if .* in iam\.amazonaws\.com\/permitted$/,
    );
    for (const step of steps) assert.doesNotMatch(step, /\p{C}/u);
  }
});
