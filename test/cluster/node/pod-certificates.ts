// Shared by the tests of pod certificates on a real node (Kubernetes 1.37): the signer, the requests of pods, and pods
// with further certificates of podrole's signer.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import type { PodCertificateRequest } from "../../../src/kubernetes/objects.ts";
import { ANNOTATIONS } from "../../../src/policy/annotations.ts";
import { EXPLAINED_CASES } from "../../server/signer/explained-cases.ts";
import { runNodeScript } from "../kubernetes/node.ts";
import { installSigner, uninstallSigner } from "./install/signer.ts";
import { runPodrole } from "./run-podrole.ts";
import { kubectl, NODE_DIRECTORY, Not, onNode, type SuiteNamespace, untilSuccess } from "./suite.ts";

const SERVED = await kubectl.run(["get", "podcertificaterequests", "--all-namespaces"]);

/** Why tests of pod certificates are skipped; false: they run. */
export const skipsPodCertificates = SERVED.code === 0 ? false : "the API server does not serve PodCertificateRequests";
/** Why tests that restart the kubelet, or read files on the node, are skipped. */
export const skipsOnOtherNodes = NODE_DIRECTORY === "" ? "needs a node that the suite started" : skipsPodCertificates;
/** Metadata of a namespace whose pods get a pod certificate. */
export const CERTIFIED = { annotations: { [ANNOTATIONS.podCertificates]: "enabled" } };

/** For the tests of one file: the server signs pod certificates. `renewal`: --pod-certificate-renewal. */
export function useSigner({ renewal }: { readonly renewal?: string } = {}): void {
  before(() => installSigner(kubectl, renewal));
  after(() => uninstallSigner(kubectl));
}

/** Resolves with all requests of the namespace; Kubernetes removes each after 15 to 20 minutes. */
export async function requestsOf(namespace: SuiteNamespace): Promise<readonly PodCertificateRequest[]> {
  const text = await namespace.ok(["get", "podcertificaterequests", "-o", "json"]);
  return (JSON.parse(text) as { readonly items: readonly PodCertificateRequest[] }).items;
}

/** Resolves with the requests of a pod, once there is one. */
export function untilRequested(namespace: SuiteNamespace, pod: string): Promise<readonly PodCertificateRequest[]> {
  return untilSuccess(`a request of pod ${pod}`, async () => {
    const own = (await requestsOf(namespace)).filter(({ spec }) => spec.podName === pod);
    return own.length > 0 ? own : new Not("none");
  });
}

/** Resolves once a server has tried to answer a request of the pod, and has logged why it could not yet. */
export async function untilTried(namespace: SuiteNamespace, pod: string, reason: RegExp): Promise<void> {
  const names = (await untilRequested(namespace, pod)).map(({ metadata }) => metadata.name ?? "");
  const servers = ["-n", "podrole", "logs", "-l", "app.kubernetes.io/name=podrole-server", "--tail=-1"];
  await untilSuccess(`a try to answer the request of pod ${pod}`, async () => {
    const lines = (await kubectl.ok(servers)).split("\n").filter((line) => names.some((name) => line.includes(name)));
    return lines.find((line) => reason.test(line)) ?? new Not(lines.join("\n"));
  });
}

/** The type of the request's condition: Issued, Denied or Failed; undefined while there is no answer. */
export const answerOf = ({ status }: PodCertificateRequest): string | undefined => status?.conditions?.[0]?.type;

/** A volume with a certificate of podrole's signer, beside podrole's own one. */
export function certificateVolume(name: string, change: Readonly<Record<string, unknown>> = {}) {
  const podCertificate = {
    signerName: "podrole.io/pod",
    keyType: "ECDSAP256",
    credentialBundlePath: "credentials.pem",
    ...change,
  };
  return { name, projected: { sources: [{ podCertificate }] } };
}

/** The mount of such a volume. */
export const certificateMount = (name: string) => ({ name, mountPath: `/certificates/${name}`, readOnly: true });

/** What docs/pod-certificates.md says that explain says of the pod, in this case. */
export async function explainedOnPage(what: string, namespace: SuiteNamespace, pod: string): Promise<string> {
  const own = (await requestsOf(namespace)).filter(({ spec }) => spec.podName === pod);
  const request = own.findLast((each) => answerOf(each) !== "Issued");
  return (EXPLAINED_CASES.get(what) ?? assert.fail(`the page has no case "${what}"`))
    .replace("NAME", request?.metadata.name ?? "")
    .replace("TIME", request?.metadata.creationTimestamp ?? "")
    .replace('"node-1"', `"${await namespace.ok(["get", "pod", pod, "-o", "jsonpath={.spec.nodeName}"])}"`)
    .replace(/"team\/\w+"/, `"${namespace.name}/${pod}"`);
}

/** What explain names as the cause of the pod's state; undefined if the pod is well. */
export async function causeOf(namespace: SuiteNamespace, pod: string): Promise<string | undefined> {
  const { out, err } = await runPodrole(["explain", `pod/${pod}`, "-n", namespace.name, "-o", "json"]);
  assert.notEqual(out, "", err);
  return (JSON.parse(out) as readonly { readonly cause?: string }[])[0]?.cause;
}

/** Stops the node's kubelet without ending it: nothing is mounted or started until continueKubelet(). */
export const stopKubelet = () => signalKubelet("STOP");
/** Lets the node's kubelet go on. */
export const continueKubelet = () => signalKubelet("CONT");

function signalKubelet(signal: "STOP" | "CONT"): void {
  onNode(`kill -${signal} ${readFileSync(join(NODE_DIRECTORY, "pids/kubelet"), "utf8").trim()}`);
}

/** Restarts the node's kubelet, as `systemctl restart kubelet` does; containers go on running. */
export function restartKubelet(): void {
  runNodeScript("restart-kubelet", NODE_DIRECTORY);
}
