import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { podroleSettings } from "../../../../src/operations/migrate/settings/podrole-settings.ts";
import { EXPORT_BASE_ARN } from "../cluster-export.ts";

suite("podroleSettings()", () => {
  test("prefers the environment, and reports settings with which podrole would not start", () => {
    const converted = {
      server: { roleBaseArn: EXPORT_BASE_ARN, sessionDuration: "120m" },
      webhook: { roleBaseArn: EXPORT_BASE_ARN },
    };
    const own = podroleSettings(converted, { PODROLE_SESSION_DURATION: "30m" }, true);
    assert.ok(own.ok);
    assert.equal(own.value.policy.sessionDurationMs, 1_800_000);
    const wrong = podroleSettings(converted, { PODROLE_ASSUME_ROLE_ARN: `${EXPORT_BASE_ARN}hop` }, true);
    assert.ok(!wrong.ok);
    assert.match(wrong.problems[0] ?? "", /^--session-duration: .*--assume-role-arn is set; expected at most 1h/);
  });

  test("reports a misspelt setting", () => {
    const target = podroleSettings({ server: {}, webhook: {} }, { PODROLE_REGOIN: "x" }, true);
    assert.ok(!target.ok);
    assert.deepEqual(target.problems, ["PODROLE_REGOIN: no setting has this name (did you mean PODROLE_REGION?)"]);
  });
});
