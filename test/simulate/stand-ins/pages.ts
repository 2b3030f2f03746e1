// Stand-in for openPages() of src/runtime/pages.ts: the kubelet of the simulation reads the pages' sources.
import type { PagesDeps } from "../../../src/runtime/pages.ts";
import type { Address } from "../../../src/runtime/settings.ts";
import { surroundingsOf } from "../surroundings.ts";

export async function openPages(deps: PagesDeps, { host, port }: Address): Promise<number> {
  surroundingsOf(host).onPages(deps);
  return port;
}
