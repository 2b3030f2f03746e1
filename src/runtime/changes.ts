// Listeners of one kind of change. They are called in the order in which they subscribed.

/** What the owner of a state offers to those who follow it. */
export interface Changing<Change = void> {
  /** Calls `listener` at each change; the returned function ends the subscription. */
  readonly onChange: (listener: (change: Change) => void) => () => void;
}

export interface Changes<Change = void> extends Changing<Change> {
  /** Calls every listener before it returns. It never throws. */
  readonly emit: (change: Change) => void;
}

/**
 * `onListenerError` receives what a listener throws, usually to log it: the others are called nevertheless, and the owner
 * of the state is not disturbed.
 */
export function createChanges<Change = void>(onListenerError: (error: unknown) => void): Changes<Change> {
  const listeners = new Set<{ readonly call: (change: Change) => void }>();
  return {
    emit(change) {
      for (const { call } of [...listeners]) {
        try {
          call(change);
        } catch (error) {
          onListenerError(error);
        }
      }
    },
    onChange(call) {
      const listener = { call };
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
