// STS in the cluster: the emulator, with the server's key and the suite's roles.
import { createStsEmulator } from "../../../../src/emulators/sts/emulator.ts";
import { systemClock as clock } from "../../../../src/runtime/clock.ts";
import { Secret } from "../../../../src/runtime/secret.ts";

const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "", AWS_REGION = "", ACCOUNT = "", ROLES = "" } = process.env;
const arn = `arn:aws:iam::${ACCOUNT}:user/podrole-server`;
const sts = createStsEmulator(
  { clock },
  {
    region: AWS_REGION,
    keys: [{ accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: new Secret(AWS_SECRET_ACCESS_KEY), arn }],
    roles: ROLES.split(",").map((name) => ({
      arn: `arn:aws:iam::${ACCOUNT}:role/${name}`,
      trust: { principals: [arn] },
    })),
  },
);
process.on("SIGTERM", () => void sts.close().then(() => process.exit(0)));
void sts.listen(4566, "0.0.0.0");
