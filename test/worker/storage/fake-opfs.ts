/**
 * The browser's private file system in miniature, with its errors: exclusive handles, a quota, and cuts in the middle of a
 * write. Names are as strict as the strictest browser's.
 */
import type { OpfsFile, OpfsFolder, SyncHandle } from "../../../src/worker/storage/opfs-types.ts";

export interface FakeDisk {
  readonly root: OpfsFolder;
  /** Bytes it holds at most. */
  quota: number;
  /** A handle that runs out of room throws, or writes what fits: browsers do either. */
  shortWrites: boolean;
  /** So many further slices are written; then every write throws, as if the worker had died. */
  slicesLeft: number;
  /** Handles open now. */
  readonly open: Set<string>;
  used(): number;
  canMove: boolean;
}

interface FileNode {
  readonly kind: "file";
  bytes: Uint8Array<ArrayBuffer>;
  held: boolean;
}
type FolderNode = { readonly kind: "directory"; readonly entries: Map<string, FileNode | FolderNode> };

const fail = (name: string): never => {
  throw new DOMException(`made up: ${name}`, name);
};

export function fakeDisk(): FakeDisk {
  const top: FolderNode = { kind: "directory", entries: new Map() };
  const disk: FakeDisk = {
    root: folderHandle("", top, () => disk),
    quota: Number.POSITIVE_INFINITY,
    shortWrites: false,
    slicesLeft: Number.POSITIVE_INFINITY,
    open: new Set(),
    used: () => usedBy(top),
    canMove: true,
  };
  return disk;
}

const usedBy = (node: FileNode | FolderNode): number =>
  node.kind === "file"
    ? node.bytes.byteLength
    : [...node.entries.values()].reduce((sum, inner) => sum + usedBy(inner), 0);

const heldIn = (node: FileNode | FolderNode): boolean =>
  node.kind === "file" ? node.held : [...node.entries.values()].some(heldIn);

const folders = new WeakMap<OpfsFolder, FolderNode>();

function folderHandle(name: string, node: FolderNode, disk: () => FakeDisk): OpfsFolder {
  const checked = (entry: string) => {
    if (/[/\\:*?"<>|]/.test(entry) || /^\.*$/.test(entry) || entry.length > 255) throw new TypeError(`name ${entry}`);
    return node.entries.get(entry);
  };
  const handle: OpfsFolder = {
    kind: "directory",
    name,
    async getFileHandle(entry, { create } = { create: false }) {
      let file = checked(entry);
      if (file === undefined) {
        if (!create) fail("NotFoundError");
        file = { kind: "file", bytes: new Uint8Array(0), held: false };
        node.entries.set(entry, file);
      }
      return file.kind === "file" ? fileHandle(entry, file, node, disk) : fail("TypeMismatchError");
    },
    async getDirectoryHandle(entry, { create } = { create: false }) {
      let folder = checked(entry);
      if (folder === undefined) {
        if (!create) fail("NotFoundError");
        folder = { kind: "directory", entries: new Map() };
        node.entries.set(entry, folder);
      }
      return folder.kind === "directory" ? folderHandle(entry, folder, disk) : fail("TypeMismatchError");
    },
    async removeEntry(entry) {
      const found = checked(entry);
      if (found === undefined) return fail("NotFoundError");
      if (heldIn(found)) fail("NoModificationAllowedError");
      node.entries.delete(entry);
    },
    async *values() {
      for (const [entry, inner] of [...node.entries]) {
        yield inner.kind === "file" ? fileHandle(entry, inner, node, disk) : folderHandle(entry, inner, disk);
      }
    },
  };
  folders.set(handle, node);
  return handle;
}

function fileHandle(name: string, node: FileNode, parent: FolderNode, disk: () => FakeDisk): OpfsFile {
  return {
    kind: "file",
    name,
    async getFile() {
      return parent.entries.get(name) === node ? { size: node.bytes.byteLength } : fail("NotFoundError");
    },
    async createSyncAccessHandle() {
      if (node.held) fail("NoModificationAllowedError");
      return syncHandle(name, node, disk());
    },
    async move(folder, target) {
      if (!disk().canMove) fail("NotAllowedError");
      const entries = folders.get(folder)!.entries;
      const old = entries.get(target);
      if (node.held || (old && heldIn(old))) fail("NoModificationAllowedError");
      parent.entries.delete(name);
      entries.set(target, node);
    },
  };
}

function syncHandle(name: string, node: FileNode, disk: FakeDisk): SyncHandle {
  node.held = true;
  disk.open.add(name);
  const resize = (size: number) => {
    const out = new Uint8Array(size);
    out.set(node.bytes.subarray(0, size));
    node.bytes = out;
  };
  return {
    read(buffer, { at }) {
      const part = node.bytes.subarray(at, at + buffer.length);
      buffer.set(part);
      return part.length;
    },
    write(buffer, { at }) {
      if (disk.slicesLeft-- <= 0) throw new Error("the worker died here");
      const more = at + buffer.length - node.bytes.byteLength;
      const lacking = Math.max(0, disk.used() + Math.max(0, more) - disk.quota);
      if (lacking > 0 && !disk.shortWrites) fail("QuotaExceededError");
      const fits = buffer.subarray(0, Math.max(0, buffer.length - lacking));
      if (at + fits.length > node.bytes.byteLength) resize(at + fits.length);
      node.bytes.set(fits, at);
      return fits.length;
    },
    getSize: () => node.bytes.byteLength,
    truncate: resize,
    flush() {},
    close() {
      node.held = false;
      disk.open.delete(name);
    },
  };
}
