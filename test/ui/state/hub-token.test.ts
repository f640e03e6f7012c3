import { describe, expect, it } from "vitest";
import { createHubToken, TOKEN_KEY, type TokenStorage } from "../../../src/ui/state/hub-token.ts";

function fakeStorage(entries: Record<string, string> = {}) {
  const held = new Map(Object.entries(entries));
  const storage: TokenStorage = {
    getItem: (key) => held.get(key) ?? null,
    setItem: (key, value) => void held.set(key, value),
    removeItem: (key) => void held.delete(key),
  };
  return { held, storage };
}

const fails = (): never => {
  throw new Error("storage is off");
};

describe("the Hub token", () => {
  it("stays in memory unless asked to keep it", () => {
    const { held, storage } = fakeStorage();
    const token = createHubToken(storage);
    expect(token.get()).toBeUndefined();
    token.set("  hf_abc \n");
    expect(token.get()).toBe("hf_abc");
    expect([...held]).toEqual([]);
    token.keep(true);
    expect([...held]).toEqual([[TOKEN_KEY, "hf_abc"]]);
    expect(token.store.get()).toEqual({ token: "hf_abc", kept: true, refused: false });
  });

  it("follows changes once it is kept, and leaves nothing behind", () => {
    const { held, storage } = fakeStorage();
    const token = createHubToken(storage);
    token.set("hf_old");
    token.keep(true);
    token.set("hf_new");
    expect(held.get(TOKEN_KEY)).toBe("hf_new");
    token.keep(false);
    expect(held.size).toBe(0);
    expect(token.get()).toBe("hf_new");
    token.keep(true);
    token.forget();
    expect(held.size).toBe(0);
    expect(token.get()).toBeUndefined();
    token.set("hf_next");
    expect(held.size).toBe(0);
  });

  it("is there again on the next visit when it was kept", () => {
    const { storage } = fakeStorage({ [TOKEN_KEY]: "hf_kept" });
    const token = createHubToken(storage);
    expect(token.get()).toBe("hf_kept");
    expect(token.store.get().kept).toBe(true);
  });

  it("says so when the browser keeps nothing", () => {
    for (const storage of [null, { getItem: fails, setItem: fails, removeItem: fails }]) {
      const token = createHubToken(storage);
      token.set("hf_abc");
      token.keep(true);
      expect(token.store.get()).toEqual({ token: "hf_abc", kept: false, refused: true });
      token.keep(false);
      expect(token.store.get().refused).toBe(false);
    }
  });
});
