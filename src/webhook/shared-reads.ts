// Live reads of the same object, shared by the reviews that need them at the same time. A read costs more CPU than the
// rest of an ordinary review, and any caller can name a role that is refused, which needs two.
// A review shares only a read that begins after it has asked: what it gets is never older than the review.
// States of an object: unread → being read → being read, while reviews wait for the next read → unread.
import type { Clock } from "../runtime/clock.ts";
import type { ClusterReader } from "./lookups.ts";

/**
 * How long reviews wait for the end of a read that they do not share; an API server answers in a few milliseconds. So
 * one read that hangs delays no others until their deadline.
 */
const HANGING_READ_MS = 500;

/** Returns the same reader, which reads a namespace or ServiceAccount once for all who ask while it is being read. */
export function shareReads(clock: Clock, cluster: ClusterReader): ClusterReader {
  const namespaces = createSharedReads(clock, (name) => cluster.readNamespace(name));
  const accounts = createSharedReads(clock, (key) => {
    const [namespace = "", name = ""] = key.split("/");
    return cluster.readServiceAccount(namespace, name);
  });
  return {
    ...cluster,
    readNamespace: namespaces,
    // A slash is no part of a name.
    readServiceAccount: (namespace, name) => accounts(`${namespace}/${name}`),
  };
}

function createSharedReads<T>(clock: Clock, read: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const running = new Map<string, Promise<T>>();
  const following = new Map<string, Promise<T>>();

  function begin(key: string): Promise<T> {
    const answer = read(key);
    running.set(key, answer);
    const end = () => {
      if (running.get(key) === answer) running.delete(key);
    };
    answer.then(end, end);
    return answer;
  }

  async function readAfter(current: Promise<T>, key: string): Promise<T> {
    await ended(clock, current);
    following.delete(key);
    return begin(key);
  }

  return (key) => {
    const current = running.get(key);
    if (current === undefined) return begin(key);
    const next = following.get(key) ?? readAfter(current, key);
    following.set(key, next);
    return next;
  };
}

/** Resolves when the read has ended, or after HANGING_READ_MS. */
function ended(clock: Clock, answer: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.schedule(resolve, HANGING_READ_MS);
    const end = () => {
      cancel();
      resolve();
    };
    answer.then(end, end);
  });
}
