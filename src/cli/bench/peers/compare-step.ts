/** The same training step in the engine and in jax-js: losses first, and only where they agree the times. */
import { fetchFloats } from "../../../gpu/device.ts";
import { Program } from "../../../gpu/program.ts";
import type { WebGpuDevice } from "../../../gpu/webgpu.ts";
import { openStep, type StepSize } from "../step-run.ts";
import type { CompareOptions } from "./compare-products.ts";
import type { JaxLibrary } from "./jax.ts";
import { openJaxStep } from "./jax-step.ts";
import type { Counted, Meter } from "./meter.ts";
import { Patience, withNap } from "./patience.ts";

export interface StepSide {
  /** Best of all rounds. */
  readonly tokensPerSecond: number;
  /** Seconds of the first step, which compiles. */
  readonly coldSeconds: number;
  readonly dispatches: number;
  readonly submits: number;
  readonly peakBytes: number;
  readonly losses: readonly number[];
}

export interface StepComparison {
  readonly ours: StepSide;
  readonly theirs: StepSide;
  /** Largest difference of a loss. */
  readonly apart: number;
  /** Our tokens/s over theirs; null where the losses differ: then it is another step. */
  readonly ratio: number | null;
}

/** f32 in another order; AdamW makes much of small differences. */
export const LOSS_TOLERANCE = 2e-4;

export async function compareStep(
  device: WebGpuDevice,
  library: JaxLibrary,
  meter: Meter,
  size: StepSize,
  { rounds, signal, onProgress }: CompareOptions,
): Promise<StepComparison> {
  const run = await openStep(device, size);
  const parameters = await fetchFloats(device, new Program(), run.lora.parameters);
  const jax = openJaxStep(library.jax, size, run, parameters);
  const naps = device.gpu.adapterInfo.isFallbackAdapter;
  const ours = new Side(() => run.step(), meter, false);
  const theirs = new Side(() => jax.step(), meter, naps);
  try {
    onProgress("training step: compiling ours");
    await ours.step();
    await telling(meter, onProgress, () => theirs.step());
    // Besides the cold one, a first warm one each that does not count: caches fill, naps are learned.
    for (let round = 0; round <= rounds; round++) {
      onProgress(`training step: round ${round} of ${rounds}`);
      for (const side of [ours, theirs]) {
        signal.throwIfAborted();
        await side.step();
      }
    }
  } finally {
    jax.free();
  }
  const tokens = size.rows * size.tokens;
  return compared(ours.result(tokens, device.memory.peak), theirs.result(tokens, meter.peakBytes(library.gpu)));
}

/** Puts two sides together. */
export function compared(ours: StepSide, theirs: StepSide): StepComparison {
  const apart = Math.max(...ours.losses.map((loss, i) => Math.abs(loss - (theirs.losses[i] ?? Number.NaN))));
  const agree = apart <= LOSS_TOLERANCE;
  return { ours, theirs, apart, ratio: agree ? ours.tokensPerSecond / theirs.tokensPerSecond : null };
}

const TELL_EVERY = 10_000;

/** Tells how far the compiling of jax-js is: on a software adapter it takes minutes. */
async function telling(meter: Meter, onProgress: (what: string) => void, work: () => Promise<void>): Promise<void> {
  const before = meter.counted.pipelines;
  onProgress("training step: jax-js compiles, which takes minutes on a software adapter");
  const tell = () => onProgress(`training step: jax-js has compiled ${meter.counted.pipelines - before} kernels`);
  const timer = setInterval(tell, TELL_EVERY);
  try {
    await work();
  } finally {
    clearInterval(timer);
    tell();
  }
}

class Side {
  private readonly losses: number[] = [];
  private readonly seconds: number[] = [];
  private readonly work: () => Promise<number>;
  private readonly meter: Meter;
  private readonly patience: Patience | null;
  private last: Omit<Counted, "pipelines"> = { dispatches: 0, submits: 0 };

  constructor(work: () => Promise<number>, meter: Meter, naps: boolean) {
    this.work = work;
    this.meter = meter;
    this.patience = naps ? new Patience() : null;
  }

  async step(): Promise<void> {
    const before = { ...this.meter.counted };
    const start = performance.now();
    this.losses.push(await withNap(this.patience?.nap ?? 0, this.work));
    const seconds = (performance.now() - start) / 1000;
    const { dispatches, submits } = this.meter.counted;
    this.last = { dispatches: dispatches - before.dispatches, submits: submits - before.submits };
    // The first one compiled.
    if (this.seconds.length > 0) this.patience?.learn(seconds);
    this.seconds.push(seconds);
  }

  result(tokens: number, peakBytes: number): StepSide {
    const [cold, , ...timed] = this.seconds as [number, ...number[]];
    const tokensPerSecond = tokens / Math.min(...timed);
    return { tokensPerSecond, coldSeconds: cold, ...this.last, peakBytes, losses: this.losses };
  }
}
