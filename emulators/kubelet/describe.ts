// A pod's containers in the format of `kubectl describe pod`. Pure.
import type { ContainerState, ContainerStatus, PodStatus } from "./status.ts";

/** Returns the text of `kubectl describe pod` about containers. */
export function describePod(name: string, status: PodStatus): string {
  return [
    `Name:    ${name}`,
    `Status:  ${status.phase}`,
    ...(status.message === undefined ? [] : [`Message: ${status.message}`]),
    ...section("Init Containers:", status.initContainerStatuses),
    ...section("Containers:", status.containerStatuses),
    "",
  ].join("\n");
}

function section(title: string, containers: readonly ContainerStatus[]): string[] {
  return containers.length === 0 ? [] : [title, ...containers.flatMap(containerLines)];
}

function containerLines({ name, state, lastState, ready, restartCount }: ContainerStatus): string[] {
  return [
    `  ${name}:`,
    ...stateLines("State", state),
    ...(lastState ? stateLines("Last State", lastState) : []),
    field(4, "Ready", ready ? "True" : "False"),
    field(4, "Restart Count", String(restartCount)),
  ];
}

function stateLines(title: string, state: ContainerState): string[] {
  if ("running" in state) return [field(4, title, "Running"), field(6, "Started", state.running.startedAt)];
  if ("waiting" in state) {
    const { reason, message } = state.waiting;
    return [field(4, title, "Waiting"), field(6, "Reason", reason), ...messageLines(message)];
  }
  const { reason, message, exitCode, signal, startedAt, finishedAt } = state.terminated;
  return [
    field(4, title, "Terminated"),
    field(6, "Reason", reason),
    ...messageLines(message),
    field(6, "Exit Code", String(exitCode)),
    ...(signal === undefined ? [] : [field(6, "Signal", String(signal))]),
    field(6, "Started", startedAt),
    field(6, "Finished", finishedAt),
  ];
}

function messageLines(message: string | undefined): string[] {
  return message === undefined || message === ""
    ? []
    : [field(6, "Message", message.trimEnd().replaceAll("\n", `\n${" ".repeat(20)}`))];
}

/** Values start in column 20, as with kubectl. */
function field(indent: number, name: string, value: string): string {
  return `${" ".repeat(indent)}${`${name}:`.padEnd(20 - indent)}${value}`;
}
