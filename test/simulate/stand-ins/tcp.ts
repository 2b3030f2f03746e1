// Stand-in for src/runtime/tcp.ts: "localhost" is the pod itself, other hosts are the server's Service as a program
// sees it.
import { currentWorld, surroundingsOf } from "../surroundings.ts";

export async function canConnect(
  { host, port }: { readonly host: string; readonly port: number },
  timeoutMs: number,
): Promise<boolean> {
  return host === "localhost" ? currentWorld().podServers.has(port) : surroundingsOf(host).canConnect(timeoutMs);
}
