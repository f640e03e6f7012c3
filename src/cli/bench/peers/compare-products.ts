/** The same products in the engine and in each library, checked first, then timed in turns. */
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
  /** By library; a problem where its result was wrong, and it was not timed. */
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
  const theirs: Record<string, { seconds: number } | { problem: string }> = {};
  const own = ownProduct(device, input);
  const opened: Product[] = [own];
  try {
    // All that is compiled is compiled here.
    const result = await own.result();
    const wrong = entryProblem(input, result);
    if (wrong) throw new Error(`the engine's own ${layout} product is wrong: ${wrong}`);
    const naps = device.gpu.adapterInfo.isFallbackAdapter;
    // The engine takes its own naps.
    const racers = [new Racer("", own, false)];
    for (const library of libraries) {
      const product = library.product(input);
      opened.push(product);
      const values = await product.result();
      const problem = entryProblem(input, values) ?? resultProblem(values, result);
      if (problem) theirs[library.name] = { problem };
      else racers.push(new Racer(library.name, product, naps));
    }
    const count = await countFor(own);
    for (const racer of racers) await racer.run(count, false);
    // In turns, so that a slow moment of the machine hits all alike.
    for (let round = 0; round < rounds; round++) {
      for (const racer of racers) {
        signal.throwIfAborted();
        await racer.run(count, true);
      }
    }
    for (const { name, best } of racers.slice(1)) theirs[name] = { seconds: best / count };
    return { ...size, layout, ours: racers[0]!.best / count, theirs };
  } finally {
    for (const product of opened) product.free();
  }
}

/** Products of one timing, from how long the engine takes. */
async function countFor(product: Product): Promise<number> {
  let count = 1;
  for (;;) {
    const start = performance.now();
    await product.run(count);
    const missing = (1000 * SECONDS_PER_TIMING) / (performance.now() - start);
    if (missing <= 1.5 || count === MOST_PRODUCTS) return count;
    count = Math.min(MOST_PRODUCTS, Math.ceil(count * missing));
  }
}

class Racer {
  readonly name: string;
  /** Seconds of the fastest run that counted. */
  best = Number.POSITIVE_INFINITY;
  private readonly product: Product;
  private readonly patience: Patience | null;

  constructor(name: string, product: Product, naps: boolean) {
    this.name = name;
    this.product = product;
    this.patience = naps ? new Patience() : null;
  }

  async run(count: number, counts: boolean): Promise<void> {
    const start = performance.now();
    await withNap(this.patience?.nap ?? 0, () => this.product.run(count));
    const seconds = (performance.now() - start) / 1000;
    this.patience?.learn(seconds);
    if (counts) this.best = Math.min(this.best, seconds);
  }
}
