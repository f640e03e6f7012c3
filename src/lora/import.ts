/** Files → adapter, from every layout that is known: the names of the files decide which one it is. */

import type { ModelSource } from "../core/bytes.ts";
import { modelError } from "../core/errors.ts";
import type { GgufBase } from "../formats/gguf-base.ts";
import type { Adapter } from "./adapter.ts";
import { importGguf } from "./import-gguf.ts";
import { importSafetensors, TENSOR_FILES } from "./import-safetensors.ts";

export interface ImportOptions {
  /** Also with values that are not finite, for those who want to look at them. */
  readonly evenBroken?: boolean;
  /** The model it was trained on; asked for GGUF alone, where llama.cpp reorders rows by heads. */
  base?(): Promise<GgufBase>;
}

/**
 * Reads an adapter into f32 factors: MLX's folder or PEFT's, or else the GGUF file in the folder. Where llama.cpp's
 * converter has put its file beside PEFT's, PEFT's is read.
 * @throws FormatError or ModelError listing everything that is wrong with it.
 */
export async function importAdapter(source: ModelSource, options: ImportOptions = {}): Promise<Adapter> {
  const { evenBroken = false } = options;
  const found = await Promise.all(TENSOR_FILES.map((path) => source.open(path)));
  const gguf = found.some((file) => file !== null)
    ? []
    : (await source.list()).filter((path) => path.endsWith(".gguf"));
  if (gguf.length === 0) return importSafetensors(source, evenBroken);
  if (gguf.length > 1) {
    throw modelError(
      `${source.label}: expected one adapter, found ${gguf.join(", ")}`,
      "Keep one of them in this folder.",
    );
  }
  return importGguf((await source.open(gguf[0]!))!, { evenBroken, base: await options.base?.() });
}
