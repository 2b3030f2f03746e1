// The refusals of the last 24 hours, shared by all replicas in one ConfigMap. Nothing is decided from them; older ones
// are in the audit log.
// States of a refusal: pending (counted here alone) → being written (still counted here) → shared (written, together
// with what other replicas wrote) → gone (after 24 hours, or pushed out by newer ones). Pending ones are written at
// most every 10 s, and once a minute if they only count up records that are written already. If a write fails, they are
// pending again; stop() writes once more, and what is pending when the process is killed is in the audit log alone.
import type { Kubernetes } from "../../kubernetes/api.ts";
import { refusalKey } from "../../protocol/state/merge.ts";
import type { RefusalRecord, RefusalRecords } from "../../protocol/state/model.ts";
import { type Clock, repeat } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { ResultObserver } from "../issue/result-observer.ts";
import type { Ownership } from "../trust/ownership.ts";
import {
  addRefusals,
  boundRefusals,
  encodeRefusals,
  REFUSAL_LIMITS,
  REFUSALS_KEY,
  refusalsInData,
  toRefusalRecord,
} from "./refusal-records.ts";

export interface RefusalLog extends Pick<ResultObserver, "refused" | "refusedUnknown"> {
  /** Returns the shared records as of the last write or read, with those that are pending. */
  records(): RefusalRecords;
  /** Writes what is pending, and stops. */
  stop(): Promise<void>;
}

export interface RefusalLogDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly kubernetes: Pick<Kubernetes, "changeConfigMap">;
  readonly ownership: Ownership;
}

/** Where the replicas share their records. */
export interface RefusalLogOptions {
  readonly namespace: string;
  readonly name: string;
}

const WRITE_INTERVAL_MS = 10_000;
/** After so many intervals counts are written, and what other replicas wrote is read, even if nothing is new. */
const INTERVALS_OF_COUNTS = 6;
/** Rows of one replica that are not written yet. */
const PENDING_LIMITS = { ...REFUSAL_LIMITS, rows: 1_500 };
const MAX_PENDING = 2_000;

/** Starts the log, which reads the shared records at once. */
export function startRefusalLog(
  { clock, log, kubernetes, ownership }: RefusalLogDeps,
  { namespace, name }: RefusalLogOptions,
): RefusalLog {
  const stopping = new AbortController();
  const startedAt = new Date(clock.now()).toISOString();
  let shared: RefusalRecords = { recordedSince: startedAt, rows: [] };
  /** The text of the ConfigMap that was read or written last, which 2 000 records make 256 KiB long. */
  let last: { readonly text: string; readonly records: RefusalRecords } | undefined;
  let known: ReadonlySet<string> = new Set();
  let pending = new Map<string, RefusalRecord>();
  /** Those that the write in progress contains. */
  let writing: readonly RefusalRecord[] = [];
  /** Time of the last pending record that was left out. */
  let lostUntil = startedAt;
  let intervals = 0;
  let hasFailed = false;

  function add(refusal: Parameters<typeof toRefusalRecord>[0]): void {
    const record = toRefusalRecord(refusal, clock.now());
    const [sum = record] = addRefusals([...pendingOf(record)], [record]);
    pending.set(refusalKey(record), sum);
    if (pending.size <= MAX_PENDING) return;
    const left = boundRefusals({ recordedSince: lostUntil, rows: [...pending.values()] }, clock.now(), PENDING_LIMITS);
    pending = byKey(left.rows);
    lostUntil = left.recordedSince;
  }

  function pendingOf(record: RefusalRecord): readonly RefusalRecord[] {
    const before = pending.get(refusalKey(record));
    return before ? [before] : [];
  }

  /** What the ConfigMap is to have; other replicas may have changed it meanwhile, or somebody deleted it. */
  function merge(present: ConfigMapData | undefined, written: readonly RefusalRecord[]): ConfigMapData {
    const read = recordsIn(present);
    if (present && read && written.length === 0) return present;
    const { recordedSince, rows } = read ?? shared;
    const since = lostUntil === startedAt || recordedSince > lostUntil ? recordedSince : lostUntil;
    const all = { recordedSince: since, rows: addRefusals(rows, written) };
    const records = boundRefusals(all, clock.now());
    last = { text: encodeRefusals(records), records };
    return { [REFUSALS_KEY]: last.text };
  }

  /** Reads the ConfigMap, unless it has the text that it had last. */
  function recordsIn(data: ConfigMapData | undefined): RefusalRecords | undefined {
    const text = data?.[REFUSALS_KEY];
    if (last !== undefined && last.text === text) return last.records;
    const records = refusalsInData(data);
    if (text !== undefined && records !== undefined) last = { text, records };
    return records;
  }

  async function write(): Promise<void> {
    const written = [...pending.values()];
    writing = written;
    pending = new Map();
    try {
      const creation = await ownership(namespace);
      // podrole is being uninstalled.
      if (creation === undefined) return;
      const data = await kubernetes.changeConfigMap(namespace, name, (present) => merge(present, written), creation);
      const records = recordsIn(data);
      if (records === undefined) return;
      shared = { ...records, sharedAt: new Date(clock.now()).toISOString() };
      known = new Set(records.rows.map(refusalKey));
      hasFailed = false;
    } catch (error) {
      pending = byKey(addRefusals(written, [...pending.values()]));
      if (!hasFailed) log.warn({ err: error, configMap: name }, "cannot share the records of refusals");
      hasFailed = true;
    } finally {
      writing = [];
    }
  }

  const hasNews = () => [...pending.keys()].some((key) => !known.has(key));
  const writes = repeat({ clock, signal: stopping.signal }, async () => {
    if (hasNews() || intervals % INTERVALS_OF_COUNTS === 0) await write();
    intervals += 1;
    return WRITE_INTERVAL_MS;
  });

  return {
    refused({ namespace: of, name: pod, uid }, container, { code, message }, role) {
      const where = { namespace: of, pod, uid, container: container ?? "" };
      add({ ...where, ...(role !== undefined && { role }), code, reason: message });
    },
    refusedUnknown({ namespace: of, name: pod, uid }, { code, message }) {
      add({ namespace: of, pod, uid, container: "", code, reason: message });
    },
    records() {
      const { sharedAt } = shared;
      const { recordedSince, rows } = boundRefusals(
        { ...shared, rows: addRefusals(addRefusals(shared.rows, writing), [...pending.values()]) },
        clock.now(),
      );
      return { recordedSince, ...(sharedAt !== undefined && { sharedAt }), rows };
    },
    async stop() {
      stopping.abort();
      await writes.ended;
      if (pending.size > 0) await write();
    },
  };
}

type ConfigMapData = Readonly<Record<string, string>>;

function byKey(rows: readonly RefusalRecord[]): Map<string, RefusalRecord> {
  return new Map(rows.map((row) => [refusalKey(row), row]));
}
