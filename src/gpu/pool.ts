/**
 * Buffers by size, reused as soon as they are free. Deterministic: the same sequence of requests gives the same
 * buffers, so that bind groups can be cached. The same pool with a counting backend is the dry run's memory model.
 */
import { alignUp } from "./tensor.ts";

export interface BufferBackend<B> {
  create(bytes: number, label: string): B;
  destroy(buffer: B): void;
}

interface Block<B> {
  readonly buffer: B;
  readonly bytes: number;
}

export interface MemoryLedger {
  /** Bytes of buffers handed out at this moment. */
  live: number;
  /** Bytes of all buffers that exist, free ones included: what the GPU really holds. */
  allocated: number;
  /** Highest value `allocated` has had. */
  peak: number;
}

export class Pool<B> {
  readonly ledger: MemoryLedger = { live: 0, allocated: 0, peak: 0 };
  private readonly backend: BufferBackend<B>;
  private readonly maxBytes: number;
  private readonly sizes = new Map<B, number>();
  /** Free blocks, ascending by size. */
  private free: Block<B>[] = [];

  /** `maxBytes`: of one buffer; what is rounded up for reuse stays within it. */
  constructor(backend: BufferBackend<B>, maxBytes = Number.POSITIVE_INFINITY) {
    this.backend = backend;
    this.maxBytes = maxBytes;
  }

  acquire(bytes: number, label: string): B {
    const index = this.firstOf(bytes);
    const found = this.free[index];
    // A much larger block is left for a larger tenant.
    if (found && found.bytes <= Math.max(2 * bytes, 64 * 1024)) {
      this.free.splice(index, 1);
      this.ledger.live += found.bytes;
      return found.buffer;
    }
    return this.create(Math.max(alignUp(bytes, 16), Math.min(bucket(bytes), this.maxBytes)), label);
  }

  /** A buffer of exactly `bytes`, for something that stays. */
  acquireExact(bytes: number, label: string): B {
    return this.create(alignUp(bytes, 16), label);
  }

  release(buffer: B): void {
    const bytes = this.sizes.get(buffer);
    if (bytes === undefined) throw new RangeError("pool.release: this buffer is not from this pool");
    this.ledger.live -= bytes;
    this.free.splice(this.firstOf(bytes), 0, { buffer, bytes });
  }

  /** Destroys a buffer instead of keeping it for reuse. */
  discard(buffer: B): void {
    const bytes = this.sizes.get(buffer);
    if (bytes === undefined) return;
    this.ledger.live -= bytes;
    this.drop({ buffer, bytes });
  }

  /** Destroys the free buffers that are not among `kept`. */
  trim(kept: ReadonlySet<unknown> = new Set()): void {
    for (const block of this.free) if (!kept.has(block.buffer)) this.drop(block);
    this.free = this.free.filter(({ buffer }) => kept.has(buffer));
  }

  /** A pool that only counts: with the same free buffers, or with none. Its account has these alone. */
  rehearsal(empty = false): Pool<unknown> {
    const pool = new Pool<unknown>({ create: () => ({}), destroy() {} }, this.maxBytes);
    if (empty) return pool;
    pool.free = [...this.free];
    for (const { buffer, bytes } of this.free) {
      pool.sizes.set(buffer, bytes);
      pool.ledger.allocated += bytes;
    }
    return pool;
  }

  /** Where the first free block of at least `bytes` lies, or would lie. */
  private firstOf(bytes: number): number {
    let [begin, end] = [0, this.free.length];
    while (begin < end) {
      const middle = (begin + end) >>> 1;
      if (this.free[middle]!.bytes < bytes) begin = middle + 1;
      else end = middle;
    }
    return begin;
  }

  private create(bytes: number, label: string): B {
    const buffer = this.backend.create(bytes, label);
    this.sizes.set(buffer, bytes);
    this.ledger.live += bytes;
    this.ledger.allocated += bytes;
    this.ledger.peak = Math.max(this.ledger.peak, this.ledger.allocated);
    return buffer;
  }

  private drop(block: Block<B>): void {
    this.sizes.delete(block.buffer);
    this.ledger.allocated -= block.bytes;
    this.backend.destroy(block.buffer);
  }
}

/** Rounds up in steps of an eighth of the power of two below: at most 12.5 % waste, few distinct sizes. */
export function bucket(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(bytes)) - 3));
  return alignUp(bytes, step);
}
