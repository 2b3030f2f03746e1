// Checks of what is deployed: namespace, Deployments, replicas, versions, settings.
import { parseImage } from "../../../injection/image.ts";
import type { Pod } from "../../../kubernetes/objects.ts";
import { matchesLabels } from "../../../kubernetes/selectors.ts";
import { LABELS } from "../../../policy/annotations.ts";
import { isEmulated } from "../../installation-facts.ts";
import {
  connectionDifferences,
  type Deployment,
  deploymentOf,
  notInstalledText,
  type ProgramName,
  policyDifferences,
} from "../../installed.ts";
import { allKnown, type Known } from "../../known.ts";
import { objectArgument, shellQuote } from "../../migrate/shell-commands.ts";
import { absenceOf } from "../../program-absence.ts";
import { gaugeSamples } from "../collect/metrics-pages.ts";
import type { Facts, PodPages } from "../facts.ts";
import {
  type CheckRow,
  type CheckVerdict,
  failed,
  inSection,
  judgeKnown,
  ok,
  problemsOrOk,
  REMEDY_PAGES,
  skipped,
  warning,
  withDiagnosis,
  withNext,
} from "../finding.ts";
import { ownWebhooks } from "../own-webhooks.ts";
import { podsOfDeployment, replicasIn, surroundingsOf } from "../workloads.ts";

const CHECKED_PROGRAMS = ["server", "webhook"] as const;

const deploymentCheck = (program: ProgramName): CheckRow => ({
  summary: `The ${program}'s Deployment exists, and all of its replicas are ready.`,
  remedy: `Find out what the ${program} waits for with \`kubectl -n podrole describe deployment podrole-${program}\` and from the logs of its pods. ${REMEDY_PAGES.outages} describes outages.`,
  judge: (facts: Facts) =>
    judgeKnown(facts.deployments, (list) => {
      const { namespace } = facts;
      const found = deploymentOf(program, list);
      if (!found) return failed(`Namespace "${namespace}" has no Deployment that runs the ${program}; expected one`);
      const { replicas = 1 } = found.spec;
      const { readyReplicas = 0, updatedReplicas = 0 } = found.status ?? {};
      const object = `deployment ${namespace}/${found.metadata.name}`;
      const count = replicasIn(program, list, facts);
      const absence =
        count &&
        absenceOf(program, replicas === 0 ? { ...count, ready: 0 } : count, surroundingsOf(facts).installation ?? {});
      if (absence !== undefined) {
        const message =
          replicas === 0
            ? `The ${program} is scaled to 0 replicas; expected at least 2`
            : `None of ${replicas} replicas of the ${program} is ready; expected all of them`;
        return withDiagnosis(failed(message, object), absence, absence.steps);
      }
      const describe = `kubectl -n ${shellQuote(namespace)} describe ${objectArgument("deployment", found.metadata.name ?? "")}`;
      if (readyReplicas < replicas) {
        const message = `${readyReplicas} of ${replicas} replicas are ready; expected all of them`;
        return withNext(warning(message, object), describe);
      }
      if (updatedReplicas < replicas)
        return warning(`${updatedReplicas} of ${replicas} replicas are updated; expected all of them`, object);
      return ok(`${readyReplicas} of ${replicas} replicas of the ${program} are ready`);
    }),
});

/** Checks of section "installation". */
export const INSTALLATION_CHECKS = inSection("installation", "installed", {
  INSTALLED: {
    summary: "podrole is installed: a Deployment runs one of its programs, or its webhook is registered.",
    remedy: `Install podrole (${REMEDY_PAGES.install}), or pass its namespace with \`--podrole-namespace\`. \`podrole check --pre\` checks the cluster before an installation. Without an installation no other check runs.`,
    isPrecondition: true,
    judge: ({ deployments, webhookConfigurations, namespace }) =>
      judgeKnown(allKnown({ deployments, webhookConfigurations }), (read) => {
        const isDeployed = CHECKED_PROGRAMS.some((program) => deploymentOf(program, read.deployments) !== undefined);
        return isDeployed || ownWebhooks(read.webhookConfigurations, namespace).length > 0
          ? ok(`podrole is installed in namespace "${namespace}"`)
          : failed(notInstalledText(namespace));
      }),
  },
  NAMESPACE: {
    summary: "podrole's own namespace exists, and does not have the label `podrole.io/inject`.",
    remedy:
      "If podrole runs in another namespace, pass that namespace with `--podrole-namespace`. If the message says that podrole's namespace has the label `podrole.io/inject`, remove the label.",
    judge: ({ ownNamespace, namespace }) =>
      judgeKnown(ownNamespace, (found) => {
        if (found === undefined)
          return failed(
            `There is no namespace "${namespace}"; expected podrole's own namespace (set --podrole-namespace, or use podrole check --pre before the installation)`,
          );
        return found.metadata.labels?.[LABELS.inject] === undefined
          ? ok(`namespace "${namespace}" exists`)
          : warning(
              `Namespace "${namespace}" has the label podrole.io/inject, which has no effect on podrole's own namespace; expected no such label`,
            );
      }),
  },
  SERVER_READY: deploymentCheck("server"),
  WEBHOOK_READY: deploymentCheck("webhook"),
  REPLICAS: {
    summary: "Server and webhook each have two or more replicas, on different nodes.",
    remedy:
      "If a program has one replica, scale its Deployment (`kubectl -n podrole scale deployment podrole-server --replicas=2`). If all replicas are on one node, set `topologySpreadConstraints` in the Deployment.",
    judge: ({ deployments, ownPods, kubelets }) =>
      judgeKnown(deployments, (list) =>
        orOkWhereDeployed(
          list,
          CHECKED_PROGRAMS.flatMap((program) => {
            const found = deploymentOf(program, list);
            return found ? oneReplicaOrNode(program, found, ownPods, kubelets) : [];
          }),
          "each program has two or more replicas, on different nodes if the cluster has several nodes",
        ),
      ),
  },
  DISRUPTION_BUDGETS: {
    summary: "A PodDisruptionBudget prevents a node drain from evicting all replicas of a program at once.",
    remedy: "Apply the PodDisruptionBudgets of `manifests/base`.",
    judge: ({ budgets, deployments }) =>
      judgeKnown(deployments, (list) =>
        judgeKnown(budgets, (held) =>
          orOkWhereDeployed(
            list,
            CHECKED_PROGRAMS.flatMap((program) => {
              const labels = deploymentOf(program, list)?.spec.template.metadata.labels;
              if (labels === undefined || held.some(({ spec }) => matchesLabels(spec.selector, labels))) return [];
              return [warning(`No PodDisruptionBudget covers the ${program}'s pods; expected one`)];
            }),
            "a PodDisruptionBudget covers each program",
          ),
        ),
      ),
  },
  SETTINGS: {
    summary:
      "The programs' settings are valid, and server and webhook have the same trust domain, audience and trust bundle.",
    remedy:
      "Correct the setting that the message names. Put a setting that both programs need into ConfigMap `podrole-common`.",
    judge: ({ installed }) =>
      judgeKnown(installed, (programs) => {
        const found = CHECKED_PROGRAMS.flatMap((program) => programs[program] ?? []);
        if (found.length === 0) return skipped("Neither program is deployed");
        const unread = found.flatMap(({ deployment, problems }) =>
          problems.map((problem) => warning(problem, `deployment ${deployment}`)),
        );
        const refused = found.flatMap((program) =>
          program.refused.map((problem) => failed(problem, `deployment ${program.deployment}`)),
        );
        const differences = connectionDifferences(programs).map((text) => failed(`${text}; expected the same value`));
        return problemsOrOk([...unread, ...refused, ...differences], "server and webhook agree");
      }),
  },
  STS_ENDPOINT: {
    summary: "The server calls AWS STS over TLS, and not an emulated STS.",
    remedy:
      "In a try installation an emulated STS is intended; its credentials work nowhere in AWS. In every other installation, remove `--sts-endpoint` and `--allow-insecure-sts-endpoint`.",
    judge: ({ installed, namespace }) =>
      judgeKnown(installed, ({ server }) => {
        if (!server) return skipped("The server is not deployed");
        if (!server.settings) return skipped("The server's settings cannot be read");
        const { stsEndpoint } = server.settings;
        return stsEndpoint === undefined || stsEndpoint.startsWith("https://")
          ? ok("the server calls STS over TLS")
          : warning(
              `${isEmulated(stsEndpoint) ? "STS is emulated" : "STS is called in clear text"}: the server calls ${stsEndpoint}; expected an endpoint of AWS with https://`,
              `deployment ${namespace}/${server.deployment}`,
            );
      }),
  },
  POLICY_SETTINGS: {
    summary: "Server and webhook have the same policy settings.",
    remedy:
      "Put policy settings into ConfigMap `podrole-common` (`settings` of the chart), never into `podrole-server` or `podrole-webhook`. While the settings differ, the webhook may admit pods to which the server refuses credentials, and refuse pods to which the server would issue them.",
    judge: ({ installed }) =>
      judgeKnown(installed, (programs) => {
        if (!programs.server?.settings || !programs.webhook?.settings) {
          return skipped("The settings of the server or of the webhook are unknown");
        }
        return problemsOrOk(
          policyDifferences(programs).map((text) => failed(`${text}; expected the same value`)),
          "server and webhook have the same policy settings",
        );
      }),
  },
  VERSIONS: {
    summary: "The server, the webhook and this command line have the same version.",
    remedy: `Upgrade the component that has an older version, in the order that ${REMEDY_PAGES.upgrade} describes.`,
    judge: ({ installed, cliVersion, pages }) =>
      judgeKnown(installed, ({ server, webhook }) => {
        if (!server || !webhook) return skipped("The server or the webhook is not deployed");
        const running = new Set(pages.flatMap(versionsOf));
        if (running.size > 1) {
          return warning(`Replicas run versions ${[...running].toSorted().join(" and ")}; expected one version`);
        }
        if (server.image !== webhook.image) {
          return warning(`The server runs ${server.image} and the webhook ${webhook.image}; expected the same image`);
        }
        const version = [...running][0] ?? parseImage(server.image).tag;
        return version === undefined || version === cliVersion
          ? ok(`server and webhook run ${server.image}`)
          : warning(
              `Server and webhook have version ${version}, and this command line has version ${cliVersion}; expected the same version`,
            );
      }),
  },
  RESTARTS: {
    summary: "No container of podrole's programs has restarted five times or more.",
    remedy: "Find the reason in the log of the container that ended (`kubectl -n podrole logs POD --previous`).",
    judge: ({ ownPods }) =>
      judgeKnown(ownPods, (pods) => {
        if (pods.length === 0) return skipped("podrole's namespace has no pods");
        return problemsOrOk(
          pods.flatMap(({ metadata, status }) => {
            const restarts = containerStatuses(status).map(({ restartCount = 0 }) => restartCount);
            const most = Math.max(0, ...restarts);
            return most < MIN_REPORTED_RESTARTS
              ? []
              : [
                  warning(
                    `Restarted ${most} times; expected fewer than ${MIN_REPORTED_RESTARTS}`,
                    `pod ${metadata.name}`,
                  ),
                ];
          }),
          "no container restarts repeatedly",
        );
      }),
  },
});

function orOkWhereDeployed(list: readonly Deployment[], problems: readonly CheckVerdict[], message: string) {
  const isDeployed = CHECKED_PROGRAMS.some((program) => deploymentOf(program, list) !== undefined);
  return isDeployed ? problemsOrOk(problems, message) : skipped("Neither program is deployed");
}

/** A few restarts are normal over the lifetime of a node. */
const MIN_REPORTED_RESTARTS = 5;

function oneReplicaOrNode(
  program: ProgramName,
  deployment: Deployment,
  ownPods: Known<readonly Pod[]>,
  kubelets: Facts["kubelets"],
): readonly CheckVerdict[] {
  const { replicas = 1 } = deployment.spec;
  if (replicas === 1) return [warning(`The ${program} has one replica; expected 2 or more`)];
  if ("unknown" in ownPods || ("value" in kubelets && kubelets.value.length < 2)) return [];
  const placed = podsOfDeployment(deployment, ownPods.value).filter(({ spec: { nodeName } }) => nodeName !== undefined);
  const used = new Set(placed.map(({ spec: { nodeName } }) => nodeName));
  return placed.length > 1 && used.size === 1
    ? [warning(`All ${placed.length} replicas of the ${program} are on node ${[...used][0]}; expected different nodes`)]
    : [];
}

/** The version that a replica reports. */
function versionsOf({ samples }: PodPages): readonly string[] {
  if ("unknown" in samples) return [];
  return gaugeSamples(samples.value, "podrole_build_info").flatMap(({ labels }) => labels["version"] ?? []);
}

function containerStatuses(status: Pod["status"]): readonly { readonly restartCount?: number }[] {
  return (status?.["containerStatuses"] ?? []) as { restartCount?: number }[];
}
