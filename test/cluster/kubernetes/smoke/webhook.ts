// The webhook of webhook.yaml: answers an AdmissionReview with a patch that adds a native sidecar, which sends
// "hello-from-sidecar" to every client on port 9000 of the pod. Not a part of podrole.
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import { json } from "node:stream/consumers";

const sidecar = {
  name: "injected",
  image: "localhost/busybox:1",
  restartPolicy: "Always",
  command: ["sh", "-c", "while :; do echo hello-from-sidecar | nc -l -p 9000; done"],
  startupProbe: { tcpSocket: { port: 9000 }, periodSeconds: 1 },
};
const patch = btoa(JSON.stringify([{ op: "add", path: "/spec/initContainers", value: [sidecar] }]));

async function answer(request: IncomingMessage): Promise<object> {
  if (request.method === "GET") return { ready: true };
  const review = (await json(request)) as { request: { uid: string } };
  const response = { uid: review.request.uid, allowed: true, patchType: "JSONPatch", patch };
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response };
}

createServer({ key: readFileSync("/tls/tls.key"), cert: readFileSync("/tls/tls.crt") }, (request, response) => {
  response.setHeader("content-type", "application/json");
  answer(request).then(
    (body) => response.end(JSON.stringify(body)),
    (error: Error) => response.destroy(error),
  );
}).listen(8443);

process.on("SIGTERM", () => process.exit(0));
