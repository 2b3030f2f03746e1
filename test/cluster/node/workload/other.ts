// A third-party mutating webhook: adds a container "added" to each pod that it reviews, unless the pod already has one.
// It is independent of podrole.
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import { json } from "node:stream/consumers";

interface Review {
  readonly request: {
    readonly uid: string;
    readonly object: { readonly spec: { readonly containers: readonly { readonly name: string }[] } };
  };
}

const { ADDED = "{}" } = process.env;
const patch = btoa(JSON.stringify([{ op: "add", path: "/spec/containers/-", value: JSON.parse(ADDED) as unknown }]));

async function review(request: IncomingMessage): Promise<object> {
  const { uid, object } = ((await json(request)) as Review).request;
  const isAdded = object.spec.containers.some(({ name }) => name === "added");
  const response = { uid, allowed: true, ...(!isAdded && { patchType: "JSONPatch", patch }) };
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response };
}

const tls = { key: readFileSync("/tls/tls.key"), cert: readFileSync("/tls/tls.crt") };
createServer(tls, (request, response) => {
  response.setHeader("content-type", "application/json");
  review(request).then(
    (body) => response.end(JSON.stringify(body)),
    (error: Error) => response.destroy(error),
  );
}).listen(8443);

process.on("SIGTERM", () => process.exit(0));
