// An OCI registry as HTTP server, for clients that push and pull images, charts, signatures and attestations: the tests
// and the rehearsal of a release. It can require the token that public registries give to everybody.
// States: created → listening → closed. close() ends open connections.
// (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md)
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { createRepositoryContents, digestOf, type RepositoryContents } from "./contents.ts";

/** How the registry treats clients. */
export interface RegistryOptions {
  /**
   * Require the anonymous token of its own token service.
   * (https://distribution.github.io/distribution/spec/auth/token/)
   */
  readonly requiresToken?: boolean;
}

/** A registry, and what it stores. */
export interface RegistryEmulator {
  /** Returns "127.0.0.1:<port>", the host part of an image's name; throws an Error before listen(). */
  readonly host: string;
  /** Returns a repository's contents; creates it if it does not exist. */
  repository(name: string): RepositoryContents;
  listen(): Promise<void>;
  close(): Promise<void>;
}

interface RegistryReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | object;
}

const TOKEN = "anonymous";
const ROUTE = /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|referrers)\/([^/]*)$/;

/** Creates a registry that listens after listen(). */
export function createRegistryEmulator({ requiresToken = false }: RegistryOptions = {}): RegistryEmulator {
  const repositories = new Map<string, RepositoryContents>();
  /** Bytes of uploads that have not ended, by id. */
  const uploads = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    // If a connection ends while its request is read, there is no response.
    serve(request, response).catch(() => request.socket.destroy());
  });

  function repository(name: string): RepositoryContents {
    const known = repositories.get(name) ?? createRepositoryContents();
    repositories.set(name, known);
    return known;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", `http://${request.headers.host ?? "localhost"}`);
    const bytes = await buffer(request);
    const { status, headers = {}, body = Buffer.alloc(0) } = answer(request, url, bytes);
    const sent = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    response.writeHead(status, { "content-length": sent.length, ...headers });
    response.end(request.method === "HEAD" ? undefined : sent);
  }

  function answer({ method = "GET", headers }: IncomingMessage, url: URL, bytes: Buffer): RegistryReply {
    if (url.pathname === "/token") return jsonReply({ token: TOKEN });
    if (requiresToken && headers.authorization !== `Bearer ${TOKEN}`) {
      const challenge = `Bearer realm="${url.origin}/token",service="${url.host}",scope="repository:any:pull"`;
      return { ...failedReply(401, "UNAUTHORIZED"), headers: { "www-authenticate": challenge } };
    }
    if (url.pathname === "/v2/") return jsonReply({});
    const [, name = "", kind = "", reference = ""] = ROUTE.exec(url.pathname) ?? [];
    if (name === "") return failedReply(404, "NAME_UNKNOWN");
    const contents = repository(name);
    if (kind === "blobs/uploads") return upload({ method, url, name, id: reference, bytes }, contents);
    if (kind === "referrers")
      return jsonReply(contents.referrers(reference), "application/vnd.oci.image.index.v1+json");
    if (method === "PUT" && kind === "manifests") {
      const stored = contents.addManifest(reference, headers["content-type"] ?? "", bytes);
      if (stored === undefined) return failedReply(400, "MANIFEST_INVALID");
      const subject = stored.subject !== undefined && { "oci-subject": stored.subject };
      return createdReply(`/v2/${name}/manifests/${stored.digest}`, stored.digest, subject);
    }
    if (method !== "GET" && method !== "HEAD") return failedReply(405, "UNSUPPORTED");
    if (kind === "blobs") {
      const body = contents.blob(reference);
      return body === undefined
        ? failedReply(404, "BLOB_UNKNOWN")
        : contentReply(body, reference, "application/octet-stream");
    }
    const manifest = contents.manifest(reference);
    if (manifest === undefined) return failedReply(404, "MANIFEST_UNKNOWN");
    return contentReply(manifest.bytes, manifest.digest, manifest.mediaType);
  }

  /** POST begins an upload or sends it whole, PATCH adds bytes, PUT ends it. */
  function upload({ method, url, name, id, bytes }: Upload, contents: RepositoryContents): RegistryReply {
    const expected = url.searchParams.get("digest");
    const isNew = method === "POST";
    const known = isNew ? Buffer.alloc(0) : uploads.get(id);
    if (known === undefined) return failedReply(404, "BLOB_UPLOAD_UNKNOWN");
    const all = Buffer.concat([known, bytes]);
    if (expected === null) {
      const next = isNew ? randomUUID() : id;
      uploads.set(next, all);
      const range = `0-${Math.max(all.length - 1, 0)}`;
      return { status: 202, headers: { location: `/v2/${name}/blobs/uploads/${next}`, range } };
    }
    uploads.delete(id);
    if (digestOf(all) !== expected) return failedReply(400, "DIGEST_INVALID");
    return createdReply(`/v2/${name}/blobs/${expected}`, contents.addBlob(all));
  }

  return {
    get host() {
      const address = server.address();
      if (address === null || typeof address === "string") {
        throw new Error("Cannot name the host of the registry: it does not listen, listen() comes first");
      }
      return `127.0.0.1:${address.port}`;
    },
    repository,
    listen: () =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(0, "127.0.0.1", () => resolve());
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Upload {
  readonly method: string;
  readonly url: URL;
  readonly name: string;
  readonly id: string;
  readonly bytes: Buffer;
}

function jsonReply(body: object, type = "application/json"): RegistryReply {
  return { status: 200, headers: { "content-type": type }, body };
}

function contentReply(body: Buffer, digest: string, type: string): RegistryReply {
  return { status: 200, headers: { "content-type": type, "docker-content-digest": digest }, body };
}

function createdReply(
  location: string,
  digest: string,
  more: Readonly<Record<string, string>> | false = false,
): RegistryReply {
  return { status: 201, headers: { location, "docker-content-digest": digest, ...more } };
}

function failedReply(status: number, code: string): RegistryReply {
  return { ...jsonReply({ errors: [{ code }] }), status };
}
