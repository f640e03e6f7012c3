/** The same products in the engine and in each library, checked first, then timed in turns. */
import { deviceError } from "../../../core/errors.ts";
import type { WebGpuDevice } from "../../../gpu/webgpu.ts";
import type { GemmSize } from "../gemm.ts";
import { entryProblem, resultProblem } from "./check-product.ts";
import type { Library, Product, ProductInput } from "./library.ts";
import { ownProduct } from "./own.ts";
import { Patience, withNap } from "./patience.ts";
import { inputOf, LAYOUTS, type Layout, randomOperands } from "./product-sizes.ts";

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
  { rounds, signal, onProgress }: CompareOptions,
): Promise<ProductCase[]> {
  const cases: ProductCase[] = [];
  for (const size of sizes) {
    const operands = randomOperands(size);
    const heats: Heat[] = [];
    try {
      for (const layout of LAYOUTS) {
        onProgress(`products ${size.tokens} × ${size.in} × ${size.out} ${layout}`);
        const heat = new Heat(device, inputOf(layout, operands), signal);
        heats.push(heat);
        await heat.prepare(libraries, layout);
      }
      // In turns, so that a slow moment of the machine hits all libraries and layouts alike.
      for (let round = 0; round < rounds; round++) for (const heat of heats) await heat.race(true);
    } finally {
      for (const heat of heats) heat.free();
    }
    cases.push(...heats.map((heat, i) => ({ ...size, layout: LAYOUTS[i]!, ...heat.times })));
  }
  return cases;
}

/** One product in the engine and in all libraries that do it rightly. */
class Heat {
  private readonly device: WebGpuDevice;
  private readonly input: ProductInput;
  private readonly signal: AbortSignal;
  private readonly own: Product;
  private readonly opened: Product[];
  private readonly ours: Racer;
  private readonly others = new Map<string, Racer>();
  private readonly problems: Record<string, { problem: string }> = {};
  private count = 1;

  constructor(device: WebGpuDevice, input: ProductInput, signal: AbortSignal) {
    this.device = device;
    this.input = input;
    this.signal = signal;
    this.own = ownProduct(device, input);
    this.opened = [this.own];
    // The engine takes its own naps.
    this.ours = new Racer(this.own, false);
  }

  /** Compiles and checks; then all have run once as they will be timed. */
  async prepare(libraries: readonly Library[], layout: Layout): Promise<void> {
    const result = await this.own.result();
    const wrong = entryProblem(this.input, result);
    if (wrong) throw deviceError(`the engine's own ${layout} product is wrong: ${wrong}`);
    for (const { name, product } of libraries) {
      await this.attempt(name, async () => {
        const theirs = product(this.input);
        this.opened.push(theirs);
        const values = await theirs.result();
        const problem = entryProblem(this.input, values) ?? resultProblem(values, result);
        if (problem) this.problems[name] = { problem };
        else this.others.set(name, new Racer(theirs, this.device.gpu.adapterInfo.isFallbackAdapter));
      });
    }
    this.count = await countFor(this.own);
    await this.race(false);
  }

  async race(counts: boolean): Promise<void> {
    await this.ours.run(this.count, counts);
    for (const [name, racer] of this.others) await this.attempt(name, () => racer.run(this.count, counts));
  }

  get times(): Pick<ProductCase, "ours" | "theirs"> {
    const seconds = [...this.others].map(([name, { best }]) => [name, { seconds: best }] as const);
    return { ours: this.ours.best, theirs: { ...this.problems, ...Object.fromEntries(seconds) } };
  }

  free(): void {
    for (const product of this.opened) product.free();
  }

  /** A library that fails is out of this heat, and the others go on. */
  private async attempt(name: string, work: () => Promise<void>): Promise<void> {
    this.signal.throwIfAborted();
    try {
      await work();
    } catch (cause) {
      this.problems[name] = { problem: cause instanceof Error ? cause.message : String(cause) };
      this.others.delete(name);
    }
  }
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
