/** The wish to be told when a run is done, by a message of the system. Permission is asked for only by the wish itself. */
import { createStore, type Store } from "./store.ts";

export interface Telling {
  /** This browser can show messages. */
  readonly supported: boolean;
  readonly wanted: boolean;
  /** The person said no to the browser's question; only the browser's settings can change that. */
  readonly refused: boolean;
}

/** As much of the browser's notifications as is needed. */
export interface Messages {
  permission(): "default" | "granted" | "denied";
  request(): Promise<"default" | "granted" | "denied">;
  show(title: string, body: string): void;
  /** Nobody sees the page now. */
  away(): boolean;
}

export interface Teller {
  readonly store: Store<Telling>;
  /** Wishes or no longer wishes; asks the browser where it must. */
  wish(wanted: boolean): Promise<void>;
  /** Shows the message if it is wished for and the person looks elsewhere. */
  tell(title: string, body: string): void;
}

/** `messages` is null where the browser has none. */
export function createTeller(messages: Messages | null): Teller {
  const refused = messages?.permission() === "denied";
  const store = createStore<Telling>({ supported: messages !== null, wanted: false, refused });
  return {
    store,
    async wish(wanted) {
      if (!messages) return;
      if (!wanted) return store.set({ wanted: false });
      const answer = messages.permission() === "default" ? await messages.request() : messages.permission();
      store.set({ wanted: answer === "granted", refused: answer === "denied" });
    },
    tell(title, body) {
      if (!messages || !store.get().wanted || messages.permission() !== "granted" || !messages.away()) return;
      try {
        messages.show(title, body);
      } catch {
        // Some browsers have the interface but refuse pages its use; the title tells the end as well.
      }
    },
  };
}
