/** How much room the browser gives this page, and whether it may clear it by itself. Nothing here ever rejects. */

export interface StorageFacts {
  /** Of the whole origin; null where the browser does not tell. */
  readonly usedBytes: number | null;
  readonly quotaBytes: number | null;
  /** Kept until the person deletes it; else the browser may clear it when space is short or the page is long unused. */
  readonly persisted: boolean;
}

/** What is used of `navigator.storage`; browsers and insecure pages lack parts of it. */
export interface StorageAccess {
  estimate?(): Promise<{ usage?: number; quota?: number }>;
  persisted?(): Promise<boolean>;
}

const browserStorage = (): StorageAccess => (typeof navigator === "undefined" ? {} : (navigator.storage ?? {}));

export async function storageFacts(storage: StorageAccess = browserStorage()): Promise<StorageFacts> {
  const estimate = await storage.estimate?.().catch(() => undefined);
  const persisted = await storage.persisted?.().catch(() => false);
  return {
    usedBytes: estimate?.usage ?? null,
    quotaBytes: estimate?.quota ?? null,
    persisted: persisted ?? false,
  };
}
