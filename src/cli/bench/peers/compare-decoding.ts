/** The same greedy answer in the engine and in transformers.js: logits and tokens first, and only where they agree the times. */
import { relativeDifference } from "../../../core/difference.ts";
import { deviceError } from "../../../core/errors.ts";
import { Random } from "../../../core/random.ts";
import type { ModelConfig } from "../../../formats/model-config.ts";
import type { WebGpuDevice } from "../../../gpu/webgpu.ts";
import { freeWeights } from "../../../models/load.ts";
import { buildModel } from "../../../models/registry.ts";
import { generate } from "../../../train/generate.ts";
import { computeLogits } from "../../../train/logits.ts";
import { WARM_UP } from "../decoding.ts";
import { placeRandom } from "../step-run.ts";
import type { CompareOptions } from "./compare-products.ts";
import { checkSameAdapter } from "./library.ts";
import type { Meter } from "./meter.ts";
import type { DecoderInput, DecoderLibrary, PeerDecoder } from "./transformers-js.ts";

export interface DecodingSize {
  readonly model: ModelConfig;
  /** Tokens before the answer. */
  readonly prompt: number;
  /** Tokens of the answer that are timed. */
  readonly tokens: number;
}

export interface DecodingSide {
  /** Best of all rounds. */
  readonly tokensPerSecond: number;
  readonly dispatchesPerToken: number;
  readonly submitsPerToken: number;
  readonly tokens: readonly number[];
}

export interface DecodingComparison {
  readonly ours: DecodingSide;
  readonly theirs: DecodingSide;
  /** Relative L2 between the logits of the prompt and our answer. */
  readonly apart: number;
  /** The same with subgroups, where it was too much and theirs therefore runs on a device without them; else null. */
  readonly apartWithSubgroups: number | null;
  /** Index of the first token that differs; null where none does. */
  readonly differsAt: number | null;
  /** Our tokens/s over theirs; null where logits or tokens differ: then it is another model, or a wrong one. */
  readonly ratio: number | null;
}

/** f32 in another order is a hundred times nearer. */
export const LOGIT_TOLERANCE = 1e-4;

export async function compareDecoding(
  device: WebGpuDevice,
  library: DecoderLibrary,
  meter: Meter,
  size: DecodingSize,
  { rounds, signal, onProgress }: CompareOptions,
): Promise<DecodingComparison> {
  // As the engine's own bench of decoding has them.
  const random = new Random(1);
  const model = buildModel(size.model, "bench");
  const weights = placeRandom(device, model.tree, random);
  const prompt = Array.from({ length: size.prompt }, () => random.below(size.model.vocab_size));
  const options = { maxTokens: WARM_UP + size.tokens, temperature: 0, seed: 0, stopIds: new Set<number>() };
  const ours = new Side(meter, async (onToken) => {
    const answer: number[] = [];
    for await (const token of generate(device, model, prompt, { ...options, signal })) {
      answer.push(token);
      onToken();
    }
    return answer;
  });
  try {
    const ids = [...prompt, ...(await ours.answer())];
    const logits = await computeLogits(device, model, { ...positionsOf(ids), input_ids: Uint32Array.from(ids) });
    onProgress("decoding: transformers.js compiles, which takes minutes the first time on a software adapter");
    const checked = await openChecked(library, { model: size.model, weights, gpu: null }, ids, logits);
    const { decoder, ...agreement } = checked;
    try {
      checkSameAdapter(library.name, decoder.gpu, device.gpu);
      const theirs = new Side(meter, (onToken) => decoder.generate(prompt, options.maxTokens, onToken));
      // Besides the checked answer of ours, a first one each that does not count: caches fill, naps are learned.
      for (let round = 0; round <= rounds; round++) {
        onProgress(`decoding: round ${round} of ${rounds}`);
        for (const side of [ours, theirs]) {
          signal.throwIfAborted();
          await side.race(round > 0);
        }
      }
      return compared(ours.result(), theirs.result(), agreement);
    } finally {
      await decoder.close();
    }
  } finally {
    freeWeights(model, device);
  }
}

type Agreement = Pick<DecodingComparison, "apart" | "apartWithSubgroups">;

/** Puts two sides together. Throws DeviceError where theirs was not the GPU's work. */
export function compared(ours: DecodingSide, theirs: DecodingSide, agreement: Agreement): DecodingComparison {
  if (theirs.dispatchesPerToken === 0) throw deviceError("transformers.js did not compute on the GPU");
  const length = Math.max(ours.tokens.length, theirs.tokens.length);
  const differing = Array.from({ length }, (_, i) => i).find((i) => ours.tokens[i] !== theirs.tokens[i]);
  const agree = differing === undefined && agreement.apart < LOGIT_TOLERANCE;
  const ratio = agree ? ours.tokensPerSecond / theirs.tokensPerSecond : null;
  return { ours, theirs, ...agreement, differsAt: differing ?? null, ratio };
}

/**
 * As the library opens by itself, and where its logits are wrong then, on a device without subgroups: the attention of
 * onnxruntime-web 1.31 leaves keys out where a subgroup has fewer than 16 lanes, as on software adapters.
 */
async function openChecked(
  library: DecoderLibrary,
  input: DecoderInput,
  ids: readonly number[],
  logits: Float32Array,
): Promise<Agreement & { readonly decoder: PeerDecoder }> {
  const open = async (gpu: GPUDevice | null) => {
    const decoder = await library.open({ ...input, gpu });
    try {
      return { decoder, apart: relativeDifference(await decoder.logits(ids), logits) };
    } catch (cause) {
      await decoder.close();
      throw cause;
    }
  };
  const first = await open(null);
  if (first.apart < LOGIT_TOLERANCE || !first.decoder.gpu.features.has("subgroups")) {
    return { ...first, apartWithSubgroups: null };
  }
  await first.decoder.close();
  return { ...(await open(await openPlain())), apartWithSubgroups: first.apart };
}

/** A device of the same adapter with all that it offers but subgroups. */
async function openPlain(): Promise<GPUDevice> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw deviceError("no WebGPU adapter");
  const requiredFeatures = [...adapter.features].filter((name) => !name.includes("subgroup")) as GPUFeatureName[];
  const limits = Object.keys(Object.getPrototypeOf(adapter.limits)) as (keyof GPUSupportedLimits)[];
  const requiredLimits = Object.fromEntries(limits.map((name) => [name, adapter.limits[name] as number]));
  return adapter.requestDevice({ requiredFeatures, requiredLimits });
}

const positionsOf = (ids: readonly number[]) => ({
  positions: Uint32Array.from(ids, (_, i) => i),
  starts: new Uint32Array(ids.length),
});

/** One of the two, timed from the end of its warm-up to its last token. */
class Side {
  private tokens: readonly number[] = [];
  private best = Number.POSITIVE_INFINITY;
  private last = { dispatches: 0, submits: 0 };
  private readonly meter: Meter;
  private readonly make: (onToken: () => void) => Promise<number[]>;

  constructor(meter: Meter, make: (onToken: () => void) => Promise<number[]>) {
    this.meter = meter;
    this.make = make;
  }

  async answer(): Promise<readonly number[]> {
    this.tokens = await this.make(() => {});
    return this.tokens;
  }

  async race(counts: boolean): Promise<void> {
    let [made, start, end] = [0, 0, 0];
    let before = { ...this.meter.counted };
    let after = before;
    this.tokens = await this.make(() => {
      made += 1;
      end = performance.now();
      after = { ...this.meter.counted };
      if (made === WARM_UP) [start, before] = [end, after];
    });
    const timed = made - WARM_UP;
    this.last = {
      dispatches: (after.dispatches - before.dispatches) / timed,
      submits: (after.submits - before.submits) / timed,
    };
    if (counts) this.best = Math.min(this.best, (end - start) / 1000 / timed);
  }

  result(): DecodingSide {
    const { dispatches, submits } = this.last;
    return {
      ...{ tokensPerSecond: 1 / this.best, dispatchesPerToken: dispatches, submitsPerToken: submits },
      tokens: this.tokens,
    };
  }
}
