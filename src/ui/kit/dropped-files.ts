/**
 * Files out of a drop or a file dialog, with their paths inside a dropped folder. Reads directories by the entries every
 * browser has (webkitGetAsEntry). Leaves out hidden files and folders (".DS_Store", ".git"): nobody means them.
 */

export interface PathFile {
  /** "name" for a file, "folder/sub/name" inside a folder. */
  readonly path: string;
  readonly file: File;
}

/** As much of FileSystemEntry as is used; the DOM's own satisfy it. */
export interface DropEntry {
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  readonly name: string;
}

interface FileEntry extends DropEntry {
  file(done: (file: File) => void, failed: (error: unknown) => void): void;
}

interface DirectoryEntry extends DropEntry {
  createReader(): {
    readEntries(done: (entries: readonly DropEntry[]) => void, failed: (error: unknown) => void): void;
  };
}

export interface DropItem {
  readonly kind: string;
  webkitGetAsEntry?(): DropEntry | null;
  getAsFile(): File | null;
}

/** Must be called inside the drop event: its items are gone after the first await. Rejects when a file cannot be read. */
export async function filesOfDrop(items: Iterable<DropItem>): Promise<PathFile[]> {
  const found = [...items].filter(({ kind }) => kind === "file").map(startOf);
  return (await Promise.all(found)).flat();
}

/** What a file input holds; inputs of folders know the paths. */
export function filesOfInput(files: Iterable<File>): PathFile[] {
  return [...files]
    .map((file) => ({ path: file.webkitRelativePath || file.name, file }))
    .filter(({ path }) => !hidden(path));
}

function startOf(item: DropItem): Promise<PathFile[]> {
  const entry = item.webkitGetAsEntry?.() ?? null;
  if (entry) return filesUnder(entry, "");
  const file = item.getAsFile();
  return Promise.resolve(file && !hidden(file.name) ? [{ path: file.name, file }] : []);
}

async function filesUnder(entry: DropEntry, parent: string): Promise<PathFile[]> {
  if (hidden(entry.name)) return [];
  const path = parent === "" ? entry.name : `${parent}/${entry.name}`;
  if (entry.isFile) {
    const file = await new Promise<File>((done, failed) => (entry as FileEntry).file(done, failed));
    return [{ path, file }];
  }
  const children = await childrenOf(entry as DirectoryEntry);
  return (await Promise.all(children.map((child) => filesUnder(child, path)))).flat();
}

/** A reader gives about a hundred entries at a time, and an empty list at the end. */
async function childrenOf(directory: DirectoryEntry): Promise<DropEntry[]> {
  const reader = directory.createReader();
  const all: DropEntry[] = [];
  for (;;) {
    const some = await new Promise<readonly DropEntry[]>((done, failed) => reader.readEntries(done, failed));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

const hidden = (path: string): boolean => path.split("/").some((part) => part.startsWith("."));
