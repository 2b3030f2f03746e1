// What was refused: what goes on, then, folded, what is over. Both are lists by code, whose entries open.
import { type ComponentChild, h } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import { type RowsByPod, rowsByPod } from "../model/cause.ts";
import {
  type RefusalGroup,
  refusalCounts,
  refusalGroups,
  sparkCounts,
  sparkSpan,
  withLastCodes,
} from "../model/refusal-groups.ts";
import { fragmentOfRoute, type Route } from "../model/route.ts";
import { rowsInNamespace, searchRows } from "../model/search.ts";
import { HOUR_MS, MINUTE_MS, spanText } from "../model/time.ts";
import type { ViewProps } from "./context.ts";
import { emptyNote, timeText, unknownNotes, viewTitle } from "./dom.ts";
import { icon } from "./icon.ts";
import { refusalCard } from "./refusal-card.ts";

/** The view. */
export function RefusalsView({ snapshot, route, now }: ViewProps): ComponentChild {
  const { refusalsSince, unknown } = snapshot;
  const { search, namespace } = route;
  const found = useMemo(
    () => searchRows(rowsInNamespace(withLastCodes(snapshot.refusals, snapshot.pods), namespace), search, 0),
    [snapshot, search, namespace],
  );
  const reach =
    refusalsSince === undefined
      ? "from the Events of the last hour, and how sidecars ended"
      : h("span", null, "recorded since ", timeText(refusalsSince, now));
  return h(
    "div",
    { class: "view" },
    viewTitle("Refusals", h("span", null, refusalCounts(found), ", ", reach)),
    unknownNotes([...unknown.refusals, ...unknown.pods]),
    found.length === 0
      ? emptyNote(snapshot.refusals.length === 0 ? "Nothing was refused" : "No refusal matches")
      : h(RefusalLists, {
          ...{ rows: found, snapshot, now, named: route.parts[0], isSearched: search !== "" },
          titles: ["Happening now", "Over"],
          onOpen: (code) => keepPlace(route, code),
        }),
  );
}

/** Which refusals, and what they are shown with. */
export interface RefusalListsProps {
  readonly rows: UiSnapshot["refusals"];
  readonly snapshot: UiSnapshot;
  readonly now: number;
  /** Heads of what goes on, and of what is over. */
  readonly titles: readonly [string, string];
  /** Code of the entry that the address names. */
  readonly named?: string | undefined;
  readonly isSearched?: boolean;
  /** False: every entry is closed at first; default: the first one is open. */
  readonly opensFirst?: boolean;
  /** Is called with the code of an entry that the reader opens. */
  readonly onOpen?: (code: string) => void;
}

/** Both lists on one axis of time. The first entry is open, or the one that is named. */
export function RefusalLists(props: RefusalListsProps): ComponentChild {
  const { rows, snapshot, now, titles, named, isSearched = false, opensFirst = true, onOpen = () => {} } = props;
  const { pods, current, over, span } = useMemo(() => {
    const context = { pods: rowsByPod(snapshot.pods), now };
    const groups = refusalGroups(rows, context);
    return { ...context, ...groups, span: sparkSpan([...groups.current, ...groups.over], now) };
  }, [rows]);
  // Another entry that becomes the first one does not close what is being read.
  const [first] = useState(() => current[0]?.code);
  const isCurrent = (code: string | undefined) => current.some((group) => group.code === code);
  const open = [named, opensFirst ? first : undefined].find(isCurrent) ?? (opensFirst ? current[0]?.code : undefined);
  const isOverNamed = !isCurrent(named) && over.some(({ code }) => code === named);
  const context = { snapshot, pods, now, span, onOpen };
  return [
    h(
      "section",
      { key: "current" },
      current.length === 0
        ? [h("h2", { key: "head" }, titles[0]), h("p", { key: "none", class: "faint" }, "Nothing is refused now.")]
        : [listHead(h("h2", null, titles[0], countsPart(current)), span), refusalList(current, { ...context, open })],
    ),
    over.length > 0 &&
      h(
        "details",
        { key: `over ${isSearched}`, class: "over", open: isOverNamed || isSearched || current.length === 0 },
        h("summary", null, listHead([icon("next"), h("h2", { key: "head" }, titles[1], countsPart(over))], span)),
        refusalList(over, { ...context, open: isOverNamed ? named : undefined }),
      ),
  ];
}

/** The address names the entry that the reader opened, so that it can be passed on; it is no step back. */
function keepPlace(route: Route, code: string): void {
  history.replaceState(null, "", fragmentOfRoute({ ...route, parts: [code] }));
}

function countsPart(groups: readonly RefusalGroup[]): ComponentChild {
  return h("span", { class: "total" }, refusalCounts(groups.flatMap(({ rows }) => rows)));
}

/** The head of a list, which names the axis of its spark lines. */
function listHead(title: ComponentChild, span: number): ComponentChild {
  return h(
    "div",
    { class: "refusal-head" },
    h("div", { class: "name" }, title),
    h("span", { class: "axis-name" }, `last ${span > HOUR_MS ? spanText(span) : `${span / MINUTE_MS} min`}`),
  );
}

/** What the entries of a list are shown with. */
interface RefusalListContext {
  readonly snapshot: UiSnapshot;
  readonly pods: RowsByPod;
  readonly now: number;
  /** Length of the spark lines' axis, in milliseconds. */
  readonly span: number;
  /** Code of the entry that is open at first. */
  readonly open: string | undefined;
  readonly onOpen: (code: string) => void;
}

/** Entries with their spark lines on one scale. */
function refusalList(groups: readonly RefusalGroup[], context: RefusalListContext): ComponentChild {
  const { span, now, open, onOpen } = context;
  const sparks = groups.map(({ rows }) => sparkCounts(rows, { span, now }));
  const top = Math.max(1, ...sparks.flat());
  return h(
    "div",
    { class: "refusals" },
    groups.map((group, index) =>
      refusalCard(group, {
        ...context,
        spark: (sparks[index] ?? []).map((count) => count / top),
        isOpen: group.code === open,
        onOpen: () => onOpen(group.code),
      }),
    ),
  );
}
