/**
 * GPU time by kernel, through timestamp queries: for benchmarks. Each dispatch gets a pass of its own, so the whole takes
 * a little longer than without; browsers round the times (Chrome to 65 µs).
 */

/** Queries of one set: the most that WebGPU allows. */
const QUERIES = 4096;
const BYTES = 8;
const USAGE_RESOLVE = 0x0200 | 0x0004; // QUERY_RESOLVE | COPY_SRC
const USAGE_STAGING = 0x0001 | 0x0008; // MAP_READ | COPY_DST
const MAP_READ = 0x01;

interface TimedSet {
  readonly querySet: GPUQuerySet;
  /** Of each dispatch, in order; two queries each. */
  readonly names: string[];
}

export class Profiler {
  private readonly gpu: GPUDevice;
  private sets: TimedSet[] = [];

  /** null where the device has no timestamps. */
  static of(gpu: GPUDevice): Profiler | null {
    return gpu.features.has("timestamp-query") ? new Profiler(gpu) : null;
  }

  private constructor(gpu: GPUDevice) {
    this.gpu = gpu;
  }

  /** For the pass of one dispatch. */
  time(name: string): GPUComputePassTimestampWrites {
    let set = this.sets.at(-1);
    if (!set || 2 * set.names.length >= QUERIES) {
      set = { querySet: this.gpu.createQuerySet({ type: "timestamp", count: QUERIES }), names: [] };
      this.sets.push(set);
    }
    const begin = 2 * set.names.length;
    set.names.push(name);
    return { querySet: set.querySet, beginningOfPassWriteIndex: begin, endOfPassWriteIndex: begin + 1 };
  }

  /** Seconds by name of all that ran since the last call, the longest first. A GPU→CPU wait. */
  async collect(): Promise<Map<string, number>> {
    const seconds = new Map<string, number>();
    for (const { querySet, names } of this.sets) {
      const times = await this.read(querySet, 2 * names.length);
      for (const [i, name] of names.entries()) {
        const nanoseconds = Number(times[2 * i + 1]! - times[2 * i]!);
        seconds.set(name, (seconds.get(name) ?? 0) + nanoseconds / 1e9);
      }
      querySet.destroy();
    }
    this.sets = [];
    return new Map([...seconds].sort(([, a], [, b]) => b - a));
  }

  private async read(querySet: GPUQuerySet, count: number): Promise<BigUint64Array> {
    const size = count * BYTES;
    const resolved = this.gpu.createBuffer({ size, usage: USAGE_RESOLVE, label: "timestamps" });
    const staging = this.gpu.createBuffer({ size, usage: USAGE_STAGING, label: "timestamps" });
    const encoder = this.gpu.createCommandEncoder();
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    this.gpu.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_READ);
    const times = new BigUint64Array(staging.getMappedRange().slice(0));
    for (const buffer of [resolved, staging]) buffer.destroy();
    return times;
  }
}
