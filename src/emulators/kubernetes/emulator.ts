// A Kubernetes API server small enough to start in a millisecond, for the demo and the tests: what podrole and its users
// ask of the real one, with the real one's answers. HTTP on loopback, a bearer token for the caller's name, no RBAC.
// States: created → listening → closed (close() ends watches and connections).
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import jsonpatch from "jsonpatch";
import type { Clock } from "../../runtime/clock.ts";
import { admitPod, type Requester } from "./admission.ts";
import { createStore, type KubeObject, selects, StatusError, type Store } from "./store.ts";
import { createTokens } from "./tokens.ts";
import { validatePod } from "./validation.ts";
import { serveWatch } from "./watch.ts";

/** A line of the API server's audit log, as far as podrole's documentation speaks of it (audit.k8s.io/v1). */
export interface AuditEvent {
  readonly verb: string;
  readonly user: Requester;
  readonly objectRef: { readonly resource: string; readonly namespace?: string; readonly name?: string };
  readonly responseStatus: { readonly code: number };
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Reply {
  readonly code: number;
  readonly body: unknown;
  readonly warnings: readonly string[];
}

export interface KubernetesEmulator {
  readonly store: Store;
  readonly audit: readonly AuditEvent[];
  /** While set, every request is answered with this status (503, 429, …). */
  fault: number | undefined;
  listen(): Promise<string>;
  /** A kubeconfig (YAML) for a user of this name. */
  kubeconfig(user: string): string;
  /** What `kubectl create -f` would send and be told. */
  create(path: string, object: KubeObject, user?: string): Promise<Reply>;
  close(): Promise<void>;
}

const NAMESPACED = ["pods", "serviceaccounts", "secrets", "configmaps", "events"];
const CLUSTER_WIDE = ["namespaces", "mutatingwebhookconfigurations"];

interface Target {
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

export function createKubernetesEmulator({ clock }: { readonly clock: Clock }): KubernetesEmulator {
  const store = createStore(() => clock.now());
  const tokens = createTokens(store, () => clock.now());
  const audit: AuditEvent[] = [];
  let url = "";

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => fail(response, error));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    if (emulator.fault !== undefined)
      throw new StatusError(emulator.fault, "InternalError", "the emulator was told to fail");
    if (pathname === "/version")
      return send(response, { code: 200, body: { major: "1", minor: "37", gitVersion: "v1.37.0" }, warnings: [] });
    const target = parse(pathname);
    if (request.method === "GET" && searchParams.get("watch")) {
      return serveWatch(store, target.resource, target.namespace, searchParams, response);
    }
    const body =
      request.method === "GET" || request.method === "DELETE" ? undefined : ((await json(request)) as KubeObject);
    send(response, await handle(request.method ?? "GET", target, searchParams, body, requesterOf(request)));
  }

  async function handle(
    method: string,
    target: Target,
    query: URLSearchParams,
    body: unknown,
    user: Requester,
  ): Promise<Reply> {
    const { resource, namespace, name, subresource } = target;
    const object = body as KubeObject;
    if (resource === "tokenreviews") {
      const { token = "", audiences = [] } = (object["spec"] ?? {}) as { token?: string; audiences?: string[] };
      return ok(201, { ...object, status: tokens.review(token, audiences) });
    }
    switch (method) {
      case "GET":
        return ok(200, name === undefined ? listOf(target, query) : store.get(resource, namespace, name));
      case "POST":
        return subresource === "token"
          ? issueToken(target, object)
          : createObject(target, object, query.get("dryRun") === "All", user);
      case "PUT":
        return ok(200, store.replace(resource, withPlace(object, target)));
      case "PATCH":
        return ok(200, store.replace(resource, patched(store.get(resource, namespace, name ?? ""), body)));
      case "DELETE":
        return ok(200, store.remove(resource, namespace, name ?? ""));
      default:
        throw new StatusError(405, "MethodNotAllowed", `${method} is not supported`);
    }
  }

  function listOf({ resource, namespace }: Target, query: URLSearchParams) {
    const items = store.list(resource, namespace).filter((object) => selects(query, object));
    return { kind: "List", apiVersion: "v1", metadata: { resourceVersion: String(store.version) }, items };
  }

  function issueToken({ namespace = "", name = "" }: Target, object: KubeObject): Reply {
    const spec = (object["spec"] ?? {}) as {
      audiences?: string[];
      expirationSeconds?: number;
      boundObjectRef?: { name: string; uid: string };
    };
    const { token, expiresAt } = tokens.issue({
      namespace,
      serviceAccount: name,
      audiences: spec.audiences ?? ["https://kubernetes.default.svc"],
      expirationSeconds: spec.expirationSeconds ?? 3600,
      boundPod: spec.boundObjectRef && { name: spec.boundObjectRef.name, uid: spec.boundObjectRef.uid },
    });
    return ok(201, { ...object, status: { token, expirationTimestamp: new Date(expiresAt).toISOString() } });
  }

  async function createObject(target: Target, given: KubeObject, dryRun: boolean, user: Requester): Promise<Reply> {
    const object = withPlace(given, target);
    const { resource, namespace } = target;
    if (namespace !== undefined) store.get("namespaces", undefined, namespace);
    if (resource !== "pods")
      return ok(201, withDefaults(dryRun ? object : store.create(resource, object), store, resource));
    const record = (code: number, annotations: Readonly<Record<string, string>>, name?: string) =>
      audit.push({
        verb: "create",
        user,
        objectRef: { resource, ...(namespace && { namespace }), ...(name && { name }) },
        responseStatus: { code },
        annotations,
      });
    try {
      const admitted = await admitPod(store, object, user, dryRun);
      const problems = validatePod(admitted.object);
      if (problems.length > 0)
        throw new StatusError(422, "Invalid", `Pod "${object.metadata.name}" is invalid: ${problems.join(", ")}`);
      const created = dryRun
        ? admitted.object
        : store.create("pods", { ...admitted.object, status: { phase: "Pending" } });
      record(201, admitted.annotations, created.metadata.name);
      return { code: 201, body: created, warnings: admitted.warnings };
    } catch (error) {
      record(error instanceof StatusError ? error.code : 500, {}, object.metadata.name);
      throw error;
    }
  }

  const emulator: KubernetesEmulator = {
    store,
    audit,
    fault: undefined,
    async listen() {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      return url;
    },
    kubeconfig: (user) =>
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        clusters: [{ name: "emulator", cluster: { server: url, "insecure-skip-tls-verify": true } }],
        users: [{ name: user, user: { token: user } }],
        contexts: [{ name: "emulator", context: { cluster: "emulator", user } }],
        "current-context": "emulator",
      }),
    async create(path, object, user = "kubernetes-admin") {
      try {
        const requester = { username: user, groups: ["system:authenticated"] };
        return await handle("POST", parse(path), new URLSearchParams(), object, requester);
      } catch (error) {
        return { ...statusOf(error), warnings: [] };
      }
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
  return emulator;
}

const PATH =
  /^\/(?:api\/v1|apis\/[a-z0-9.]+\/v1)(?:\/namespaces\/([^/]+)(?=\/[a-z]))?\/([a-z]+)(?:\/([^/]+))?(?:\/([a-z]+))?$/;

function parse(path: string): Target {
  const [, namespace, resource = "", name, subresource] = PATH.exec(path) ?? [];
  if (![...NAMESPACED, ...CLUSTER_WIDE, "tokenreviews"].includes(resource)) {
    throw new StatusError(404, "NotFound", "the server could not find the requested resource");
  }
  return { resource, namespace, name, subresource };
}

function requesterOf(request: IncomingMessage): Requester {
  const username = request.headers.authorization?.replace(/^Bearer /, "") ?? "system:anonymous";
  return { username, groups: ["system:authenticated"] };
}

function withPlace(object: KubeObject, { namespace, name }: Target): KubeObject {
  const metadata = {
    ...object.metadata,
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
  };
  return { ...object, metadata };
}

/** The controller that gives every namespace its default ServiceAccount. */
function withDefaults(object: KubeObject, store: Store, resource: string): KubeObject {
  const namespace = object.metadata.name as string;
  if (resource === "namespaces" && !store.find("serviceaccounts", namespace, "default")) {
    store.create("serviceaccounts", {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "default", namespace },
    });
  }
  return object;
}

/** An array is a JSON Patch (RFC 6902), an object a merge patch (RFC 7396). */
function patched(object: KubeObject, patch: unknown): KubeObject {
  if (!Array.isArray(patch)) return merged(object, patch) as KubeObject;
  try {
    return jsonpatch.apply_patch(object, patch) as KubeObject;
  } catch (error) {
    throw new StatusError(
      422,
      "Invalid",
      `the server rejected our request due to an error in our request: ${String(error)}`,
    );
  }
}

function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = { ...(target as Record<string, unknown>) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key] ?? {}, value);
  }
  return result;
}

function ok(code: number, body: unknown): Reply {
  return { code, body, warnings: [] };
}

function send(response: ServerResponse, { code, body, warnings }: Reply): void {
  response.setHeader("content-type", "application/json");
  if (warnings.length > 0)
    response.setHeader(
      "warning",
      warnings.map((text) => `299 - ${JSON.stringify(text)}`),
    );
  response.writeHead(code);
  response.end(JSON.stringify(body));
}

function statusOf(error: unknown): { code: number; body: unknown } {
  const { code, reason, message } =
    error instanceof StatusError ? error : new StatusError(500, "InternalError", String(error));
  return { code, body: { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message } };
}

function fail(response: ServerResponse, error: unknown): void {
  send(response, { ...statusOf(error), warnings: [] });
}
