// Links of the pages, rewritten for the site: to other pages, and to files of the repository. Pure.
import { dirname, join, normalize, relative } from "node:path/posix";
import { addressOf, SOURCE_PAGES } from "./reading-paths.ts";

const SOURCES: ReadonlySet<string> = new Set(SOURCE_PAGES.map(({ source }) => source));

/** Where a link of a page leads on the site. */
export type SiteLink =
  /** `source` and `anchor`: the page that it leads to, and the heading there. */
  | { readonly kind: "page"; readonly href: string; readonly source: string; readonly anchor: string | undefined }
  | { readonly kind: "outside"; readonly href: string }
  /** A file of the repository that is no page; `href` is undefined if the repository has no address. */
  | { readonly kind: "file"; readonly path: string; readonly href: string | undefined };

/**
 * Returns where a link leads. `source` is the page that contains it, `repository` the address below which files of the
 * repository are shown. Every address is relative, so that the site works below any path and from a disk.
 */
export function siteLink(href: string, source: string, repository: string | undefined): SiteLink {
  if (/^[a-z][a-z+.-]*:/i.test(href)) return { kind: "outside", href };
  const [path = "", anchor] = href.split("#");
  if (path === "") return { kind: "page", href, source, anchor };
  const target = normalize(join(dirname(source), path));
  const fragment = anchor === undefined ? "" : `#${anchor}`;
  if (SOURCES.has(target))
    return {
      kind: "page",
      href: relative(dirname(addressOf(source)), addressOf(target)) + fragment,
      source: target,
      anchor,
    };
  return { kind: "file", path: target, href: repository && `${repository}/${target}` };
}

/** Returns the relative address of the site's root from a page: "../" for "docs/install.html". */
export function rootFrom(address: string): string {
  return "../".repeat(address.split("/").length - 1);
}

/** Returns the anchor that GitHub gives a heading, so that links work in both places. `taken`: anchors of the page. */
export function anchorOf(heading: string, taken: Set<string>): string {
  const base = heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
    .replaceAll(" ", "-");
  let anchor = base;
  for (let count = 1; taken.has(anchor); count++) anchor = `${base}-${count}`;
  taken.add(anchor);
  return anchor;
}
