/** Whether the page is kept by its service worker, and so opens without a network. */
import { useEffect, useState } from "react";
import type { Offline } from "./offline-words.ts";

/** Asked anew each time the list is opened. */
export function useOffline(): Offline {
  const [offline, setOffline] = useState<Offline>(null);
  useEffect(() => {
    let current = true;
    void findOut().then((found) => current && setOffline(found));
    return () => {
      current = false;
    };
  }, []);
  return offline;
}

/** Never rejects: private windows have the interface and refuse its use. */
async function findOut(): Promise<Offline> {
  if (!("serviceWorker" in navigator)) return "never";
  try {
    const registration = await navigator.serviceWorker.getRegistration();
    return registration?.active ? "kept" : "not-yet";
  } catch {
    return "never";
  }
}
