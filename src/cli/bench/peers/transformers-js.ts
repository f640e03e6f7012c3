/** transformers.js with WebGPU: its own loop of generation, on a model that is written to disk for it. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Tensor } from "@huggingface/transformers";
import type { InferenceSession } from "onnxruntime-web/webgpu";
import type { ModelConfig } from "../../../formats/model-config.ts";
import type { RandomWeight } from "../step-run.ts";
import { loadPackages } from "./library.ts";
import { onnxConfig, onnxModel, presentNames } from "./onnx-model.ts";
import { copySharedWrites, loadOrt, type Ort, ortForNode } from "./ort-web.ts";

export interface DecoderInput {
  readonly model: ModelConfig;
  readonly weights: ReadonlyMap<string, RandomWeight>;
  /** null: as the library opens it by itself. */
  readonly gpu: GPUDevice | null;
}

export interface PeerDecoder {
  readonly gpu: GPUDevice;
  /** Greedy; `onToken` is called as each of them comes. */
  generate(prompt: readonly number[], count: number, onToken: () => void): Promise<number[]>;
  /** [N, V] of all ids in one pass. */
  logits(ids: readonly number[]): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface DecoderLibrary {
  readonly name: string;
  readonly version: string;
  open(input: DecoderInput): Promise<PeerDecoder>;
}

type Transformers = typeof import("@huggingface/transformers");

/** Where transformers.js looks for a runtime of the host's. */
const RUNTIME = Symbol.for("onnxruntime");
const NAME = "bench";

/** `navigator.gpu` must be there before: see `offerGpu`. Throws ConfigError where a package is missing. */
export async function openTransformers(): Promise<DecoderLibrary> {
  const ort = await loadOrt();
  // Before its import, which looks once.
  Object.assign(globalThis, { [RUNTIME]: ortForNode(ort) });
  const transformers = await loadPackages(["@huggingface/transformers"], () => import("@huggingface/transformers"));
  const { env } = transformers;
  Object.assign(env, { allowRemoteModels: false, useFSCache: false });
  return {
    name: "transformers.js",
    version: `${env.version} (onnxruntime-web ${ort.env.versions.web})`,
    open: (input) => openDecoder(transformers, ort, input),
  };
}

async function openDecoder(
  { env, AutoModelForCausalLM, Tensor }: Transformers,
  ort: Ort,
  { model: config, weights, gpu }: DecoderInput,
): Promise<PeerDecoder> {
  const folder = await mkdtemp(path.join(tmpdir(), "lorikeet-onnx-"));
  const restore = copySharedWrites();
  try {
    await mkdir(path.join(folder, NAME, "onnx"), { recursive: true });
    await writeFile(path.join(folder, NAME, "onnx", "model.onnx"), await onnxModel(config, weights));
    await writeFile(path.join(folder, NAME, "config.json"), JSON.stringify(onnxConfig(config)));
    env.localModelPath = folder;
    const model = await AutoModelForCausalLM.from_pretrained(NAME, {
      dtype: "fp32",
      // It knows no device of a runtime that is given to it; these are the options that it makes of "webgpu".
      device: "auto",
      session_options: {
        executionProviders: [gpu ? { name: "webgpu", device: gpu } : "webgpu"],
        preferredOutputLocation: Object.fromEntries(presentNames(config).map((name) => [name, "gpu-buffer"])),
      } as InferenceSession.SessionOptions,
    });
    const row = (ids: readonly number[]) => new Tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]);
    return {
      gpu: gpu ?? ((await ort.env.webgpu.device) as GPUDevice),
      async generate(prompt, count, onToken) {
        let put = 0;
        // The prompt is put first.
        const streamer = { put: () => void (put++ > 0 && onToken()), end: () => {} };
        const options: object = { inputs: row(prompt), max_new_tokens: count, do_sample: false, streamer };
        const ids = (await model.generate(options as Parameters<typeof model.generate>[0])) as Tensor;
        return Array.from(ids.data as BigInt64Array, Number).slice(prompt.length);
      },
      async logits(ids) {
        const inputs = { input_ids: row(ids), attention_mask: row(ids.map(() => 1)) };
        const { logits, ...cache } = (await model.forward(inputs)) as { logits: Tensor; [name: string]: Tensor };
        for (const one of Object.values(cache)) one.dispose();
        return logits.data as Float32Array;
      },
      async close() {
        await model.dispose();
        restore();
      },
    };
  } catch (cause) {
    restore();
    throw cause;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
