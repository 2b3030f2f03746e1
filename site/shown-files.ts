// Manifests that pages link to. The site shows each as a page of its own, because its reader may have no checkout. Pure.
import { siteLink } from "./links.ts";

/** Returns the paths, from the root of the repository, of the manifests that the pages link to. */
export function linkedManifests(texts: ReadonlyMap<string, string>): readonly string[] {
  const paths = [...texts].flatMap(([source, text]) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, href = ""]) => {
      const link = siteLink(href, source, undefined);
      return link.kind === "file" && /^manifests\/.*\.yaml$/.test(link.path) ? [link.path] : [];
    }),
  );
  return [...new Set(paths)].toSorted();
}

/** Returns the address of a shown file from the site's root: "manifests/examples/app.yaml.html". */
export function addressOfFile(path: string): string {
  return `${path}.html`;
}
