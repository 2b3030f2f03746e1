// The elements of a page that its script works with.

/** Returns the element with this id; throws if the page has none of this type. */
export function elementOf<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`Cannot start the page: it has no ${id}; expected one`);
  return element;
}
