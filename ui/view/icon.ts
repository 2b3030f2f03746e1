// The page's few icons as drawings, so that they look the same with every font. Each is beside a text that says the same.
import { type ComponentChild, h } from "preact";
import type { Glyph } from "../model/state.ts";

/** What an icon shows; drawn in 16 × 16. */
export type IconName = Glyph | "brand" | "search" | "theme" | "copy" | "next" | "sort";

/** Lines of each icon; those of STROKED are drawn, the others are filled (even-odd, so inner shapes are holes). */
const PATHS: Readonly<Record<IconName, string>> = {
  cross:
    "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM5.7 4.6 8 6.9l2.3-2.3 1.1 1.1L9.1 8l2.3 2.3-1.1 1.1L8 9.1l-2.3 2.3-1.1-1.1L6.9 8 4.6 5.7z",
  ban: "M8 2.25a5.75 5.75 0 1 0 0 11.5a5.75 5.75 0 0 0 0-11.5zM4 12 12 4",
  hollow: "M8 2.25a5.75 5.75 0 1 0 0 11.5a5.75 5.75 0 0 0 0-11.5z",
  warning:
    "M8 1.2c.5 0 .9.2 1.1.7l5.6 10.3c.5.9-.1 2-1.1 2H2.4c-1 0-1.6-1.1-1.1-2L6.9 1.9c.2-.5.6-.7 1.1-.7zM7.2 5.4v4h1.6v-4zM7.2 10.7v1.6h1.6v-1.6z",
  late: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM7.2 4.2v4.3l3 1.9.9-1.3-2.3-1.4V4.2z",
  clock: "M8 2.25a5.75 5.75 0 1 0 0 11.5a5.75 5.75 0 0 0 0-11.5zM8 4.8V8.2l2.2 1.4",
  question: "M8 2.25a5.75 5.75 0 1 0 0 11.5a5.75 5.75 0 0 0 0-11.5zM6.3 6.4a1.7 1.7 0 1 1 2.6 1.5q-.9.5-.9 1.2M8 11v.4",
  dash: "M3.5 8h9",
  dot: "M8 4.2a3.8 3.8 0 1 0 0 7.6a3.8 3.8 0 0 0 0-7.6z",
  check: "M3.2 8.4l3.2 3.2 6.4-7",
  brand:
    "M8 1a7 7 0 1 0 0 14a7 7 0 0 0 0-14zM5.8 5.4a2.6 2.6 0 0 1 2.5 1.9h4.3v3.4h-1.6V8.8H8.3a2.6 2.6 0 1 1-2.5-3.4zm0 1.4a1.2 1.2 0 1 0 0 2.4a1.2 1.2 0 0 0 0-2.4z",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 0 0 0-9zM10.3 10.3l3.4 3.4",
  theme: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM8 3v10a5 5 0 0 1 0-10z",
  copy: "M5.5 5.5V3.2c0-.4.3-.7.7-.7h6.6c.4 0 .7.3.7.7v6.6c0 .4-.3.7-.7.7h-2.3M3.2 5.5h6.6c.4 0 .7.3.7.7v6.6c0 .4-.3.7-.7.7H3.2c-.4 0-.7-.3-.7-.7V6.2c0-.4.3-.7.7-.7z",
  next: "M6 3.5 10.5 8 6 12.5",
  sort: "M8 3v9.5M4.5 9 8 12.5 11.5 9",
};

const STROKED: ReadonlySet<IconName> = new Set([
  ...(["ban", "hollow", "clock", "question", "dash", "check", "search", "copy", "next", "sort"] as const),
]);

/** Returns the icon in the colour of the text beside it. */
export function icon(name: IconName): ComponentChild {
  const paint = STROKED.has(name)
    ? {
        fill: "none",
        stroke: "currentColor",
        "stroke-width": 1.7,
        "stroke-linecap": "round",
        "stroke-linejoin": "round",
      }
    : { fill: "currentColor", "fill-rule": "evenodd" };
  return h(
    "svg",
    { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" },
    h("path", { d: PATHS[name], ...paint, ...(name === "hollow" && { "stroke-dasharray": "2.4 2.1" }) }),
  );
}
