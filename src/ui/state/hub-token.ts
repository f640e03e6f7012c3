/**
 * The person's access token for the Hub. It lives in memory until the tab closes; in the browser's own storage only when the
 * person asks for that. It goes nowhere from here: who sends it takes it from `get` at that moment.
 */
import { createStore, type Store, useStore } from "./store.ts";

export const TOKEN_KEY = "lorikeet.hub-token";

/** As much of localStorage as is used. */
export interface TokenStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface TokenState {
  /** Without blanks around it; empty: there is none. */
  readonly token: string;
  /** It is also in this browser's storage. */
  readonly kept: boolean;
  /** It could not be kept, as in a private window. */
  readonly refused: boolean;
}

export interface HubToken {
  readonly store: Store<TokenState>;
  /** undefined when there is none, as requests want it. */
  get(): string | undefined;
  set(token: string): void;
  keep(wanted: boolean): void;
  /** Out of memory and out of storage. */
  forget(): void;
}

/** `storage` null: this browser keeps nothing. */
export function createHubToken(storage: TokenStorage | null): HubToken {
  const found = readToken(storage);
  const store = createStore<TokenState>({ token: found, kept: found !== "", refused: false });

  function apply(token: string, wanted: boolean): void {
    const kept = wanted && token !== "" && writeToken(storage, token);
    if (!kept) writeToken(storage, "");
    store.set({ token, kept, refused: wanted && token !== "" && !kept });
  }

  return {
    store,
    get: () => store.get().token || undefined,
    set: (token) => apply(token.trim(), store.get().kept),
    keep: (wanted) => apply(store.get().token, wanted),
    forget: () => apply("", false),
  };
}

function readToken(storage: TokenStorage | null): string {
  try {
    return storage?.getItem(TOKEN_KEY)?.trim() ?? "";
  } catch {
    return ""; // storage is off here
  }
}

/** An empty token removes it. Returns whether storage holds what was asked. */
function writeToken(storage: TokenStorage | null, token: string): boolean {
  if (!storage) return token === "";
  try {
    if (token === "") storage.removeItem(TOKEN_KEY);
    else storage.setItem(TOKEN_KEY, token);
    return true;
  } catch {
    return false; // full, or off
  }
}

/** The browser's own, where it may be touched at all. */
function browserStorage(): TokenStorage | null {
  try {
    return (globalThis as { readonly localStorage?: TokenStorage }).localStorage ?? null;
  } catch {
    return null;
  }
}

/** The one token of the page. */
export const hubToken: HubToken = createHubToken(browserStorage());

export const useHubToken = (): TokenState => useStore(hubToken.store, (state) => state);
