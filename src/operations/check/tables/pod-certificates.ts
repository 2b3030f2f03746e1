// Check of pod certificates: whether pods that get one can start.
import { MIN_POD_CERTIFICATE_MINOR, olderKubelets } from "../../../kubernetes/kubelets.ts";
import { ANNOTATIONS, valueOf } from "../../../policy/annotations.ts";
import type { PodCertificateSupport } from "../../../protocol/pod-certificates.ts";
import { countOf } from "../../format.ts";
import type { Installed } from "../../installed.ts";
import { allKnown } from "../../known.ts";
import type { Facts } from "../facts.ts";
import { type CheckVerdict, failed, inSection, judgeKnown, ok, problemsOrOk, warning } from "../finding.ts";
import { labelledNamespaces } from "../workloads.ts";

/** Check of section "installation". */
export const POD_CERTIFICATE_CHECKS = inSection("installation", "installed", {
  POD_CERTIFICATES: {
    summary: `Where pods get a pod certificate, the server signs them, the API server serves them, and it and the kubelets of all schedulable nodes are of Kubernetes 1.${MIN_POD_CERTIFICATE_MINOR} or later.`,
    remedy:
      "Let the API server serve the resources that the message names: until then it refuses every pod with a pod certificate. Upgrade or cordon the nodes that it names: such a pod never starts on an older one. Delete pods that wait there, so that they are created again. Until then, set `--pod-certificates` of the webhook to `off` or `auto`, with which new pods get tokens ([docs/pod-certificates.md](pod-certificates.md)).",
    judge: ({ installed, namespaces, publishedPodCertificates: published, ...facts }) =>
      judgeKnown(allKnown({ installed, namespaces }), (known) => {
        const { webhook, server } = known.installed;
        const source = sourceOf(known.installed, known.namespaces);
        if (source === undefined) {
          const isAuto = webhook?.settings?.podCertificates === "auto";
          if (!isAuto) return ok("no pod gets a pod certificate");
          if (server?.settings?.podCertificates === "off") return warning(NOTHING_PUBLISHED);
          return judgeKnown(allKnown({ kubelets: facts.kubelets, published }), judgeAuto);
        }
        if (server?.settings?.podCertificates === "off") {
          return failed(`${source}, and the server does not sign it; expected --pod-certificates=on for the server`);
        }
        const { kubelets, api, servesPodCertificates } = facts;
        return judgeKnown(allKnown({ kubelets, api, servesPodCertificates }), (cluster) =>
          judgeCluster(source, cluster),
        );
      }),
  },
});

const NOTHING_PUBLISHED =
  "The webhook has --pod-certificates=auto, and the server publishes nothing with off, so new pods get a token; expected auto for both";

type Cluster = {
  readonly [Name in "kubelets" | "api" | "servesPodCertificates"]: Extract<Facts[Name], { value: unknown }>["value"];
};

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

function judgeCluster(source: string, { kubelets, api: { major, minor }, servesPodCertificates }: Cluster) {
  if (major === 1 && minor < MIN_POD_CERTIFICATE_MINOR) {
    return failed(`${source}, and Kubernetes is ${major}.${minor}; expected 1.${MIN_POD_CERTIFICATE_MINOR} or later`);
  }
  if (!servesPodCertificates) return failed(`${source}, and the API server does not serve them; ${EXPECTED_API}`);
  return problemsOrOk(
    olderKubelets(kubelets).map(({ node, version }): CheckVerdict => {
      const state = `The kubelet is ${version}, so pods with a pod certificate do not start`;
      return warning(`${state}; expected v1.${MIN_POD_CERTIFICATE_MINOR} or later`, `node ${node}`);
    }),
    `${countOf(kubelets.length, "node")} can run pods with a pod certificate`,
  );
}

/** The webhook follows what the server has published: it decides about new pods, and the nodes may be its reason. */
function judgeAuto({
  kubelets,
  published,
}: Pick<Cluster, "kubelets"> & { readonly published: PodCertificateSupport | undefined }): CheckVerdict {
  const [older, ...others] = olderKubelets(kubelets);
  if (older !== undefined) {
    const more = others.length === 0 ? "" : ` (and ${others.length} others)`;
    const proof =
      published === "on" ? "new pods get a token as soon as the server has noticed" : "new pods get a token";
    const state = `Node ${older.node}${more} has kubelet ${older.version}, so ${proof}, and pods with a pod certificate do not start there`;
    return warning(`${state}; expected v1.${MIN_POD_CERTIFICATE_MINOR} or later`, `node ${older.node}`);
  }
  if (published === "on") return ok("new pods get a pod certificate, as the server has published");
  return warning(published === "off" ? PUBLISHED_OFF : NOT_PUBLISHED);
}

const EXPECTED_API = "expected podcertificaterequests and clustertrustbundles of certificates.k8s.io/v1";
const PUBLISHED_OFF =
  "The server has published that new pods get a token, although no kubelet is too old; expected an API server that serves podcertificaterequests and clustertrustbundles, and a schedulable node";
const NOT_PUBLISHED =
  "The server has not published whether new pods get a pod certificate, so they get a token; expected it within a minute of the server's start";
