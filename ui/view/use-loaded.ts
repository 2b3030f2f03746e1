// Data that one view needs, read when it opens and again every few seconds while it is open.
import { useEffect, useState } from "preact/hooks";
import type { ViewProps } from "./context.ts";

/** Loading, or an answer, or why there is none. */
export interface Loaded<Data> {
  readonly data?: Data;
  readonly problem?: string;
}

/** `everyMs` undefined: once. The query must not change its members' order. */
export function useLoaded<Data>(
  load: ViewProps["load"],
  path: string,
  query: Readonly<Record<string, string>>,
  everyMs?: number,
): Loaded<Data> {
  const [loaded, setLoaded] = useState<Loaded<Data> & { readonly key?: string }>({});
  const key = JSON.stringify([path, query]);
  useEffect(() => {
    const ending = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      try {
        const data = await load<Data>(path, query, ending.signal);
        if (!ending.signal.aborted) setLoaded({ key, data });
      } catch (error) {
        if (!ending.signal.aborted) setLoaded((before) => ({ ...before, key, problem: String(error) }));
      }
      if (everyMs !== undefined && !ending.signal.aborted) timer = setTimeout(() => void read(), everyMs);
    };
    void read();
    return () => {
      ending.abort();
      clearTimeout(timer);
    };
  }, [key, everyMs]);
  // The answer of another pod is not this one's.
  return loaded.key === key ? loaded : {};
}
