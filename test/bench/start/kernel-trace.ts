// The kernel's own record of a pod's start: which programs start and end, and what their TCP connections receive, with
// times in microseconds. It shows where the time of a start goes without any change to the programs. Needs root and
// tracefs. (https://docs.kernel.org/trace/events.html)
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";

const TRACEFS = "/sys/kernel/tracing";

/** Ports of podrole's server, the emulated STS and the API server, inside and outside of the node. */
const PORT_FILTER = [8443, 8444, 4566, 443, 6443].flatMap((port) => [`sport==${port}`, `dport==${port}`]).join("||");

/** Events of the kernel, and which of them are recorded. */
const EVENTS: Readonly<Record<string, string>> = {
  "sched/sched_process_exec": "",
  "sched/sched_process_exit": "",
  "sock/inet_sock_set_state": "",
  "tcp/tcp_probe": PORT_FILTER,
};

/** Comments of the file, and events without a meaning for a start. */
const EVENT_LINE = /^\s*(.+)-(\d+)\s+\[\d+\]\s+\S+\s+(\d+\.\d+): (\w+): (.*)$/;

/** One event. `fields` as the kernel writes them: "filename=/usr/bin/node pid=1 old_pid=1". */
export interface KernelEvent {
  /** Unix time in ms, with fractions. */
  readonly atMs: number;
  readonly task: string;
  readonly pid: number;
  readonly name: string;
  readonly fields: string;
}

/** A running record. */
export interface KernelTrace {
  /** Forgets what has been recorded. */
  clear(): void;
  read(): readonly KernelEvent[];
  close(): void;
}

/** Starts to record in a buffer of its own, which other users of the kernel's traces do not see. */
export function startKernelTrace(): KernelTrace {
  const directory = `${TRACEFS}/instances/podrole-${process.pid}`;
  mkdirSync(directory);
  const write = (file: string, text: string) => writeFileSync(`${directory}/${file}`, text);
  write("trace_clock", "mono");
  write("buffer_size_kb", "8192");
  for (const [event, filter] of Object.entries(EVENTS)) {
    if (filter !== "") write(`events/${event}/filter`, filter);
    write(`events/${event}/enable`, "1");
  }
  // process.hrtime() reads the same clock, CLOCK_MONOTONIC.
  const sinceEpochMs = Date.now() - Number(process.hrtime.bigint()) / 1e6;
  return {
    clear: () => write("trace", ""),
    read: () =>
      readFileSync(`${directory}/trace`, "utf8")
        .split("\n")
        .flatMap((line) => {
          const [, task = "", pid, seconds, name = "", fields = ""] = EVENT_LINE.exec(line) ?? [];
          if (seconds === undefined) return [];
          return [{ atMs: Number(seconds) * 1000 + sinceEpochMs, task, pid: Number(pid), name, fields }];
        }),
    close: () => rmdirSync(directory),
  };
}
