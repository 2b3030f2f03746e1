// Finds the pod of which `kubectl debug --copy-to` made a copy: the API server keeps no trace of it, and the copy has
// the same containers. Pure.
import { allContainers } from "../injection/shape.ts";
import type { Pod } from "../kubernetes/objects.ts";
import { isPodroleContainer } from "../policy/facts.ts";
import type { CopiedPod } from "./code-steps.ts";

/** Images of a pod's own containers, by name. */
export type ContainerImages = Readonly<Record<string, string>>;

/** An image's name with its registry, tag and digest. Whoever makes a pod may write any other text. */
const IMAGE_NAME = /^[\w./:@+-]+$/;

/** Reports whether a node can pull an image of this name, so that a command may name it. */
export function isImageName(image: string): boolean {
  return IMAGE_NAME.test(image);
}

/** Returns the images of all containers but podrole's. */
export function imagesOf(pod: Pod): ContainerImages {
  const own = allContainers(pod).filter((container) => !isPodroleContainer(container));
  return Object.fromEntries(own.map(({ name, image = "" }) => [name, image]));
}

/** A pod, as far as a search for an original compares it. */
export interface ComparedPod {
  readonly name: string;
  readonly images: ContainerImages;
}

/**
 * Returns the likeliest original among the injected pods of the namespace: the copy has all of its containers, and at
 * most one more. Of several, pods of the same template are all right; the one whose name the copy's begins with comes
 * first.
 */
export function findOriginal(copy: ComparedPod, others: readonly ComparedPod[]): CopiedPod | undefined {
  const candidates = others.flatMap((other) => {
    const added = addedContainers(copy.images, other.images);
    return added === undefined || other.name === copy.name ? [] : [{ ...other, added }];
  });
  const changed = ({ images }: ComparedPod) =>
    Object.entries(images).filter(([name, image]) => copy.images[name] !== image).length;
  const isNamesake = ({ name }: ComparedPod) => Number(copy.name.startsWith(name));
  const [best] = candidates.toSorted(
    (a, b) => changed(a) - changed(b) || a.added.length - b.added.length || isNamesake(b) - isNamesake(a),
  );
  if (best === undefined) return undefined;
  const debugImage = best.added[0] && copy.images[best.added[0]];
  return { name: best.name, ...(debugImage && isImageName(debugImage) && { debugImage }) };
}

/** The containers that only the copy has; undefined if it cannot be a copy. */
function addedContainers(copy: ContainerImages, original: ContainerImages): readonly string[] | undefined {
  const names = Object.keys(original);
  if (names.length === 0 || names.some((name) => !Object.hasOwn(copy, name))) return undefined;
  const added = Object.keys(copy).filter((name) => !Object.hasOwn(original, name));
  return added.length > 1 ? undefined : added;
}
