// Requests to the API server over a few connections that are kept alive: kubectl starts a process for each call and
// cannot reach the rate that the API server takes.
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import { parse } from "yaml";

interface Kubeconfig {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly "certificate-authority-data": string };
  }[];
  readonly users: readonly {
    readonly user: { readonly "client-certificate-data": string; readonly "client-key-data": string };
  }[];
}

/** Resolves with the status and the body of the answer. */
export type CallApi = (
  method: "GET" | "POST",
  path: string,
  object?: object,
) => Promise<{ readonly status: number; readonly body: string }>;

/** `kubeconfig`: a file with an administrator's certificate, as control-plane.sh writes it. */
export function createApiCall(kubeconfig: string): { readonly call: CallApi; close(): void } {
  const { clusters, users } = parse(readFileSync(kubeconfig, "utf8")) as Kubeconfig;
  const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
  const decode = (base64 = "") => Buffer.from(base64, "base64");
  const agent = new Agent({
    keepAlive: true,
    ca: decode(cluster?.["certificate-authority-data"]),
    cert: decode(user?.["client-certificate-data"]),
    key: decode(user?.["client-key-data"]),
  });
  return {
    call(method, path, object) {
      const url = new URL(path, cluster?.server);
      return new Promise((resolve, reject) => {
        const headers = { "content-type": "application/json" };
        const sent = request(url, { method, agent, headers }, (response) => {
          text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
        });
        sent.on("error", reject).end(object && JSON.stringify(object));
      });
    },
    close: () => agent.destroy(),
  };
}
