// STS in the cluster: the emulator on port 4566, with the server's access key and the suite's roles. Port 4567 is for
// the suite: POST /faults sets a fault, DELETE /faults clears all, GET /calls lists the received calls.
import { createServer, type IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { createStsEmulator } from "../../../../emulators/sts/emulator.ts";
import type { Fault } from "../../../../emulators/sts/faults.ts";
import { systemClock as clock } from "../../../../src/runtime/clock.ts";
import { Secret } from "../../../../src/runtime/secret.ts";

const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "", AWS_REGION = "" } = process.env;
const { ACCOUNT = "", ROLES = "", UNTRUSTED_ROLES = "" } = process.env;
const server = `arn:aws:iam::${ACCOUNT}:user/podrole-server`;
const names = (list: string) => list.split(",").filter((name) => name !== "");
const role = (name: string, principals: readonly string[]) => ({
  arn: `arn:aws:iam::${ACCOUNT}:role/${name}`,
  trust: { principals },
});
const sts = createStsEmulator(
  { clock },
  {
    region: AWS_REGION,
    keys: [{ accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: new Secret(AWS_SECRET_ACCESS_KEY), arn: server }],
    roles: [
      ...names(ROLES).map((name) => role(name, [server])),
      ...names(UNTRUSTED_ROLES).map((name) => role(name, [])),
    ],
  },
);

interface FaultRequest {
  readonly fault: Fault;
  readonly scope?: { readonly calls?: number; readonly roleArn?: string };
}

async function control(request: IncomingMessage): Promise<unknown> {
  const { method, url } = request;
  if (method === "GET" && url === "/calls") return sts.calls.list();
  if (method === "DELETE" && url === "/faults") return sts.faults.clear() ?? {};
  if (method !== "POST" || url !== "/faults")
    return { problem: `Cannot serve ${method} ${url}; expected POST or DELETE /faults, or GET /calls` };
  const { fault, scope } = (await json(request)) as FaultRequest;
  return sts.faults.set(fault, scope) ?? {};
}

const controls = createServer((request, response) => {
  control(request).then(
    (answer) => response.setHeader("content-type", "application/json").end(JSON.stringify(answer)),
    (error: Error) => response.writeHead(400).end(error.message),
  );
});

process.on("SIGTERM", () => {
  controls.close();
  void sts.close().then(() => process.exit(0));
});
void sts.listen(4566, "0.0.0.0").then(() => controls.listen(4567, "0.0.0.0"));
