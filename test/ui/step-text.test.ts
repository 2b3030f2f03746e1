import assert from "node:assert/strict";
import { test } from "node:test";
import { stepsAfterCode } from "../../src/operations/code-steps.ts";
import { lineParts, stepText } from "../../ui/model/step-text.ts";
import { TYPO } from "./snapshots.ts";

test("stepText() says what to replace in a command, once", () => {
  assert.deepEqual(stepText("kubectl annotate pod/x 'a=ROLE' --overwrite  # corrects the name, ROLE"), {
    ...{
      command: "kubectl annotate pod/x 'a=ROLE' --overwrite",
      purpose: "",
      replace: "Replace ROLE with the right name",
    },
  });
  const meant = stepText('kubectl patch x -p \'{"a":"ROLE"}\'  # ROLE: the name or ARN of its role');
  assert.deepEqual([meant.purpose, meant.replace], ["", "Replace ROLE with the name or ARN of its role"]);
  const printed = stepText("kubectl annotate pod/x 'a=ARN'  # names the ARN that is printed");
  assert.deepEqual([printed.purpose, printed.replace], ["", "Replace ARN with the ARN that is printed"]);
  const where = stepText("jq '.a + \"ARN\"'  # adds it, where ARN is the AWS principal of the server");
  assert.deepEqual([where.purpose, where.replace], ["adds it", "Replace ARN with the AWS principal of the server"]);
  const own = stepText("aws iam get-role --role-name NAME  # shows the role");
  assert.deepEqual([own.purpose, own.replace], ["shows the role", "Replace NAME with the name of the role"]);
  const said = stepText("aws iam get-role --role-name NAME  # replace NAME by the role");
  assert.deepEqual([said.purpose, said.replace], ["replace NAME by the role", ""]);
  assert.equal(stepText("podrole check --quiet").replace, "");
});

test("stepText() finds nothing to replace in a command that can be run as it is", () => {
  const object = { namespace: "shop", kind: "deployment", name: "mailer" } as const;
  const steps = stepsAfterCode("STS_DENIED", { object, serverMessage: TYPO });
  const replaced = steps.filter((step) => stepText(step).replace !== "");
  assert.ok(steps.length > 5 && replaced.length === 3 && replaced.every((step) => step.startsWith("kubectl ")));
});

test("lineParts() breaks a command at spaces and between the parts of JSON, and loses nothing of it", () => {
  const object = { namespace: "shop", kind: "deployment", name: "mailer" } as const;
  for (const step of stepsAfterCode("STS_DENIED", { object, serverMessage: TYPO })) {
    assert.equal(lineParts(step).join(""), step);
    assert.ok(
      lineParts(step).every((part) => part.length < 60 || !part.includes(",")),
      step,
    );
  }
  assert.deepEqual(lineParts("podrole check --quiet"), ["podrole ", "check ", "--quiet"]);
  assert.deepEqual(lineParts(""), []);
});
