// Whether pods get a native sidecar: by setting, or because the API server has them.

/** On by default since Kubernetes 1.29. */
const SINCE = { major: 1, minor: 29 };

export function choosesNativeSidecar(
  setting: "auto" | "true" | "false",
  { major, minor }: { readonly major: number; readonly minor: number },
): boolean {
  if (setting !== "auto") return setting === "true";
  return major > SINCE.major || (major === SINCE.major && minor >= SINCE.minor);
}
