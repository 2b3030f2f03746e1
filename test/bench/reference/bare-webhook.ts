// The smallest webhook: fastify over TLS with the same options as podrole's, which parses each review and answers with
// the patch that podrole's webhook made of such a pod. It plans nothing, looks nothing up and writes no audit log, so a
// review's cost beyond this is podrole's.
import { fastify } from "fastify";
import { httpsContext } from "../../../src/protocol/tls.ts";
import { readBareFile } from "./bare-files.ts";

interface Review {
  readonly request: { readonly uid: string; readonly object: { readonly spec: { readonly containers: unknown[] } } };
}

const { tls, answers } = readBareFile(process.argv[2] ?? "");
/** By the number of the pod's containers. */
const patches = new Map(answers.map((text) => JSON.parse(text) as [number, string]));

const http = fastify({ https: httpsContext(tls) });
http.post<{ Body: Review }>("/mutate", ({ body }) => {
  const { uid, object } = body.request;
  const response = { uid, allowed: true, patchType: "JSONPatch", patch: patches.get(object.spec.containers.length) };
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response };
});
const address = await http.listen({ host: "127.0.0.1", port: 0 });
process.stdout.write(
  `${JSON.stringify({ message: "bare is up", ports: { webhook: Number(new URL(address).port) } })}\n`,
);
