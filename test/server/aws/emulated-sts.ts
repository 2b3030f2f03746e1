// The STS emulator for tests of the server's client: the environment has the key of a user whom the emulator knows.
import type { TestContext } from "node:test";
import { createStsEmulator, type StsEmulator, type StsEmulatorOptions } from "../../../emulators/sts/emulator.ts";
import { systemClock as clock } from "../../../src/runtime/clock.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { withEnvironment } from "../environment.ts";

/** The user behind the key in the environment. */
export const SERVER = "arn:aws:iam::123456789012:user/podrole-server";
export const EMULATED_REGION = "eu-central-1";
const ACCESS_KEY = "AKIAPODROLESERVER001";
const SECRET_KEY = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00";

/**
 * Starts the emulator, which `context` stops; `user` is the ARN of the key's user. It runs on the machine's clock, as
 * the SDK does.
 */
export async function startEmulatedSts(
  context: TestContext,
  {
    user = SERVER,
    region = EMULATED_REGION,
    roles,
  }: Required<Pick<StsEmulatorOptions, "roles">> & { user?: string; region?: string },
): Promise<StsEmulator> {
  withEnvironment(context, { AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: SECRET_KEY });
  const keys = [{ accessKeyId: ACCESS_KEY, secretAccessKey: new Secret(SECRET_KEY), arn: user }];
  const emulator = createStsEmulator({ clock }, { region, keys, roles });
  await emulator.listen();
  context.after(() => emulator.close());
  return emulator;
}
