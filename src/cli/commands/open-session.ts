/** What every command with a model begins with: find it, open the GPU, load the weights, put an adapter on. */
import type { ModelSource } from "../../core/bytes.ts";
import { formatBytes } from "../../core/units.ts";
import { summed } from "../../lora/combine.ts";
import { checkAdapterFits } from "../../lora/fits.ts";
import { linearShapes } from "../../lora/targets.ts";
import { TrainingSession } from "../../train/session.ts";
import type { Io } from "../io.ts";
import { findModel } from "../node/model-place.ts";
import { readWeighted } from "../node/weighted-adapters.ts";
import type { Output } from "../progress.ts";

export interface OpenSession {
  readonly session: TrainingSession;
  readonly source: ModelSource;
  /** As other tools find the model. */
  readonly name: string;
}

export interface SessionPlaces {
  readonly model: string;
  readonly adapterPath?: readonly string[] | undefined;
  /** Bits for each weight of the base. */
  readonly quantize?: "4" | "8" | undefined;
  /** A training step follows. */
  readonly training?: boolean;
}

export async function openSession(
  io: Io,
  { model, adapterPath = [], quantize, training = false }: SessionPlaces,
  signal?: AbortSignal,
): Promise<OpenSession> {
  const { source, name, onHub } = await findModel(model);
  // Before the model: a wrong path should not cost a download.
  const adapters = await readWeighted(adapterPath, model);
  if (onHub) io.err.write(`${name}: no folder of this name here, so from the Hub\n`);
  const session = new TrainingSession(await io.openDevice());
  const meter = createMeter(io.err, onHub ? `downloading ${name}` : `loading ${name}`);
  try {
    const affine = quantize ? ({ bits: quantize === "4" ? 4 : 8, group: 64 } as const) : null;
    await session.load(source, { onProgress: meter.show, training, quantize: affine, ...(signal ? { signal } : {}) });
  } finally {
    meter.clear();
  }
  if (adapters.length > 0) {
    const linears = linearShapes(session.model.tree);
    for (const { name, adapter } of adapters) {
      checkAdapterFits(adapter, linears, adapters.length > 1 ? name : undefined);
    }
    session.setAdapter(summed(adapters));
  }
  return { session, source, name };
}

/** Bytes done, on a terminal only; gone when finished. */
export function createMeter(output: Output, what: string) {
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show(done: number, total: number) {
      if (!output.isTTY || performance.now() - shownAt < 100) return;
      shownAt = performance.now();
      output.write(`\r${what}: ${formatBytes(done)} of ${formatBytes(total)}\x1b[K`);
    },
    clear() {
      if (shownAt > 0) output.write("\r\x1b[K");
    },
  };
}
