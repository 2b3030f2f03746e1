// How the stand-ins find the world that they belong to: by the host names in the settings of each program, which are
// unique in a simulation.
import type { KubernetesClient } from "../../src/kubernetes/client.ts";
import type { ClientIdentity, ServerEndpoint } from "../../src/protocol/client.ts";
import type { ListenerDeps, ListenerOptions } from "../../src/protocol/listener.ts";
import type { PagesDeps } from "../../src/runtime/pages.ts";
import type { Sts } from "../../src/server/aws/sts.ts";
import type { HttpServerDeps } from "../../src/sidecar/http/servers.ts";
import type { WebhookAppDeps } from "../../src/webhook/app.ts";
import type { Volumes } from "./volumes.ts";

/** The outside of one program. */
export interface Surroundings {
  /** Calls the server's Service. */
  readonly call: (
    port: Port,
    endpoint: ServerEndpoint,
    identity: ClientIdentity | undefined,
    request: unknown,
    deadlineMs: number,
  ) => Promise<unknown>;
  readonly canConnect: (timeoutMs: number) => Promise<boolean>;
  readonly kubernetes: () => KubernetesClient;
  readonly sts: () => Sts;
  readonly onListen: (listener: ListenerDeps, options: ListenerOptions) => void;
  readonly onPages: (pages: PagesDeps) => void;
  readonly onWebhook: (app: WebhookAppDeps) => void;
}

/** The two ports of a server. */
export type Port = "identity" | "credentials";

/** The files of all pods, the servers inside pods by port, and the programs' surroundings by host. */
export interface World {
  readonly volumes: Volumes;
  readonly podServers: Map<number, HttpServerDeps["handle"]>;
  readonly hosts: Map<string, Surroundings>;
  /** Number of random values that keys and certificates have had. */
  serial: number;
}

let world: World | undefined;

/** Makes `next` the world of all stand-ins. */
export function enterWorld(next: World): void {
  world = next;
}

/** Returns the present world. */
export function currentWorld(): World {
  if (world === undefined) throw new Error("Cannot simulate: there is no world; expected enterWorld() before");
  return world;
}

/** Returns the surroundings of the program with this host name, of "host" or "host:port". */
export function surroundingsOf(address: string): Surroundings {
  const [host = ""] = address.split(":");
  const found = currentWorld().hosts.get(host);
  if (found === undefined) throw new Error(`Cannot simulate ${address}: no program has this host; expected one`);
  return found;
}
