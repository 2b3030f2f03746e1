// Tables of rows with an order that the reader chooses. On a narrow screen each row is two lines: its name and state,
// then its role and a time.
import { type ComponentChild, h } from "preact";
import { useState } from "preact/hooks";
import { icon } from "./icon.ts";

/**
 * What a cell is on a narrow screen: the icon and the end of the first line ("state"), what stands before it ("first"),
 * its beginning ("main"), the
 * beginning and the end of the second one ("sub", "end"), a line of its own ("text"), or nothing.
 */
export type CellKind = "state" | "first" | "main" | "sub" | "end" | "text" | "more" | "wide" | "number";

/** A column: the text of its head, and how it is set; with a comparison, the reader can order the rows by it. */
export interface Column<Row = never> {
  readonly head: string;
  /** What a drawing in its cells means. */
  readonly legend?: string;
  readonly kind: CellKind;
  readonly compare?: (a: Row, b: Row) => number;
}

/** A cell. */
export function cell(kind: CellKind, ...children: readonly ComponentChild[]): ComponentChild {
  return h("td", { class: kind }, ...children);
}

/** Which column orders the rows. */
export interface RowOrder<Row> {
  readonly sort: (rows: readonly Row[]) => readonly Row[];
  readonly heads: readonly ComponentChild[];
}

/** Orders rows by the first column that can, until the reader chooses another one. */
export function useRowOrder<Row>(columns: readonly Column<Row>[]): RowOrder<Row> {
  const [chosen, setChosen] = useState<{ readonly head: string; readonly isReverse: boolean } | undefined>(undefined);
  const first = columns.find(({ compare }) => compare !== undefined);
  const by = columns.find(({ head, compare }) => head === chosen?.head && compare !== undefined) ?? first;
  const isReverse = by?.head === chosen?.head && chosen?.isReverse === true;
  const { compare } = by ?? {};
  return {
    sort: (rows) => {
      if (compare === undefined) return rows;
      const sorted = rows.toSorted(compare);
      return isReverse ? sorted.toReversed() : sorted;
    },
    heads: columns.map((column) => {
      const isBy = column === by;
      return headCell(column, {
        isReverse: isBy ? isReverse : undefined,
        onSort: () => setChosen({ head: column.head, isReverse: isBy && !isReverse }),
      });
    }),
  };
}

function headCell<Row>(
  { head, kind, legend, compare }: Column<Row>,
  { isReverse, onSort }: { readonly isReverse: boolean | undefined; readonly onSort: () => void },
): ComponentChild {
  const order = isReverse === undefined ? undefined : isReverse ? "descending" : "ascending";
  return h(
    "th",
    { key: head, scope: "col", class: kind, "aria-sort": order },
    compare === undefined
      ? head
      : h(
          "button",
          { class: `sort ${order ?? ""}`, type: "button", onClick: onSort },
          head,
          order !== undefined && icon("sort"),
        ),
    legend !== undefined && h("span", { class: "legend" }, legend),
  );
}

/** Heads of columns in an order of their own. */
export function fixedHeads(columns: readonly Pick<Column, "head" | "kind">[]): readonly ComponentChild[] {
  return columns.map(({ head, kind }) => h("th", { key: head, scope: "col", class: kind }, head));
}

/** A table; `about` gives its columns their widths. */
export function rowsTable(
  heads: readonly ComponentChild[],
  rows: readonly ComponentChild[],
  about: "pods" | "roles" | "moves" | "waves",
): ComponentChild {
  return h("table", { class: `rows of-${about}` }, h("thead", null, h("tr", null, heads)), h("tbody", null, rows));
}
