// Stand-in for createSts() of src/server/aws/sts.ts: the host of the endpoint is the program's host name.
import type { Sts, StsDeps, StsOptions } from "../../../src/server/aws/sts.ts";
import { surroundingsOf } from "../surroundings.ts";

export function createSts(_deps: StsDeps, { endpoint = "" }: StsOptions): Sts {
  return surroundingsOf(new URL(endpoint).hostname).sts();
}
