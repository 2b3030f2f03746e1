// Places that name podrole's version. A release has one, so they must agree.

/** A file, and an expression whose first group is a version in it; every match counts. */
interface VersionPlace {
  readonly file: string;
  readonly pattern: RegExp;
}

const IMAGE_VERSION = /\bpodrole-(?:server|sidecar|try):(\d[\w.-]*)/g;

const VERSION_PLACES: readonly VersionPlace[] = [
  { file: "package-lock.json", pattern: /^ {2}"version": "(.*)"/gm },
  { file: "manifests/chart/Chart.yaml", pattern: /^(?:appVersion|version): (\S+)$/gm },
  { file: "Dockerfile.server", pattern: /^ARG VERSION=(\S+)$/gm },
  { file: "Dockerfile.sidecar", pattern: /^ARG VERSION=(\S+)$/gm },
  { file: "Dockerfile.try", pattern: /^ARG VERSION=(\S+)$/gm },
  { file: "src/settings/webhook.ts", pattern: IMAGE_VERSION },
  { file: "manifests/base/server.yaml", pattern: IMAGE_VERSION },
  { file: "manifests/base/webhook.yaml", pattern: IMAGE_VERSION },
  { file: "manifests/base/kustomization.yaml", pattern: IMAGE_VERSION },
  { file: "manifests/examples/install/kustomization.yaml", pattern: /(?:podrole-sidecar:|newTag: )(\d[\w.-]*)/g },
  { file: "manifests/overlays/try/installation/sts.yaml", pattern: IMAGE_VERSION },
  { file: "manifests/overlays/try/app.yaml", pattern: IMAGE_VERSION },
  { file: "docs/install.md", pattern: IMAGE_VERSION },
  { file: "docs/try.md", pattern: IMAGE_VERSION },
  { file: "docs/operate.md", pattern: IMAGE_VERSION },
];

/**
 * Returns what prevents a release of this version; empty if all places name it and CHANGELOG.md has a section for it.
 */
export function versionProblems(read: (file: string) => string, version: string): readonly string[] {
  const different = VERSION_PLACES.flatMap(({ file, pattern }) => {
    const found = new Set([...read(file).matchAll(pattern)].map(([, one]) => one));
    const named = [...found].join(", ") || "no version";
    return found.size === 1 && found.has(version) ? [] : [`${file} has ${named}; expected ${version}`];
  });
  const heading = new RegExp(String.raw`^## \[${RegExp.escape(version)}\] - `, "m");
  return heading.test(read("CHANGELOG.md")) ? different : [...different, `CHANGELOG.md has no section ${version}`];
}
