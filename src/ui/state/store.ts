/** A value that tells when it changed. Plain TypeScript; React reads it through `useStore`. */
import { useSyncExternalStore } from "react";

export interface Store<T> {
  get(): T;
  /** Replaces some fields; listeners hear of it once, before this returns. */
  set(changes: Partial<T>): void;
  /** Returns the way to end it. */
  subscribe(listener: () => void): () => void;
}

export function createStore<T extends object>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(changes) {
      const keys = Object.keys(changes) as (keyof T)[];
      if (keys.every((key) => Object.is(value[key], changes[key]))) return;
      value = { ...value, ...changes };
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** What `select` makes of the store, and again when that changes. `select` must return the same value for the same state. */
export function useStore<T, S>(store: Store<T>, select: (state: T) => S): S {
  return useSyncExternalStore(store.subscribe, () => select(store.get()));
}
