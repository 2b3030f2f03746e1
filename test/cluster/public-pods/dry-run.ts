// Creates pods as dry runs: the API server admits, defaults and validates them, and stores none. By HTTP, because
// kubectl would take most of the suite's time.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { json } from "node:stream/consumers";
import { parse } from "yaml";
import type { Pod } from "../../../src/kubernetes/objects.ts";

/** The pod as the API server would store it, or why it refuses it. */
export type DryRun = { readonly pod: Pod } | { readonly refused: string };

interface Kubeconfig {
  readonly clusters: readonly [{ readonly cluster: { server: string; "certificate-authority-data": string } }];
  readonly users: readonly [{ readonly user: Record<"client-certificate-data" | "client-key-data", string> }];
}

/** Returns the function that creates a pod in a namespace, as the user of the kubeconfig. */
export function createDryRuns(kubeconfig: string): (namespace: string, pod: Pod) => Promise<DryRun> {
  const config = parse(readFileSync(kubeconfig, "utf8")) as Kubeconfig;
  const [{ cluster }] = config.clusters;
  const [{ user }] = config.users;
  const decode = (text: string) => Buffer.from(text, "base64");
  const agent = new Agent({
    keepAlive: true,
    ca: decode(cluster["certificate-authority-data"]),
    cert: decode(user["client-certificate-data"]),
    key: decode(user["client-key-data"]),
  });
  return async (namespace, pod) => {
    const url = `${cluster.server}/api/v1/namespaces/${namespace}/pods?dryRun=All`;
    const call = request(url, { method: "POST", agent, headers: { "content-type": "application/json" } });
    call.end(JSON.stringify(pod));
    const [response] = (await once(call, "response")) as [IncomingMessage];
    const body = (await json(response)) as { readonly message?: string };
    return response.statusCode === 201 ? { pod: body as unknown as Pod } : { refused: body.message ?? "no message" };
  };
}
