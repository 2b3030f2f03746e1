// The environment that the AWS SDK sees: without the AWS configuration of this machine, with what a test adds.
import { join } from "node:path";
import { createTemporaryDirectory, type TestScope } from "../temporary-files.ts";

/**
 * Removes every AWS_* variable until the end of the test, points the shared configuration at files that do not exist
 * and disables the instance metadata; then adds `variables`. May be called again to add more.
 */
export function withEnvironment(context: TestScope, variables: Readonly<Record<string, string>>): void {
  if (process.env["PODROLE_TEST_AWS"] === undefined) {
    const before = { ...process.env };
    context.after(() => {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
      Object.assign(process.env, before);
    });
    for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
    const empty = createTemporaryDirectory(context);
    Object.assign(process.env, {
      PODROLE_TEST_AWS: "1",
      AWS_CONFIG_FILE: join(empty, "config"),
      AWS_SHARED_CREDENTIALS_FILE: join(empty, "credentials"),
      AWS_EC2_METADATA_DISABLED: "true",
    });
  }
  Object.assign(process.env, variables);
}
