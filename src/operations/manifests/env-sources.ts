// The keys of the ConfigMaps and Secrets among manifests or exported objects. Values are not read.
import type { EnvSources } from "../../injection/env-from.ts";
import { isObject } from "../../runtime/json-object.ts";
import { type KubernetesObject, namespaceOf } from "./parse-objects.ts";

/** Fields that contain keys of variables; `stringData` only in manifests of Secrets. */
const DATA_FIELDS: readonly string[] = ["data", "stringData"];

/** Returns the keys that containers of a pod in this namespace can take with `envFrom`. */
export function envSourcesOf(objects: readonly KubernetesObject[], namespace: string): EnvSources {
  const sources = objects.filter(
    (object) => ["ConfigMap", "Secret"].includes(object.kind) && namespaceOf(object) === namespace,
  );
  return new Map(
    sources.map((source) => {
      const keys = DATA_FIELDS.flatMap((field) => (isObject(source[field]) ? Object.keys(source[field]) : []));
      return [`${source.kind}/${source.metadata.name ?? ""}`, keys];
    }),
  );
}
