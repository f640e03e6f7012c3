/** Files → adapter, from every layout that is known: the names of the files decide which one it is. */

import type { ModelSource } from "../core/bytes.ts";
import type { Adapter } from "./adapter.ts";
import { importSafetensors } from "./import-safetensors.ts";

export interface ImportOptions {
  /** Also with values that are not finite, for those who want to look at them. */
  readonly evenBroken?: boolean;
}

/**
 * Reads an adapter into f32 factors: MLX's or PEFT's folder.
 * @throws FormatError or ModelError listing everything that is wrong with it.
 */
export async function importAdapter(source: ModelSource, { evenBroken = false }: ImportOptions = {}): Promise<Adapter> {
  return importSafetensors(source, evenBroken);
}
