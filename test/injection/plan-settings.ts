// Settings of plan() in tests: an ordinary cluster.

import type { PlanSettings } from "../../src/injection/plan.ts";
import { policySettingsWith } from "../policy/facts.ts";

export const PLAN_SETTINGS: PlanSettings = {
  image: "registry.example/podrole-sidecar:1",
  serverAddress: "podrole-server.podrole.svc:8444",
  identityAddress: "podrole-server.podrole.svc:8443",
  serverName: "podrole-server.podrole.svc",
  trustBundle: "-----BEGIN CERTIFICATE-----\nVGVzdA==\n-----END CERTIFICATE-----\n",
  podCertificates: false,
  pullSecrets: [],
  audience: "podrole.io",
  runAsUser: 65532,
  runAsGroup: 65532,
  sidecarCommand: ["/nodejs/bin/node", "/app/podrole-sidecar.js"],
  resources: {
    cpuRequest: "10m",
    cpuLimit: "500m",
    memoryRequest: "32Mi",
    memoryLimit: "96Mi",
    guaranteedSidecarCpu: "100m",
  },
  region: "eu-central-1",
  nativeSidecar: true,
  excludedNamespaces: ["podrole"],
  policy: policySettingsWith(),
};
