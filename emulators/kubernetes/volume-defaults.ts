// Defaults of a volume (k8s.io/kubernetes pkg/apis/core/v1/defaults.go).
import type { Volume } from "../../src/kubernetes/objects.ts";
import { isObject } from "../../src/runtime/json-object.ts";

/** Returns the volume with the API server's defaults; an empty source becomes emptyDir. */
export function volumeDefaults(volume: Volume): Volume {
  if (!isObject(volume)) return volume;
  const { name, ...source } = volume;
  if (Object.keys(source).length === 0) return { name, emptyDir: {} };
  const filled = Object.entries(source).map(([kind, value]) => [
    kind,
    isObject(value) && FILE_VOLUMES.has(kind)
      ? { ...value, ...projectedDefaults(kind, value), defaultMode: value["defaultMode"] ?? 420 }
      : value,
  ]);
  return { name, ...Object.fromEntries(filled) };
}

/** Volumes of files, with mode 0644 unless they set another. */
const FILE_VOLUMES: ReadonlySet<string> = new Set(["projected", "secret", "configMap", "downwardAPI"]);

function projectedDefaults(kind: string, { sources }: Record<string, unknown>): object {
  if (kind !== "projected" || !Array.isArray(sources)) return {};
  return {
    sources: sources.map((source: unknown) => {
      const token = isObject(source) ? source["serviceAccountToken"] : undefined;
      return isObject(token) ? { serviceAccountToken: { expirationSeconds: 3600, ...token } } : source;
    }),
  };
}
