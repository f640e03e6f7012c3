/** Lets through at most one value in a period, always the newest, and the last one for certain. */

export interface Throttle<T> {
  push(value: T): void;
  /** Forgets what waits. */
  stop(): void;
}

/** `emit` is called at once for the first value, then at most once every `every` ms with the newest. */
export function createThrottle<T>(
  every: number,
  emit: (value: T) => void,
  now: () => number = () => performance.now(),
): Throttle<T> {
  let last = Number.NEGATIVE_INFINITY;
  let waiting: { readonly value: T } | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;

  const flush = () => {
    timer = null;
    if (!waiting) return;
    const { value } = waiting;
    waiting = null;
    last = now();
    emit(value);
  };
  return {
    push(value) {
      waiting = { value };
      if (timer !== null) return;
      const wait = last + every - now();
      if (wait <= 0) flush();
      else timer = setTimeout(flush, wait);
    },
    stop() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      waiting = null;
    },
  };
}
