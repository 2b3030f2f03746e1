// What commands keep of a namespace. Pure.
import type { FieldTime } from "../kubernetes/field-time.ts";
import type { Namespace } from "../kubernetes/objects.ts";
import { optsIn } from "../policy/annotations.ts";
import { labelTimeOf } from "./uninjected-cause.ts";

/** A namespace, as far as diagnoses need it. */
export interface NamespaceSight {
  readonly name: string;
  /** Whether it has the label podrole.io/inject: enabled, and since when. */
  readonly isLabelled: boolean;
  readonly labelled: FieldTime | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Returns what is kept of a namespace. */
export function namespaceSight(namespace: Namespace): NamespaceSight {
  const { name = "", labels, annotations = {} } = namespace.metadata;
  return { name, isLabelled: optsIn(labels), labelled: labelTimeOf(namespace), annotations };
}
