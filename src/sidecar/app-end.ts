// The end of a pod in classic mode. There the kubelet stops all containers at the same time, and an app that is still
// ending needs credentials. podrole-sidecar sees the app's process only by its TCP sockets, because the containers of a
// pod share a network namespace and not their processes. So it serves until the others have had no socket for a while.
// States: serving → ended, when the sockets are gone or the time is up.
// (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination)
import { closeSync, openSync, readdirSync, readlinkSync, readSync } from "node:fs";
import { type Clock, sleep } from "../runtime/clock.ts";

/** Kernel tables of the TCP sockets in this network namespace. (proc_pid_net(5)) */
const SOCKET_TABLES: readonly string[] = ["/proc/net/tcp", "/proc/net/tcp6"];

const POLL_INTERVAL_MS = 250;
/** An app without any socket gets this much time; a pod without such an app ends this much later. */
const NO_SOCKET_MS = 2_000;

/** The sockets of this network namespace and of this process, by inode. */
export interface SocketSource {
  /** Lines of a kernel table, its head included; none if there is no such table. */
  readonly linesOf: (path: string) => Iterable<string>;
  readonly ownInodes: () => ReadonlySet<string>;
}

/**
 * Reports whether another process has a TCP socket; false where the kernel has no such tables. Connections that only
 * the kernel still closes have inode 0. There can be tens of thousands of them, so no table is in memory as a whole.
 */
export function hasAppSocket({ linesOf, ownInodes }: SocketSource = KERNEL_SOCKETS): boolean {
  const own = ownInodes();
  const isOfApp = (line: string) => {
    const inode = INODE.exec(line)?.[1] ?? "0";
    return inode !== "0" && !own.has(inode);
  };
  return SOCKET_TABLES.some((path) => {
    for (const line of linesOf(path)) if (isOfApp(line)) return true;
    return false;
  });
}

/** The tenth column of a row; the head has no number there. */
const INODE = /^\s*\d+:(?:\s+\S+){8}\s+(\d+)/;

const CHUNK_BYTES = 64 * 1024;

const KERNEL_SOCKETS: SocketSource = { linesOf: linesOfTable, ownInodes: inodesOfThisProcess };

function* linesOfTable(path: string): Iterable<string> {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return;
  }
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let rest = "";
    for (let length = readSync(file, chunk); length > 0; length = readSync(file, chunk)) {
      const lines = (rest + chunk.toString("latin1", 0, length)).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } finally {
    closeSync(file);
  }
}

function inodesOfThisProcess(): ReadonlySet<string> {
  const inodes = new Set<string>();
  try {
    for (const descriptor of readdirSync("/proc/self/fd")) {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(targetOf(`/proc/self/fd/${descriptor}`)) ?? [];
      if (inode !== undefined) inodes.add(inode);
    }
  } catch {
    // Without /proc there are no tables either.
  }
  return inodes;
}

/** The directory's own descriptor is closed again by now. */
function targetOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** Resolves when no other container has had a socket for 2 s, or after `graceMs`, whichever is first. */
export async function untilAppEnded(
  { clock, hasSocket }: { readonly clock: Clock; readonly hasSocket: () => boolean },
  { graceMs }: { readonly graceMs: number },
): Promise<void> {
  const startedAt = clock.elapsedMs();
  let busyAt = startedAt;
  while (clock.elapsedMs() - startedAt < graceMs) {
    if (hasSocket()) busyAt = clock.elapsedMs();
    else if (clock.elapsedMs() - busyAt >= NO_SOCKET_MS) return;
    await sleep(clock, POLL_INTERVAL_MS);
  }
}
