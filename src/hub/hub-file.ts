/** One file of a Hub repository, read in chunks at fixed offsets when there is a cache, else in the ranges asked for. */

import { type ByteSource, checkRange } from "../core/bytes.ts";
import { getBytes } from "./http.ts";
import type { Repository } from "./repository.ts";

/** Bytes per request and per cached chunk: a lost connection costs at most this much again. */
export const CHUNK_BYTES = 8 * 2 ** 20;
/** Requests in flight for one read; one connection rarely fills the line. */
const PARALLEL = 4;

export class HubFile implements ByteSource {
  readonly name: string;
  readonly size: number;
  private readonly repo: Repository;
  private readonly url: string;
  private readonly key: string;
  /**
   * The chunk where the last read ended. Neighbouring tensors, often a few kilobytes each, lie in the same one; who reads
   * a file from front to back needs each chunk once, even when none can be kept.
   */
  private recent: { index: number; bytes: Uint8Array<ArrayBuffer> } | undefined;
  /** Chunks on their way, so that parallel readers share one request. */
  private readonly pending = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();

  constructor(repo: Repository, commit: string, path: string, size: number) {
    const escaped = path.split("/").map(encodeURIComponent).join("/");
    this.name = `${repo.id}/${path}`;
    this.size = size;
    this.repo = repo;
    this.url = `${repo.endpoint}/${repo.id}/resolve/${encodeURIComponent(commit)}/${escaped}`;
    this.key = `${repo.id}@${commit}/${path}`;
  }

  async read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(this, begin, end);
    const out = new Uint8Array(end - begin);
    const aligned = this.repo.store.present;
    const first = aligned ? begin - (begin % CHUNK_BYTES) : begin;
    const starts: number[] = [];
    for (let start = first; start < end; start += CHUNK_BYTES) starts.push(start);
    const worker = async () => {
      for (let start = starts.shift(); start !== undefined; start = starts.shift()) {
        const bytes = aligned
          ? await this.chunk(start / CHUNK_BYTES, end)
          : await this.range(start, Math.min(start + CHUNK_BYTES, end));
        const from = Math.max(begin - start, 0);
        out.set(bytes.subarray(from, Math.min(bytes.length, end - start)), start + from - begin);
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(PARALLEL, starts.length) }, worker));
    } finally {
      starts.length = 0; // after a failure the other workers stop too
    }
    return out;
  }

  private range(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    return getBytes(this.url, this.name, this.repo.http, { begin, end });
  }

  /** @param end where the whole read ends: its last chunk is remembered. */
  private async chunk(index: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.recent?.index === index) return this.recent.bytes;
    const loading = this.pending.get(index) ?? this.loadChunk(index).finally(() => this.pending.delete(index));
    this.pending.set(index, loading);
    const bytes = await loading;
    if ((index + 1) * CHUNK_BYTES >= end) this.recent = { index, bytes };
    return bytes;
  }

  private async loadChunk(index: number): Promise<Uint8Array<ArrayBuffer>> {
    const begin = index * CHUNK_BYTES;
    const end = Math.min(begin + CHUNK_BYTES, this.size);
    const kept = await this.repo.store.get(this.key, index);
    if (kept?.byteLength === end - begin) return kept;
    const bytes = await this.range(begin, end);
    await this.repo.store.keep(this.key, index, bytes);
    return bytes;
  }
}
