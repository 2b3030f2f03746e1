// Reads session policies from ConfigMaps, which the server does not watch. Each container of a pod needs the same one,
// and a pod may request credentials as often as it likes, so a ConfigMap is read once for all who wait, and the result
// is returned again for some seconds: the policy, its absence, or why it could not be read.
import { MAX_POLICY_LENGTH, SESSION_POLICY_KEY } from "../../policy/session-policy.ts";
import { PodroleError, toPodroleError } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import { createLookupCache } from "./lookup-cache.ts";

/** Resolves with the text of the policy; undefined if there is no such ConfigMap or key. Rejects with PodroleError. */
export type ReadSessionPolicy = (namespace: string, configMap: string) => Promise<string | undefined>;

export interface SessionPolicyReaderDeps {
  readonly clock: Clock;
  /** The operator grants the permission for it (docs/install.md). */
  readonly getConfigMap: (namespace: string, name: string) => Promise<Readonly<Record<string, string>> | undefined>;
}

/** `capacity` is a number of ConfigMaps; if each has the longest policy, they take 4 MiB of memory. */
const LOOKUP_LIMITS = { rememberMs: 5_000, capacity: 1_000 };

/** Creates a reader that remembers nothing yet. */
export function createSessionPolicyReader({ clock, getConfigMap }: SessionPolicyReaderDeps): ReadSessionPolicy {
  const readOnce = createLookupCache<{ readonly text: string | undefined } | PodroleError>({ clock }, LOOKUP_LIMITS);

  async function read(namespace: string, name: string) {
    try {
      const data = await getConfigMap(namespace, name);
      return { text: shortenText(data?.[SESSION_POLICY_KEY]) };
    } catch (error) {
      return toPodroleError(error);
    }
  }

  return async (namespace, name) => {
    const result = await readOnce(`${namespace}/${name}`, () => read(namespace, name));
    if (result instanceof PodroleError) throw result;
    return result.text;
  };
}

/**
 * A policy that is too long is refused whatever the rest of it contains, so the rest is dropped. A copy, because a
 * slice would keep the whole text in memory.
 */
function shortenText(text: string | undefined): string | undefined {
  return text === undefined || text.length <= MAX_POLICY_LENGTH
    ? text
    : Buffer.from(text.slice(0, MAX_POLICY_LENGTH + 1)).toString();
}
