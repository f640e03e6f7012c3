/** The browser as `watchTraining` and the wish to be told see it. Everything is looked for before it is used. */
import { createTeller, type Messages } from "./telling.ts";
import type { ScreenLock, Surroundings } from "./while-training.ts";

/** The page's only one. */
export const teller = createTeller(browserMessages());

/** This tab. */
export function browserSurroundings(): Surroundings {
  return {
    setTitle(title) {
      document.title = title;
    },
    hidden: () => document.visibilityState === "hidden",
    onVisibility(listener) {
      document.addEventListener("visibilitychange", listener);
      return () => document.removeEventListener("visibilitychange", listener);
    },
    lockScreen: "wakeLock" in navigator ? (): Promise<ScreenLock> => navigator.wakeLock.request("screen") : null,
    warnBeforeLeaving() {
      const warn = (event: BeforeUnloadEvent) => event.preventDefault();
      window.addEventListener("beforeunload", warn);
      return () => window.removeEventListener("beforeunload", warn);
    },
    tell: teller.tell,
  };
}

function browserMessages(): Messages | null {
  if (!("Notification" in window) || !window.isSecureContext) return null;
  return {
    permission: () => Notification.permission,
    request: () => Notification.requestPermission(),
    show(title, body) {
      const message = new Notification(title, { body, tag: "lorikeet-run" });
      message.onclick = () => {
        window.focus();
        message.close();
      };
    },
    away: () => document.visibilityState === "hidden" || !document.hasFocus(),
  };
}
