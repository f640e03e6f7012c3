import { describe, expect, it, vi } from "vitest";
import { createStore } from "../../../src/ui/state/store.ts";

describe("the store", () => {
  it("tells of a change once, and of no change not at all", () => {
    const store = createStore({ a: 1, b: 2 });
    const listener = vi.fn();
    const end = store.subscribe(listener);
    store.set({ a: 3, b: 4 });
    expect(store.get()).toEqual({ a: 3, b: 4 });
    expect(listener).toHaveBeenCalledTimes(1);
    store.set({ a: 3 });
    expect(listener).toHaveBeenCalledTimes(1);
    end();
    store.set({ a: 5 });
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it("keeps what did not change, so that selections stay the same", () => {
    const inner = { deep: true };
    const store = createStore({ inner, n: 0 });
    store.set({ n: 1 });
    expect(store.get().inner).toBe(inner);
  });
});
