// The lists of one reading: the topics of podrole status need some of the same lists, and each is read once.
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import type { AskServer } from "../state/ask-server.ts";

/** What one reading asks. */
export interface ReadingDeps {
  readonly kubernetes: OperatorKubernetes;
  readonly askServer: AskServer;
}

/** Returns the same calls; a second call with the same arguments gets the result of the first one, errors included. */
export function createOneReading({ kubernetes, askServer }: ReadingDeps): ReadingDeps {
  const results = new Map<string, unknown>();
  /** `read` must return a promise of the same type for equal keys. */
  function once<Found>(key: readonly unknown[], read: () => Found): Found {
    const text = JSON.stringify(key);
    if (!results.has(text)) results.set(text, read());
    return results.get(text) as Found;
  }
  return {
    askServer: (namespace) => once(["server", namespace], () => askServer(namespace)),
    kubernetes: {
      ...kubernetes,
      listAll: (resource, selector) => once(["all", resource, selector], () => kubernetes.listAll(resource, selector)),
      listProjected: (resource, project, selector) =>
        once(["projected", resource, selector, project.name], () =>
          kubernetes.listProjected(resource, project, selector),
        ),
      getNamespace: (name) => once(["namespace", name], () => kubernetes.getNamespace(name)),
    },
  };
}
