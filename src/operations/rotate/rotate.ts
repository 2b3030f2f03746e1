// Rotation of podrole's CA, one step at a time, with the caller's own rights. It reads and writes the CA's Secret, and
// goes by the settings of the installed server: with other settings, a step that looks safe may not be.

import type { ConfigMap } from "../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import type { RotationVerb } from "../../pki/authorities.ts";
import { type RotationStatus, statusOf } from "../../pki/rotation-status.ts";
import { PodroleError } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import { failure, type Result, success } from "../../runtime/result.ts";
import { rotationOptions, type ServerSettings } from "../../settings/server.ts";
import { type Deployment, readInstalled } from "../installed.ts";
import { applyStep, readSlots, type StepOptions } from "./apply-step.ts";

/** What the rotation talks to. */
export interface RotateDeps {
  readonly kubernetes: OperatorKubernetes;
  readonly clock: Clock;
}

/** The step, and the installation. */
export interface RotateOptions {
  readonly step: RotationVerb | "status";
  /** podrole's own. */
  readonly namespace: string;
  /** Apply the step even if pods may be cut off: for a compromised CA only. */
  readonly force: boolean;
}

/** The status after the step, at `now` (Unix milliseconds). */
export interface Rotated {
  readonly status: RotationStatus;
  readonly now: number;
}

/**
 * Applies the step; the problem is why nothing was changed, for example because the Secret is damaged. Throws ApiError
 * when the cluster cannot be read or written.
 */
export async function rotate(deps: RotateDeps, { step, namespace, force }: RotateOptions): Promise<Result<Rotated>> {
  const installed = await serverSettings(deps.kubernetes, namespace);
  if (!installed.ok) return installed;
  const settings = installed.value;
  if (settings.caCert !== undefined) {
    return failure("the CA is your own (--ca-cert): replace its files, the server reads them again");
  }
  const rotation = rotationOptions(settings);
  const { caSecret: secret, trustConfigMap, webhookConfiguration } = settings;
  const options: StepOptions = { secret, trustConfigMap, webhookConfiguration, rotation: { ...rotation, force } };
  try {
    const result = step === "status" ? await readSlots(deps, options) : await applyStep(step, deps, options);
    if (!result.ok) return step === "status" ? result : failure(`cannot ${step}: ${result.problem}`);
    const now = deps.clock.now();
    return success({
      status: statusOf("slots" in result.value ? result.value.slots : result.value, now, rotation),
      now,
    });
  } catch (error) {
    if (error instanceof PodroleError && error.code === "AUTHORITY_UNAVAILABLE") return failure(error.message);
    throw error;
  }
}

/** The installed server's settings; the problem is why they are unknown. */
async function serverSettings(kubernetes: OperatorKubernetes, namespace: string): Promise<Result<ServerSettings>> {
  const deployments = await kubernetes.listAll<Deployment>("deployments", { namespace });
  const configMaps = await kubernetes.listAll<ConfigMap>("configmaps", { namespace });
  const { server } = readInstalled(deployments, configMaps);
  if (server === undefined) {
    return failure(
      `no Deployment in namespace "${namespace}" runs the server; expected podrole's own namespace (--podrole-namespace)`,
    );
  }
  const { settings, problems, refused } = server;
  if (settings === undefined) return failure(`the server's settings cannot be used: ${problems.join("; ")}`);
  return refused.length > 0
    ? failure(`the server does not start with its settings: ${refused.join("; ")}`)
    : success(settings);
}
