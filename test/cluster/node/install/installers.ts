// Installation methods of podrole, each together with an emulated STS. install() resolves when every program is ready,
// uninstall() when every object is deleted.
import { join } from "node:path";
import { ROOT } from "../../../files.ts";
import type { Kubectl } from "../../kubectl.ts";
import { createHelm } from "./helm.ts";

export interface Installer {
  install(): Promise<void>;
  uninstall(): Promise<void>;
}

const STS = join(import.meta.dirname, "sts.yaml");
const KUSTOMIZATION = join(import.meta.dirname, "kustomize");
const TRY = join(ROOT, "manifests/overlays/try");
const BEFORE_HELM = join(import.meta.dirname, "helm/before.yaml");

export function createInstallers(
  kubectl: Kubectl,
  environment: NodeJS.ProcessEnv,
): Readonly<Record<string, Installer>> {
  const helm = createHelm(environment);
  async function installSts(): Promise<void> {
    await kubectl.ok(["apply", "-f", STS]);
    await kubectl.ok(["-n", "aws", "rollout", "status", "deployment/sts", "--timeout=120s"]);
  }
  async function waitUntilReady(): Promise<void> {
    for (const name of ["podrole-server", "podrole-webhook"]) {
      await kubectl.ok(["-n", "podrole", "rollout", "status", `deployment/${name}`, "--timeout=180s"]);
    }
  }
  const byHelm: Installer = {
    async install() {
      await installSts();
      await kubectl.ok(["apply", "-f", BEFORE_HELM]);
      console.error(await helm.install());
    },
    async uninstall() {
      await helm.ok(["uninstall", "podrole", "--ignore-not-found", "--wait", "--timeout=3m"]);
      await kubectl.ok(["delete", "-f", BEFORE_HELM, "--ignore-not-found", "--timeout=120s"]);
      await kubectl.ok(["delete", "-f", STS, "--timeout=120s"]);
    },
  };
  return {
    kustomize: {
      async install() {
        await installSts();
        await kubectl.ok(["apply", "-k", KUSTOMIZATION]);
        await waitUntilReady();
      },
      async uninstall() {
        await kubectl.ok(["delete", "-k", KUSTOMIZATION, "--timeout=120s"]);
        await kubectl.ok(["delete", "-f", STS, "--timeout=120s"]);
      },
    },
    helm: byHelm,
    // The same with the packed chart: createHelm() reads PODROLE_ARTEFACTS.
    artefacts: byHelm,
    // try.test.ts installs it, because it measures that.
    try: {
      async install() {},
      async uninstall() {
        await kubectl.ok(["delete", "-k", TRY, "--ignore-not-found", "--timeout=120s"]);
      },
    },
  };
}
