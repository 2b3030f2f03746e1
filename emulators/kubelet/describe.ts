// A pod's containers in the format of `kubectl describe pod`. Pure.
import type { ContainerState, ContainerStatus, PodStatus } from "./status.ts";

/** Returns the text of `kubectl describe pod` about containers. */
export function describePod(name: string, status: PodStatus): string {
  return [
    `Name:    ${name}`,
    `Status:  ${status.phase}`,
    ...(status.message === undefined ? [] : [`Message: ${status.message}`]),
    ...containersSection("Init Containers:", status.initContainerStatuses),
    ...containersSection("Containers:", status.containerStatuses),
    "",
  ].join("\n");
}

function containersSection(title: string, containers: readonly ContainerStatus[]): string[] {
  return containers.length === 0 ? [] : [title, ...containers.flatMap(containerLines)];
}

function containerLines({ name, state, lastState, ready, restartCount }: ContainerStatus): string[] {
  return [
    `  ${name}:`,
    ...containerStateLines("State", state),
    ...(lastState ? containerStateLines("Last State", lastState) : []),
    fieldLine(4, "Ready", ready ? "True" : "False"),
    fieldLine(4, "Restart Count", String(restartCount)),
  ];
}

function containerStateLines(title: string, state: ContainerState): string[] {
  if ("running" in state) return [fieldLine(4, title, "Running"), fieldLine(6, "Started", state.running.startedAt)];
  if ("waiting" in state) {
    const { reason, message } = state.waiting;
    return [fieldLine(4, title, "Waiting"), fieldLine(6, "Reason", reason), ...messageLines(message)];
  }
  const { reason, message, exitCode, signal, startedAt, finishedAt } = state.terminated;
  return [
    fieldLine(4, title, "Terminated"),
    fieldLine(6, "Reason", reason),
    ...messageLines(message),
    fieldLine(6, "Exit Code", String(exitCode)),
    ...(signal === undefined ? [] : [fieldLine(6, "Signal", String(signal))]),
    fieldLine(6, "Started", startedAt),
    fieldLine(6, "Finished", finishedAt),
  ];
}

function messageLines(message: string | undefined): string[] {
  return message === undefined || message === ""
    ? []
    : [fieldLine(6, "Message", message.trimEnd().replaceAll("\n", `\n${" ".repeat(20)}`))];
}

/** Values start in column 20, as with kubectl. */
function fieldLine(indent: number, name: string, value: string): string {
  return `${" ".repeat(indent)}${`${name}:`.padEnd(20 - indent)}${value}`;
}
