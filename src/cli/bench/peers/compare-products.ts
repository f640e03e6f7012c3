/** The same products in the engine and in each library, checked first, then timed in turns. */
import { deviceError } from "../../../core/errors.ts";
import type { WebGpuDevice } from "../../../gpu/webgpu.ts";
import type { GemmSize } from "../gemm.ts";
import { entryProblem, resultProblem } from "./check-product.ts";
import type { Library, Product } from "./library.ts";
import { ownProduct } from "./own.ts";
import { Patience, withNap } from "./patience.ts";
import { inputOf, LAYOUTS, type Layout, type Operands, randomOperands } from "./product-sizes.ts";

export interface ProductCase extends GemmSize {
  readonly layout: Layout;
  /** Seconds of one product, the best of all rounds. */
  readonly ours: number;
  /** By library; a problem where its result was wrong or it failed. */
  readonly theirs: Readonly<Record<string, { readonly seconds: number } | { readonly problem: string }>>;
}

export interface CompareOptions {
  readonly rounds: number;
  readonly signal: AbortSignal;
  onProgress(what: string): void;
}

/** Long enough that a submit's own cost does not count. */
const SECONDS_PER_TIMING = 0.05;
const MOST_PRODUCTS = 4096;
const SETTLING_RUNS = 16;
/** Of the best time so far: less is still getting faster. */
const FASTER = 0.9;

export async function compareProducts(
  device: WebGpuDevice,
  libraries: readonly Library[],
  sizes: readonly GemmSize[],
  options: CompareOptions,
): Promise<ProductCase[]> {
  const cases: ProductCase[] = [];
  for (const size of sizes) {
    const operands = randomOperands(size);
    for (const layout of LAYOUTS) {
      options.signal.throwIfAborted();
      options.onProgress(`products ${size.tokens} × ${size.in} × ${size.out} ${layout}`);
      cases.push(await compareOne(device, libraries, size, layout, operands, options));
    }
  }
  return cases;
}

async function compareOne(
  device: WebGpuDevice,
  libraries: readonly Library[],
  size: GemmSize,
  layout: Layout,
  operands: Operands,
  { rounds, signal }: CompareOptions,
): Promise<ProductCase> {
  const input = inputOf(layout, operands);
  const own = ownProduct(device, input);
  const opened: Product[] = [own];
  const theirs: Record<string, { seconds: number } | { problem: string }> = {};
  const naps = device.gpu.adapterInfo.isFallbackAdapter;
  // The engine takes its own naps.
  const ours = new Racer(own, false);
  const others = new Map<string, Racer>();

  /** A library that fails is out of this case, and the others go on. */
  const attempt = async (name: string, work: () => Promise<void>) => {
    signal.throwIfAborted();
    try {
      await work();
    } catch (cause) {
      theirs[name] = { problem: cause instanceof Error ? cause.message : String(cause) };
      others.delete(name);
    }
  };
  const race = async (count: number, counts: boolean) => {
    await ours.run(count, counts);
    for (const [name, racer] of others) await attempt(name, () => racer.run(count, counts));
  };

  try {
    // All that is compiled is compiled here.
    const result = await own.result();
    const wrong = entryProblem(input, result);
    if (wrong) throw deviceError(`the engine's own ${layout} product is wrong: ${wrong}`);
    for (const { name, product } of libraries) {
      await attempt(name, async () => {
        const theirOwn = product(input);
        opened.push(theirOwn);
        const values = await theirOwn.result();
        const problem = entryProblem(input, values) ?? resultProblem(values, result);
        if (problem) theirs[name] = { problem };
        else others.set(name, new Racer(theirOwn, naps));
      });
    }
    const count = await countFor(own);
    await race(count, false);
    // In turns, so that a slow moment of the machine hits all alike.
    for (let round = 0; round < rounds; round++) await race(count, true);
  } finally {
    for (const product of opened) product.free();
  }
  for (const [name, { best }] of others) theirs[name] = { seconds: best };
  return { ...size, layout, ours: ours.best, theirs };
}

/**
 * Products of one timing, from how long the engine takes. It is run until it gets no faster: where the device sleeps through
 * the expected time, its estimate needs some runs to come down to these products.
 */
async function countFor(product: Product): Promise<number> {
  let count = 1;
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < SETTLING_RUNS; run++) {
    const start = performance.now();
    await product.run(count);
    const seconds = (performance.now() - start) / 1000;
    const one = seconds / count;
    if (one > FASTER * best && 1.5 * seconds > SECONDS_PER_TIMING) break;
    best = Math.min(best, one);
    count = Math.min(MOST_PRODUCTS, Math.max(1, Math.ceil(SECONDS_PER_TIMING / best)));
  }
  return count;
}

class Racer {
  /** Seconds of one product in the fastest run that counted. */
  best = Number.POSITIVE_INFINITY;
  private readonly product: Product;
  private readonly patience: Patience | null;

  constructor(product: Product, naps: boolean) {
    this.product = product;
    this.patience = naps ? new Patience() : null;
  }

  async run(count: number, counts: boolean): Promise<void> {
    const start = performance.now();
    await withNap(this.patience?.nap ?? 0, () => this.product.run(count));
    const seconds = (performance.now() - start) / 1000;
    this.patience?.learn(seconds);
    if (counts) this.best = Math.min(this.best, seconds / count);
  }
}
