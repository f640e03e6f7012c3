/** Compares with every system that was asked for; one that is missing or fails is told, and the others go on. */
import { LorikeetError } from "../../../core/errors.ts";
import type { WebGpuDevice } from "../../../gpu/webgpu.ts";
import { PROMPT } from "../decoding.ts";
import { STEP, STEP_MODEL } from "../training-step.ts";
import { compareDecoding, type DecodingComparison } from "./compare-decoding.ts";
import { compareMlx, type MlxComparison, type MlxInput } from "./compare-mlx.ts";
import { type CompareOptions, compareProducts } from "./compare-products.ts";
import { compareStep, type StepComparison } from "./compare-step.ts";
import { openJax } from "./jax.ts";
import { checkSameAdapter, type Library, offerGpu } from "./library.ts";
import { type Meter, putMeterOn } from "./meter.ts";
import type { PeerName } from "./names.ts";
import { productSizes } from "./product-sizes.ts";
import { type ProductSummary, summarize } from "./summary.ts";
import { openTfjs } from "./tfjs.ts";
import { openTransformers } from "./transformers-js.ts";

/** Tokens of the answers to time. */
const DECODED = 32;

export interface PeersResult {
  readonly device: string;
  readonly libraries: readonly { readonly name: string; readonly version: string }[];
  readonly problems: readonly { readonly peer: string; readonly message: string; readonly hint?: string }[];
  readonly products: ProductSummary | null;
  readonly step: StepComparison | null;
  readonly decoding: DecodingComparison | null;
  readonly mlx: MlxComparison | null;
}

export interface PeersOptions extends CompareOptions {
  readonly peers: readonly PeerName[];
  readonly tokens: readonly number[];
  /** Training steps to time, or updates in a window of mlx-lm. */
  readonly steps: number;
  /** Loads the model that mlx-lm is compared on. */
  openMlxInput(): Promise<Omit<MlxInput, "window">>;
}

/** `gpu`: where the libraries find the adapter that `device` is on. */
export async function runPeers(gpu: GPU, device: WebGpuDevice, options: PeersOptions): Promise<PeersResult> {
  const { peers, tokens, steps, signal, onProgress } = options;
  const libraries: Library[] = [];
  const named: { name: string; version: string }[] = [];
  const name = <L extends { readonly name: string; readonly version: string }>(library: L): L => {
    named.push({ name: library.name, version: library.version });
    return library;
  };
  const problems: { peer: string; message: string; hint?: string }[] = [];
  const attempt = async <T>(peer: PeerName, work: () => Promise<T>): Promise<T | null> => {
    if (!peers.includes(peer)) return null;
    try {
      return await work();
    } catch (cause) {
      signal.throwIfAborted();
      const hint = cause instanceof LorikeetError ? cause.hint : undefined;
      const problem = {
        peer,
        message: cause instanceof Error ? cause.message : String(cause),
        ...(hint ? { hint } : {}),
      };
      problems.push(problem);
      onProgress(`${peer}: ${problem.message}`);
      return null;
    }
  };
  const open = async <L extends Library>(library: L): Promise<L> => {
    checkSameAdapter(library.name, library.gpu, device.gpu);
    libraries.push(library);
    return name(library);
  };

  offerGpu(gpu);
  const meter: Meter = putMeterOn();
  try {
    const jax = await attempt("jax-js", async () => open(await openJax()));
    await attempt("tfjs", async () => open(await openTfjs()));
    // The step first: its peak of memory is then its own.
    const step =
      jax && (await attempt("jax-js", () => compareStep(device, jax, meter, STEP, { ...options, rounds: steps })));
    const products =
      libraries.length === 0
        ? null
        : summarize(await compareProducts(device, libraries, productSizes(tokens), options));
    const transformers = await attempt("transformers.js", async () => name(await openTransformers()));
    const size = { model: STEP_MODEL, prompt: PROMPT, tokens: DECODED };
    const decoding =
      transformers &&
      (await attempt("transformers.js", () => compareDecoding(device, transformers, meter, size, options)));
    const mlx = await attempt("mlx", async () =>
      compareMlx({ ...(await options.openMlxInput()), window: steps }, options),
    );
    return { device: device.name, libraries: named, problems, products, step, decoding, mlx };
  } finally {
    meter.remove();
  }
}
