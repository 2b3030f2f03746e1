// A port that answers no SYN, as the address of a node that is gone: a stopped process whose queue of connections is
// full.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import type { TestScope } from "../temporary-files.ts";

const LISTEN = `
require("node:net").createServer().listen({ port: Number(process.argv[1]), host: process.argv[2], backlog: 1 }, function () {
  console.log(this.address().port);
  process.kill(process.pid, "SIGSTOP");
});`;

/** Opens it on a loopback address until the end of the scope; resolves with the port. */
export async function openBlackHole(scope: TestScope, host = "127.0.0.1", port = 0): Promise<number> {
  const child = spawn(process.execPath, ["-e", LISTEN, String(port), host], { stdio: ["ignore", "pipe", "inherit"] });
  scope.after(() => void child.kill("SIGKILL"));
  const [bound] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
  // The kernel completes one connection more than the queue's length.
  for (let index = 0; index < 2; index++) {
    const filler = connect(Number(bound), host).on("error", () => {});
    scope.after(() => void filler.destroy());
    await once(filler, "connect");
  }
  return Number(bound);
}
