// Bounds what answers take that their callers do not read: grpc-js writes an answer whatever the caller's HTTP/2 window
// is, and what the window does not admit stays in memory. Callers that read their answers do so within milliseconds, so
// the oldest answers go first.
// States of an answer: unread (add) → ended, because its stream has closed (end), or because it was closed here.

/** An answer that its caller has not read. */
export interface UnreadAnswer {
  /** Who shares one part of the bound. */
  readonly caller: string;
  readonly bytes: number;
  /** Closes the connection that it is written to; called at most once. */
  readonly close: () => void;
}

/** Upper bounds, in bytes: over all answers of a port, and over those of one caller. */
export interface UnreadAnswerLimits {
  readonly total: number;
  /** Absent: no bound of its own. */
  readonly perCaller?: number;
}

/** The unread answers of one port. */
export interface UnreadAnswers {
  /**
   * Counts an answer until the returned function is called. If there are too many bytes, of the caller or of all, the
   * oldest of these answers that has at least the average is closed.
   */
  add(answer: UnreadAnswer): () => void;
  /** Returns the number of bytes. */
  bytes(): number;
}

/** Creates the bound without an answer. */
export function createUnreadAnswers({
  total,
  perCaller = Number.POSITIVE_INFINITY,
}: UnreadAnswerLimits): UnreadAnswers {
  /** The oldest first. */
  const answers = new Set<UnreadAnswer>();
  let held = 0;

  function remove(answer: UnreadAnswer): void {
    if (answers.delete(answer)) held -= answer.bytes;
  }

  function relieve(of: readonly UnreadAnswer[], most: number): void {
    const rest = new Set(of);
    let sum = totalBytes(of);
    while (sum > most) {
      const average = sum / rest.size;
      const oldest = Array.from(rest).find(({ bytes }) => bytes >= average);
      if (oldest === undefined) return;
      rest.delete(oldest);
      sum -= oldest.bytes;
      remove(oldest);
      oldest.close();
    }
  }

  return {
    add(answer) {
      answers.add(answer);
      held += answer.bytes;
      const own = Array.from(answers).filter(({ caller }) => caller === answer.caller);
      relieve(own, perCaller);
      if (held > total) relieve(Array.from(answers), total);
      return () => remove(answer);
    },
    bytes: () => held,
  };
}

const totalBytes = (answers: readonly UnreadAnswer[]): number => answers.reduce((sum, { bytes }) => sum + bytes, 0);
