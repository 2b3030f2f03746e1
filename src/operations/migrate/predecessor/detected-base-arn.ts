// The base ARN that kiam or kube2iam detects at run time. It is that of the account of its nodes, which the input shows
// only where it names roles of one account alone.
import type { KubernetesObject } from "../../manifests/parse-objects.ts";
import { templatesOf } from "../../manifests/templates.ts";

/** The base ARN of the only account in the annotations of the input; undefined if there is none or several. */
export function onlyBaseArn(objects: readonly KubernetesObject[]): string | undefined {
  const annotations = objects.flatMap((object) => [
    object.metadata.annotations ?? {},
    ...templatesOf(object).map(({ pod }) => pod.metadata.annotations ?? {}),
  ]);
  const texts = annotations.flatMap((all) => Object.values(all)).filter((text) => typeof text === "string");
  const found = new Set(texts.flatMap((text) => text.match(/\barn:aws[a-z-]*:iam::\d{12}:role\//g) ?? []));
  const [only] = found;
  return found.size === 1 ? only : undefined;
}
