// Manifest of the kubectl plugin for krew: the npm package's archive, which krew unpacks as it is. The plugin needs
// Node on the user's machine. (https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/)
import { stringify } from "yaml";
import { PACKAGE_NODE } from "../build-command-line.ts";

/** The archive that krew downloads. */
export interface KrewArchive {
  readonly version: string;
  readonly uri: string;
  /** SHA-256 of the archive, as hexadecimal digits. */
  readonly sha256: string;
}

/** Returns the manifest as YAML. */
export function krewManifest({ version, uri, sha256 }: KrewArchive): string {
  return stringify({
    apiVersion: "krew.googlecontainertools.github.com/v1alpha2",
    kind: "Plugin",
    metadata: { name: "podrole" },
    spec: {
      version: `v${version}`,
      shortDescription: "IAM roles for pods: check, explain, audit, migrate",
      description:
        "Checks an installation of podrole, explains which IAM role each container of a pod gets and why, lists who got a " +
        "role, and plans the migration from kiam and kube2iam.",
      caveats: `The plugin needs Node ${PACKAGE_NODE} or newer in PATH.`,
      platforms: ["linux", "darwin"].map((os) => ({
        selector: { matchLabels: { os } },
        uri,
        sha256,
        files: [
          { from: "package/lib/*", to: "lib" },
          // Declares the module type of the files in lib.
          { from: "package/package.json", to: "." },
          { from: "package/LICENSE", to: "." },
          { from: "package/NOTICE", to: "." },
          { from: "package/ThirdPartyNotices.txt", to: "." },
        ],
        bin: "lib/podrole.js",
      })),
    },
  });
}
