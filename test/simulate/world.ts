// A simulated installation: the cluster's objects, STS, the network, podrole's programs and the pods, on one timeline.

import type { RotationOptions } from "../../src/pki/authorities.ts";
import { rotationOptions, SERVER_SETTINGS } from "../../src/settings/server.ts";
import { createAdmission } from "./admission.ts";
import { type ApiServer, createApiServer } from "./api-server.ts";
import { createNetwork, type Network } from "./network.ts";
import { createOutages, type Outages } from "./outages.ts";
import type { AppAnswer } from "./pod.ts";
import { type Deployment, type Flags, NAMESPACE, settingsFrom, startServers, startWebhooks } from "./programs.ts";
import { createStsModel, type StsModel } from "./sts-model.ts";
import { enterWorld, type World } from "./surroundings.ts";
import { createTimeline, type Timeline } from "./timeline.ts";
import { createVolumes } from "./volumes.ts";
import { startWorkloads, type WorkloadOptions, type Workloads } from "./workloads.ts";

/** Everything that a fault can act on and an invariant can look at. */
export interface SimulatedWorld {
  readonly timeline: Timeline;
  readonly api: ApiServer;
  readonly sts: StsModel;
  readonly network: Network;
  readonly servers: Deployment;
  readonly webhooks: Deployment;
  readonly workloads: Workloads;
  readonly outages: Outages;
  readonly rotation: RotationOptions;
  readonly inside: World;
}

/** How the installation is made. */
export interface InstallationOptions extends Omit<WorkloadOptions, "maxSessionMs"> {
  readonly servers: number;
  /** Flags of the server. */
  readonly flags: Flags;
}

/** What the world reports. */
export interface WorldEvents {
  readonly onAnswer: (answer: AppAnswer) => void;
  /** A program has logged an error. */
  readonly onError: (program: string, fields: unknown, message: string) => void;
}

const WEBHOOKS = 2;

/** Creates the world at time 0, when the programs start. */
export function createSimulatedWorld(
  { servers: serverCount, flags, ...workload }: InstallationOptions,
  { onAnswer, onError }: WorldEvents,
): SimulatedWorld {
  const inside: World = { volumes: createVolumes(), podServers: new Map(), hosts: new Map(), serial: 0 };
  enterWorld(inside);
  const timeline = createTimeline();
  const api = createApiServer(timeline);
  const sts = createStsModel(timeline);
  const network = createNetwork();
  const outages = createOutages(() => timeline.now());
  const outside = { timeline, api, sts, network, outages, onError };
  install(api);
  const servers = startServers(outside, serverCount, flags);
  const webhooks = startWebhooks(outside, WEBHOOKS);
  const settings = settingsFrom(SERVER_SETTINGS, flags);
  const { maxSessionDuration: maxSessionMs = settings.sessionDuration } = settings;
  const workloads = startWorkloads(
    outside,
    createAdmission(outside, webhooks),
    { ...workload, maxSessionMs },
    onAnswer,
  );
  return {
    timeline,
    api,
    sts,
    network,
    servers,
    webhooks,
    workloads,
    outages,
    rotation: rotationOptions(settings),
    inside,
  };
}

/** The objects of the manifests. */
function install({ store }: ApiServer): void {
  store.put("namespaces", { metadata: { name: NAMESPACE } });
  for (const name of ["podrole-server", "podrole-webhook"]) {
    store.put("serviceaccounts", { metadata: { namespace: NAMESPACE, name, uid: `${name}-account` } });
    store.put("pods", {
      metadata: { namespace: NAMESPACE, name, uid: `${name}-pod` },
      spec: { serviceAccountName: name, containers: [] },
    });
  }
  store.put("mutatingwebhookconfigurations", {
    metadata: { name: "podrole" },
    webhooks: [{ name: "pods.podrole.io" }],
  });
}
