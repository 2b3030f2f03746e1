// What every view receives.
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import type { Route } from "../model/route.ts";

/** The reading, the place, and the time. */
export interface ViewProps {
  readonly snapshot: UiSnapshot;
  readonly route: Route;
  /** At which the reading is judged: Unix milliseconds, once a second. */
  readonly now: number;
  /** Reads data of the page's server; rejects with an Error if there is no answer. */
  readonly load: <Data>(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<Data>;
}
