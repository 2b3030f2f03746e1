// STS in the cluster: the emulator on port 4566, with the server's access key and the suite's roles; sessions of
// SHORT_ROLES last 4 minutes, so that a test sees several renewals. Port 4567 is for the suite: POST /faults sets a
// fault, DELETE /faults clears all, GET /calls lists the received calls.
import { createServer, type IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { createStsEmulator } from "../../../../emulators/sts/emulator.ts";
import type { Fault } from "../../../../emulators/sts/faults.ts";
import { systemClock as clock } from "../../../../src/runtime/clock.ts";
import { Secret } from "../../../../src/runtime/secret.ts";
import { startShortSessions } from "../../../story/short-sessions.ts";

const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "", AWS_REGION = "" } = process.env;
const { ACCOUNT = "", ROLES = "", SHORT_ROLES = "", UNTRUSTED_ROLES = "" } = process.env;
const SHORT_MS = 240_000;
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
      ...[...names(ROLES), ...names(SHORT_ROLES)].map((name) => role(name, [server])),
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

async function start(): Promise<void> {
  await sts.listen();
  const front = await startShortSessions(4566);
  front.target = sts.url;
  for (const name of names(SHORT_ROLES)) front.lifetimes.set(`arn:aws:iam::${ACCOUNT}:role/${name}`, SHORT_MS);
  process.on("SIGTERM", () => {
    controls.close();
    void Promise.all([front.close(), sts.close()]).then(() => process.exit(0));
  });
  controls.listen(4567, "0.0.0.0");
}

void start();
