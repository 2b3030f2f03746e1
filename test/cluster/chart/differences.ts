// The allowed differences between the chart and the kustomize manifests, each with its reason; everything else must be
// equal.
import type { ChartObject } from "./tools.ts";

export interface Difference {
  readonly what: string;
  readonly why: string;
  /** Where it is found; default: manifests/base, and the chart with its default values. */
  readonly where?: { readonly folder: string; readonly values: object; readonly namespace: string };
  /** Returns the object without the difference; undefined if the whole object is the difference. */
  readonly erase: (object: ChartObject) => ChartObject | undefined;
}

const HELM_LABELS = [
  "app.kubernetes.io/instance",
  "app.kubernetes.io/managed-by",
  "app.kubernetes.io/version",
  "helm.sh/chart",
];

function without(map: Record<string, string> | undefined, names: readonly string[]) {
  const rest = Object.entries(map ?? {}).filter(([name]) => !names.includes(name));
  return rest.length === 0 ? undefined : Object.fromEntries(rest);
}

export const DIFFERENCES: readonly Difference[] = [
  {
    what: "podrole's Namespace",
    why: "Helm stores its release in the namespace, so `helm install --create-namespace` creates it before the chart",
    erase: (object) => (/^Namespace \/podrole(-try)?$/.test(keyOf(object)) ? undefined : object),
  },
  {
    what: "podrole-check",
    why: "kustomize has no `helm test`; `podrole check` runs from anywhere",
    erase: (object) => (object.metadata.annotations?.["helm.sh/hook"] === "test" ? undefined : object),
  },
  {
    what: "the annotation helm.sh/hook of a try installation's app",
    why: "the app must be created after the webhook; kustomize keeps the order of its list, Helm has an order of kinds",
    where: { folder: "overlays/try", values: { try: { enabled: true } }, namespace: "podrole-try" },
    erase({ metadata: { annotations, ...metadata }, ...object }) {
      const isHook = annotations?.["helm.sh/hook"] === "post-install,post-upgrade";
      const rest = without(annotations, isHook ? ["helm.sh/hook"] : []);
      return { ...object, metadata: { ...metadata, ...(rest && { annotations: rest }) } };
    },
  },
  {
    what: "labels of the release",
    why: "tools find a release by these labels; kustomize has no releases",
    erase({ metadata: { labels, ...metadata }, ...object }) {
      const rest = without(labels, HELM_LABELS);
      return { ...object, metadata: { ...metadata, ...(rest && { labels: rest }) } };
    },
  },
  {
    what: "the suffix of a ConfigMap's name, or the checksum of the settings in a pod annotation",
    why: "both roll out changed settings as a new revision: kustomize by the name, Helm by the annotation",
    erase(object) {
      const named = JSON.stringify(object).replaceAll(/"(podrole-(?:common|server|webhook))-[0-9a-z]{10}"/g, '"$1"');
      const plain = JSON.parse(named) as ChartObject & { spec?: { template?: Pick<ChartObject, "metadata"> } };
      const metadata = plain.spec?.template?.metadata;
      if (metadata?.annotations) {
        const annotations = without(metadata.annotations, ["checksum/settings"]);
        if (annotations) metadata.annotations = annotations;
        else delete metadata.annotations;
      }
      return plain;
    },
  },
];

export const keyOf = ({ kind, metadata: { namespace = "", name } }: ChartObject): string =>
  `${kind} ${namespace}/${name}`;

/** Returns the objects by their key (see keyOf()), without the given differences. */
export function comparableObjects(
  objects: readonly ChartObject[],
  differences: readonly Difference[] = DIFFERENCES,
): ReadonlyMap<string, ChartObject> {
  const erased = objects.flatMap((object) => {
    const rest = differences.reduce<ChartObject | undefined>((now, { erase }) => now && erase(now), object);
    return rest ? [[keyOf(rest), rest] as const] : [];
  });
  return new Map(erased.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
