// The environment as the AWS SDK sees it: nothing of this machine's own AWS set-up, and what a test adds.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/**
 * Takes every AWS_* variable away until the end of the test, points the shared configuration at files that do not exist
 * and switches the instance metadata off; then adds `variables`. May be called again to add more.
 */
export function withEnvironment(context: TestContext, variables: Readonly<Record<string, string>>): void {
  if (process.env["PODROLE_TEST_AWS"] === undefined) {
    const before = { ...process.env };
    context.after(() => {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
      Object.assign(process.env, before);
    });
    for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
    const empty = mkdtempSync(join(tmpdir(), "podrole-aws-"));
    Object.assign(process.env, {
      PODROLE_TEST_AWS: "1",
      AWS_CONFIG_FILE: join(empty, "config"),
      AWS_SHARED_CREDENTIALS_FILE: join(empty, "credentials"),
      AWS_EC2_METADATA_DISABLED: "true",
    });
    context.after(() => rmSync(empty, { recursive: true }));
  }
  Object.assign(process.env, variables);
}
