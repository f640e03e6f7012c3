import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { bucket, Pool } from "../../src/gpu/pool.ts";

interface FakeBuffer {
  readonly bytes: number;
  destroyed: boolean;
}

function pool() {
  const made: FakeBuffer[] = [];
  const backend = {
    create(bytes: number): FakeBuffer {
      made.push({ bytes, destroyed: false });
      return made.at(-1)!;
    },
    destroy(buffer: FakeBuffer) {
      buffer.destroyed = true;
    },
  };
  return { pool: new Pool(backend), made };
}

describe("pool", () => {
  it("hands a released buffer to the next tenant of about its size", () => {
    const { pool: p, made } = pool();
    const first = p.acquire(1 << 20, "a");
    p.release(first);
    expect(p.acquire((1 << 20) - 5000, "b")).toBe(first);
    expect(p.acquire(1 << 20, "c")).not.toBe(first);
    expect(made).toHaveLength(2);
  });

  it("leaves a much larger buffer to a larger tenant, unless it is small anyway", () => {
    const { pool: p } = pool();
    const large = p.acquire(1 << 20, "large");
    const small = p.acquire(4096, "small");
    p.release(large);
    p.release(small);
    expect(p.acquire(300_000, "x")).not.toBe(large);
    expect(p.acquire(4, "y")).toBe(small);
  });

  it("counts live, allocated and peak bytes", () => {
    const { pool: p } = pool();
    const a = p.acquire(1024, "a");
    const b = p.acquireExact(1000, "b");
    expect(p.ledger).toEqual({ live: 1024 + 1008, allocated: 2032, peak: 2032 });
    p.release(a);
    expect(p.ledger).toEqual({ live: 1008, allocated: 2032, peak: 2032 });
    p.discard(b);
    expect(p.ledger).toEqual({ live: 0, allocated: 1024, peak: 2032 });
    p.trim();
    expect(p.ledger).toEqual({ live: 0, allocated: 0, peak: 2032 });
    expect([a.destroyed, b.destroyed]).toEqual([true, true]);
  });

  it("rounds up to no more than a buffer may have", () => {
    const sizes: number[] = [];
    const pool = new Pool({ create: (bytes) => sizes.push(bytes), destroy() {} }, 1_000_000);
    for (const bytes of [990_000, 1_000_000, 100_000]) pool.acquire(bytes, "x");
    expect(sizes).toEqual([1_000_000, 1_000_000, bucket(100_000)]);
  });

  it("is rehearsed without being touched", () => {
    const { pool: p, made } = pool();
    const [a, b] = [p.acquire(1 << 20, "a"), p.acquire(1 << 21, "b")];
    p.release(a);
    const held = { ...p.ledger };
    const copy = p.rehearsal();
    expect(copy.ledger).toEqual({ live: 0, allocated: 1 << 20, peak: 0 });
    expect(copy.acquire(1 << 20, "c")).toBe(a);
    copy.acquire(1 << 20, "d");
    expect(copy.ledger.allocated).toBe(2 << 20);
    copy.trim();
    expect(p.rehearsal(true).ledger.allocated).toBe(0);
    expect(p.ledger).toEqual(held);
    expect(made).toHaveLength(2);
    expect([a.destroyed, b.destroyed]).toEqual([false, false]);
  });

  it("keeps of its free buffers those that are named", () => {
    const { pool: p } = pool();
    const [a, b] = [p.acquire(1 << 20, "a"), p.acquire(1 << 20, "b")];
    p.release(a);
    p.release(b);
    p.trim(new Set([b]));
    expect([a.destroyed, b.destroyed]).toEqual([true, false]);
    expect(p.acquire(1 << 20, "c")).toBe(b);
    expect(p.ledger.allocated).toBe(1 << 20);
  });

  it("refuses a buffer that is not its own", () => {
    expect(() => pool().pool.release({ bytes: 4, destroyed: false })).toThrow("not from this pool");
  });

  it("is deterministic, never lends a buffer twice, and its account adds up", () => {
    const play = () => {
      const { pool: p, made } = pool();
      const random = new Random(11);
      const held: FakeBuffer[] = [];
      const log: number[] = [];
      for (let i = 0; i < 2000; i++) {
        if (held.length > 0 && random.below(2) === 0) p.release(held.splice(random.below(held.length), 1)[0]!);
        else {
          const buffer = p.acquire(1 + random.below(1 << (1 + random.below(20))), "x");
          expect(held).not.toContain(buffer);
          held.push(buffer);
          log.push(made.indexOf(buffer));
        }
        expect(p.ledger.live).toBe(held.reduce((sum, { bytes }) => sum + bytes, 0));
        expect(p.ledger.allocated).toBe(made.reduce((sum, { bytes }) => sum + bytes, 0));
      }
      return log;
    };
    expect(play()).toEqual(play());
  });
});

describe("bucket", () => {
  it("fits, wastes at most an eighth or 256 bytes, and never falls", () => {
    let before = 0;
    for (let bytes = 1; bytes < 5e6; bytes = Math.ceil(bytes * 1.03)) {
      const size = bucket(bytes);
      expect(size).toBeGreaterThanOrEqual(bytes);
      expect(size - bytes).toBeLessThanOrEqual(Math.max(256, bytes / 8));
      expect(size % 256).toBe(0);
      expect(size).toBeGreaterThanOrEqual(before);
      before = size;
    }
  });
});
