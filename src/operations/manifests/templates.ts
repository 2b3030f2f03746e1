// Where each kind of workload has its pod template.
import type { Pod } from "../../kubernetes/objects.ts";
import { isObject } from "../../runtime/json-object.ts";
import { isEmpty } from "./same-value.ts";
import { withoutNulls } from "./without-nulls.ts";

/** The pod of an object, and how to put an edited one back. */
export interface Template {
  readonly pod: Pod;
  /** Path from the object to the pod; empty if the object is the pod. */
  readonly path: readonly string[];
  /** Converts a pod to the value at `path`. */
  readonly unwrap: (pod: Pod) => object;
}

const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  Deployment: ["spec", "template"],
  ReplicaSet: ["spec", "template"],
  ReplicationController: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  Job: ["spec", "template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
};

/** The pod of an object, or the template of its pods; undefined for other kinds, and for a template without a spec. */
export function templateOf(object: {
  readonly kind?: string;
  readonly [field: string]: unknown;
}): Template | undefined {
  if (object.kind === "Pod") return { pod: withoutNulls(object) as unknown as Pod, path: [], unwrap: (pod) => pod };
  const { kind = "" } = object;
  const path = Object.hasOwn(TEMPLATES, kind) ? TEMPLATES[kind] : undefined;
  if (path === undefined) return undefined;
  const found = path.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), object);
  if (!isObject(found) || found["spec"] === undefined || found["spec"] === null) return undefined;
  const pod = withoutNulls({ ...found, metadata: found["metadata"] ?? {} }) as unknown as Pod;
  return { pod, path, unwrap: ({ metadata, spec }) => ({ metadata: isEmpty(metadata) ? undefined : metadata, spec }) };
}
