// The real programs under fuzzing, with a secret planted wherever podrole meets one, and the places searched for them:
// answers, logs, audit lines, Events, metrics, termination messages.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunningProgram } from "../../emulators/start-program.ts";
import { getCredentials } from "../../src/protocol/client.ts";
import { openPrograms, type Programs, type RunningSidecar } from "../programs.ts";
import { sendRequest } from "../sidecar/send-request.ts";
import { assertNoCanary, canaryOf, plantCanary } from "./target.ts";

/** The programs, their clients' material, and what ordinary callers get. */
export interface FuzzWorld {
  readonly programs: Programs;
  readonly app: RunningSidecar;
  readonly metadata: RunningSidecar;
  /** Tokens of the containers of pod "app". */
  readonly tokens: Readonly<Record<"app" | "worker", string>>;
  /** What those containers receive. */
  readonly secretKeys: Readonly<Record<"app" | "worker", string>>;
  /** A client certificate of pod "app". */
  readonly identity: { readonly key: string; readonly cert: string };
  readonly ca: string;
  /** Throws if an ordinary caller is not served, or a planted secret is in a log, an Event or a metric. */
  verify(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the programs and plants the secrets. */
export async function openFuzzWorld(): Promise<FuzzWorld> {
  const programs = await openPrograms({ roles: ["shop-app", "shop-worker", "shop-meta"] });
  const { cluster } = programs;
  const secret = (namespace: string, what: string) =>
    cluster.kubernetes.create(`/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name: "other" },
      stringData: { password: canaryOf(what) },
    });
  await secret("podrole", "another Secret of podrole's namespace");
  await secret("shop", "a Secret of an app");
  const container = {
    env: [{ name: "PASSWORD", value: canaryOf("a variable of an app") }],
    args: [canaryOf("an argument of an app")],
  };
  const pod = await programs.createPod({
    name: "app",
    roles: { app: "shop-app", worker: "shop-worker" },
    annotations: {
      "example.com/token": canaryOf("an annotation of another program"),
      "iam.amazonaws.com/external-id": canaryOf("an external ID"),
    },
    container,
  });
  const app = await programs.startSidecar(pod);
  const metadataPod = await programs.createPod({
    name: "meta",
    roles: { meta: "shop-meta" },
    annotations: { "podrole.io/metadata": "enabled" },
  });
  const metadata = await programs.startSidecar(metadataPod);
  const client = await pod.prove();
  const [appToken, worker] = [await app.token("app"), await app.token("worker")];

  plantCanary("a ServiceAccount token", pod.token.reveal());
  plantCanary("the webhook's ServiceAccount token", await readFile(join(cluster.directory, "webhook-token"), "utf8"));
  for (const name of ["server", "webhook"]) {
    const [, bearer = ""] =
      /token"?: "?([\w-]+)/.exec(await readFile(join(cluster.directory, `${name}.kubeconfig`), "utf8")) ?? [];
    plantCanary(`the ${name}'s token for the API server`, bearer);
  }
  plantCanary("the server's AWS secret key", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00");
  plantCanary("a container's token", appToken);
  plantCanary("another container's token", worker);
  plantCanary("a pod's private key", bodyOf(client.privateKey.reveal()));
  plantCanary(
    "the private key of a sidecar",
    bodyOf(await readFile(join(app.directory, "identity/identity.pem"), "utf8")),
  );
  const ca = cluster.kubernetes.store.get("secrets", "podrole", "podrole-ca") as unknown as {
    data: Record<string, string>;
  };
  plantCanary("the CA's private key", bodyOf(Buffer.from(ca.data["current.key"] ?? "", "base64").toString()));
  plantCanary("the CA's private key in base64", (ca.data["current.key"] ?? "").slice(60, 100));
  const secretKeys = await plantSessions(app, ["app", "worker"]);
  await plantSessions(metadata, ["meta"]);

  const running: readonly (readonly [string, RunningProgram])[] = [
    ["server", cluster.server],
    ["webhook", cluster.webhook],
    ["sidecar", app.program],
    ["sidecar with metadata", metadata.program],
  ];

  async function serveOrdinary(): Promise<void> {
    const { status } = await sendRequest(app.port, { token: appToken });
    if (status !== 200) throw new RangeError(`an ordinary container got ${status}`);
    for (const port of [app.healthPort, metadata.healthPort])
      assertNoCanary((await sendRequest(port, { path: "/metrics" })).text);
    for (const program of [cluster.server, cluster.webhook]) {
      assertNoCanary((await sendRequest(program.ports["pages"] ?? 0, { path: "/metrics" })).text);
    }
    const { grants } = await getCredentials(
      pod.credentialsPort,
      client,
      { containers: ["app"], bundleHash: "" },
      20_000,
    );
    if (grants[0]?.result?.$case !== "credentials") throw new RangeError("an ordinary pod got no credentials");
    await pod.prove({ deadlineMs: 20_000 });
    const dryRun = `/api/v1/namespaces/shop/pods?dryRun=All`;
    const { code } = await cluster.kubernetes.create(dryRun, {
      metadata: { name: "ordinary", annotations: { "iam.amazonaws.com/role": "shop-app" } },
      spec: { containers: [{ name: "app", image: "app" }] },
    });
    if (code !== 201) throw new RangeError(`an ordinary pod was answered with ${code}`);
  }

  return {
    programs,
    app,
    metadata,
    tokens: { app: appToken, worker },
    secretKeys: { app: secretKeys["app"] ?? "", worker: secretKeys["worker"] ?? "" },
    identity: { key: client.privateKey.reveal(), cert: client.certificatePem },
    ca: pod.identityPort.bundlePem,
    async verify() {
      await serveOrdinary();
      for (const [name, { lines }] of running) {
        for (const line of lines) {
          assertNoCanary(JSON.stringify(line));
          if (line["code"] === "INTERNAL" || line["reason"] === "INTERNAL")
            throw new RangeError(`${name}: ${JSON.stringify(line)}`);
        }
        // Millions of inputs leave millions of lines.
        (lines as unknown[]).length = 0;
      }
      for (const event of cluster.kubernetes.store.list("events")) {
        const { message = "" } = event as unknown as { message?: string };
        assertNoCanary(JSON.stringify(event));
        if (/[\p{C}\p{Zl}\p{Zp}]/u.test(message))
          throw new RangeError(`an Event has invisible characters: ${JSON.stringify(message)}`);
      }
    },
    close: () => programs.close(),
  };
}

/** A part of a PEM key's body that no other text contains. */
function bodyOf(pem: string): string {
  const [, body = ""] = /-----BEGIN [A-Z ]*PRIVATE KEY-----([^-]+)-----/.exec(pem) ?? [];
  return body.replaceAll(/\s/g, "").slice(40, 60);
}

/** Plants the sessions of the containers and returns their secret keys. */
async function plantSessions(
  { directory }: RunningSidecar,
  containers: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  interface Stored {
    readonly container: string;
    readonly credentials: { readonly secretAccessKey: string; readonly sessionToken: string };
  }
  const text = await readFile(join(directory, "identity/credentials.json"), "utf8");
  const stored = (JSON.parse(text) as { readonly containers: readonly Stored[] }).containers;
  for (const { container, credentials } of stored.filter((one) => containers.includes(one.container))) {
    plantCanary(`the secret key of container ${container}`, credentials.secretAccessKey);
    plantCanary(`the session token of container ${container}`, credentials.sessionToken.slice(100, 140));
  }
  return Object.fromEntries(stored.map(({ container, credentials }) => [container, credentials.secretAccessKey]));
}
