/** The folder of a fused model: written under another name beside its place, and given its name only when it is proved. */
import { mkdir, open, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import path from "node:path";
import type { ModelSource } from "../../../core/bytes.ts";
import { configError } from "../../../core/errors.ts";
import type { FuseStore } from "../../../train/fuse/fuse.ts";
import { checkFolder, type MadeFolder, makeFolder } from "../../node/files.ts";
import { folderSource } from "../../node/folder.ts";

export class FusedFolder implements FuseStore {
  readonly out: string;
  private readonly staging: string;
  private above: MadeFolder | null = null;

  constructor(out: string) {
    this.out = out;
    const place = path.resolve(out);
    this.staging = path.join(path.dirname(place), `.${path.basename(place)}.unproved-${process.pid}`);
  }

  /** Throws ConfigError when the place is taken or cannot be written. Makes nothing. */
  async check(): Promise<void> {
    await checkFolder("--out", this.out);
    const files = await readdir(this.out).catch(() => []);
    if (files.length === 0) return;
    const shown = `${files.slice(0, 3).join(", ")}${files.length > 3 ? ", …" : ""}`;
    throw configError(`--out ${this.out}: the folder holds files (${shown})`, "Name a new folder.");
  }

  get written(): ModelSource {
    return folderSource(this.staging);
  }

  async write(name: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    if (!this.above) {
      this.above = await makeFolder(path.dirname(this.staging));
      await mkdir(this.staging);
    }
    const file = await open(path.join(this.staging, name), "w");
    try {
      for await (const chunk of chunks) await file.appendFile(chunk);
      // A disk that is full or failing says so here and not after the proof.
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** Gives the folder its name. */
  async place(): Promise<void> {
    if (await stat(this.out).catch(() => null)) await rmdir(this.out); // an empty one
    await rename(this.staging, this.out);
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    await rm(this.staging, { recursive: true, force: true });
    await this.above?.takeBack();
  }
}
