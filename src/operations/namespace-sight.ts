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

/** Namespaces by name. */
export type NamespaceSights = ReadonlyMap<string, NamespaceSight>;

/** Returns the namespaces by name. */
export function sightsByName(sights: readonly NamespaceSight[]): NamespaceSights {
  return new Map(sights.map((sight) => [sight.name, sight]));
}

/** Returns the annotations of a namespace with podrole's label; undefined for others, and for unknown ones. */
export function labelledAnnotations(sights: NamespaceSights, name: string): NamespaceSight["annotations"] | undefined {
  const sight = sights.get(name);
  return sight?.isLabelled ? sight.annotations : undefined;
}
