/**
 * What the store uses of the browser's private file system. Declared here because TypeScript's libraries disagree: the
 * page's lacks sync handles, both lack `move`. `FileSystemDirectoryHandle` is an `OpfsFolder` at run time.
 */

export interface SyncHandle {
  read(buffer: Uint8Array, options: { readonly at: number }): number;
  write(buffer: Uint8Array, options: { readonly at: number }): number;
  getSize(): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

export interface OpfsFile {
  readonly kind: "file";
  readonly name: string;
  getFile(): Promise<{ readonly size: number }>;
  /** Only in dedicated workers. Browsers that do not know the mode open it exclusively. */
  createSyncAccessHandle(options?: { readonly mode: "read-only" | "readwrite" }): Promise<SyncHandle>;
  /** Replaces what is there. Not in the standard yet, but in every engine. */
  move?(folder: OpfsFolder, name: string): Promise<void>;
}

export interface OpfsFolder {
  readonly kind: "directory";
  readonly name: string;
  getFileHandle(name: string, options?: { readonly create: boolean }): Promise<OpfsFile>;
  getDirectoryHandle(name: string, options?: { readonly create: boolean }): Promise<OpfsFolder>;
  removeEntry(name: string, options?: { readonly recursive: boolean }): Promise<void>;
  values(): AsyncIterable<OpfsFile | OpfsFolder>;
}

/** The name of a DOMException, which is how the file system says what is wrong. */
export const errorName = (error: unknown): string => (error instanceof Error ? error.name : "");

export const isAbsent = (error: unknown): boolean => errorName(error) === "NotFoundError";
export const isWrongKind = (error: unknown): boolean => errorName(error) === "TypeMismatchError";
/** Somebody else holds the file; Safari has a name of its own for it. */
export const isHeld = (error: unknown): boolean =>
  ["NoModificationAllowedError", "InvalidStateError"].includes(errorName(error));
