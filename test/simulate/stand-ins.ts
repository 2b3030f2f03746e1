// Which modules are replaced in a simulation: those at the border of podrole's programs, where sockets, files, AWS, the
// Kubernetes API and signatures begin. Everything between them is loaded as it is. Node resolves the imports of the
// programs' modules to the files in stand-ins/, which export the same names.
import { registerHooks } from "node:module";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

interface StandIn {
  /** The module, by its path from the root or its name. */
  readonly module: string;
  /** The modules below this path get the stand-in; absent: all of src. */
  readonly importedBy?: string;
  /** File in stand-ins/. */
  readonly by: string;
}

const BORDER: readonly StandIn[] = [
  { module: "src/protocol/client.ts", by: "client.ts" },
  { module: "src/runtime/files.ts", by: "files.ts" },
  { module: "src/runtime/tcp.ts", by: "tcp.ts" },
  { module: "src/runtime/next-check.ts", by: "next-check.ts" },
  { module: "src/sidecar/files/memory-volume.ts", by: "memory-volume.ts" },
  { module: "src/sidecar/files/grants-file.ts", by: "grants-file.ts" },
  { module: "node:fs/promises", importedBy: "src/sidecar/files/identity-files.ts", by: "fs.ts" },
  { module: "src/sidecar/http/servers.ts", by: "pod-servers.ts" },
  { module: "src/protocol/listener.ts", importedBy: "src/server/open-ports.ts", by: "listener.ts" },
  { module: "src/runtime/pages.ts", by: "pages.ts" },
  { module: "src/runtime/metrics.ts", importedBy: "src/server/main.ts", by: "metrics.ts" },
  { module: "src/runtime/metrics.ts", importedBy: "src/webhook/main.ts", by: "metrics.ts" },
  { module: "src/kubernetes/client.ts", by: "kubernetes-client.ts" },
  { module: "src/server/aws/sts.ts", by: "sts.ts" },
  { module: "src/server/state/state-app.ts", by: "state-app.ts" },
  { module: "src/webhook/app.ts", by: "webhook-app.ts" },
];

/** Keys and signatures, and DER without node-forge, which takes most of the time. */
const CRYPTOGRAPHY: readonly StandIn[] = [
  { module: "node:crypto", importedBy: "src/pki/", by: "crypto.ts" },
  { module: "node:crypto", importedBy: "src/server/trust/serving-certificate.ts", by: "crypto.ts" },
  { module: "node:crypto", importedBy: "src/server/aws/credential-cache.ts", by: "crypto.ts" },
  { module: "node:crypto", importedBy: "src/server/issue/circumstances.ts", by: "crypto.ts" },
  { module: "node:crypto", importedBy: "src/sidecar/authorization-tokens.ts", by: "crypto.ts" },
  { module: "node:crypto", importedBy: "src/sidecar/files/identity-files.ts", by: "crypto.ts" },
  { module: "src/pki/der.ts", by: "der.ts" },
  { module: "src/pki/bundle.ts", by: "bundle.ts" },
];

const ROOT = join(import.meta.dirname, "../..");

/** Puts the stand-ins in place for every module that is loaded afterwards. */
export function useStandIns({ hasRealCryptography }: { readonly hasRealCryptography: boolean }): void {
  const standIns = hasRealCryptography ? BORDER : [...BORDER, ...CRYPTOGRAPHY];
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      const importer = context.parentURL?.startsWith("file:") ? pathOf(context.parentURL) : "";
      if (!importer.startsWith("src/")) return resolved;
      const module = resolved.url.startsWith("file:") ? pathOf(resolved.url) : resolved.url;
      const found = standIns.find(
        (one) => one.module === module && (one.importedBy === undefined || importer.startsWith(one.importedBy)),
      );
      if (found === undefined) return resolved;
      return {
        ...resolved,
        url: pathToFileURL(join(import.meta.dirname, "stand-ins", found.by)).href,
        format: "module-typescript",
      };
    },
  });
}

function pathOf(url: string): string {
  return relative(ROOT, fileURLToPath(url));
}
