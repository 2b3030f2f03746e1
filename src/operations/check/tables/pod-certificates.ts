// Check of pod certificates: whether pods that get one can start.
import { MIN_POD_CERTIFICATE_MINOR, olderKubelets } from "../../../kubernetes/kubelets.ts";
import { ANNOTATIONS, valueOf } from "../../../policy/annotations.ts";
import { countOf } from "../../format.ts";
import type { Installed } from "../../installed.ts";
import { allKnown } from "../../known.ts";
import type { Facts } from "../facts.ts";
import { type CheckVerdict, failed, inSection, judgeKnown, ok, problemsOrOk, warning } from "../finding.ts";
import { labelledNamespaces } from "../workloads.ts";

/** Check of section "installation". */
export const POD_CERTIFICATE_CHECKS = inSection("installation", "installed", {
  POD_CERTIFICATES: {
    summary: `Where pods get a pod certificate, the server signs them, and the API server and the kubelets of all schedulable nodes are of Kubernetes 1.${MIN_POD_CERTIFICATE_MINOR} or later.`,
    remedy:
      "Upgrade or cordon the nodes that the message names: a pod with a pod certificate never starts on an older one. Delete pods that wait there, so that they are created again. Until then, set `--pod-certificates` of the webhook to `off` or `auto`, with which new pods get tokens while such nodes exist ([docs/pod-certificates.md](pod-certificates.md)).",
    judge: ({ installed, namespaces, kubelets, api }) =>
      judgeKnown(allKnown({ installed, namespaces }), (known) => {
        const { webhook, server } = known.installed;
        const source = sourceOf(known.installed, known.namespaces);
        if (source === undefined) {
          const isAuto = webhook?.settings?.podCertificates === "auto";
          return isAuto ? judgeKnown(kubelets, judgeAuto) : ok("no pod gets a pod certificate");
        }
        if (server?.settings?.podCertificates === "off") {
          return failed(`${source}, and the server does not sign it; expected --pod-certificates=on for the server`);
        }
        return judgeKnown(allKnown({ kubelets, api }), (cluster) => judgeCluster(source, cluster));
      }),
  },
});

type Cluster = { readonly [Name in "kubelets" | "api"]: Extract<Facts[Name], { value: unknown }>["value"] };

/** What gives pods a pod certificate, whatever the cluster is; undefined if nothing does. */
function sourceOf(
  { webhook }: Installed,
  namespaces: Extract<Facts["namespaces"], { value: unknown }>["value"],
): string | undefined {
  if (webhook?.settings?.podCertificates === "on") return "The webhook gives pods a pod certificate";
  const annotated = labelledNamespaces(namespaces).find(
    ({ metadata }) => valueOf(metadata.annotations ?? {}, ANNOTATIONS.podCertificates) === "enabled",
  );
  return annotated && `Pods of namespace ${annotated.metadata.name} get a pod certificate`;
}

function judgeCluster(source: string, { kubelets, api: { major, minor } }: Cluster) {
  if (major === 1 && minor < MIN_POD_CERTIFICATE_MINOR) {
    return failed(`${source}, and Kubernetes is ${major}.${minor}; expected 1.${MIN_POD_CERTIFICATE_MINOR} or later`);
  }
  return problemsOrOk(
    olderKubelets(kubelets).map(({ node, version }): CheckVerdict => {
      const state = `The kubelet is ${version}, so pods with a pod certificate do not start`;
      return warning(`${state}; expected v1.${MIN_POD_CERTIFICATE_MINOR} or later`, `node ${node}`);
    }),
    `${countOf(kubelets.length, "node")} can run pods with a pod certificate`,
  );
}

function judgeAuto(kubelets: Cluster["kubelets"]): CheckVerdict {
  const [older, ...others] = olderKubelets(kubelets);
  if (older === undefined) return ok("new pods get a pod certificate if the API server serves them");
  const more = others.length === 0 ? "" : ` (and ${others.length} others)`;
  const state = `Node ${older.node}${more} has kubelet ${older.version}, so new pods get a token, and pods with a pod certificate do not start there`;
  return warning(`${state}; expected v1.${MIN_POD_CERTIFICATE_MINOR} or later`, `node ${older.node}`);
}
