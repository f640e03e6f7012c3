/** One forward, or one forward and backward, of a micro-batch: what training, evaluation and the dry run all record. */
import { Tape, type TapeMode } from "../autograd/tape.ts";
import type { Batch } from "../data/batches.ts";
import type { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { type CausalLM, headWeight } from "../models/model.ts";
import { recordAdd } from "../ops/add.ts";
import { crossEntropy } from "../ops/cross-entropy.ts";
import { gatherRows } from "../ops/rows.ts";
import { uploadTokens, words } from "./token-batch.ts";

export const newTape = (program: Program, mode: TapeMode): Tape => new Tape(program, recordAdd, mode);

/** Per-token losses [S] of the supervised rows, forward only. */
export function recordEvaluation(program: Program, model: CausalLM, batch: Batch): Tensor {
  return recordLosses(newTape(program, "off"), model, batch, 1, 0);
}

export interface MicroBatchOptions {
  /** Supervised tokens of the whole update, over all its micro-batches: what the loss is divided by. */
  readonly updateTokens: number;
  /** Blocks that are computed again during backward, from the lowest with an adapter on. */
  readonly recomputed: number;
}

/**
 * Forward and backward: adds d(Σ nll / updateTokens) to the gradients of the adapter and returns the nll [S]. Dividing by
 * the tokens of the whole update makes micro-batches add up to exactly the big batch, as in Hugging Face's Trainer.
 */
export function recordMicroBatch(
  program: Program,
  model: CausalLM,
  batch: Batch,
  { updateTokens, recomputed }: MicroBatchOptions,
): Tensor {
  const tape = newTape(program, "record");
  const nll = recordLosses(tape, model, batch, 1 / updateTokens, recomputed);
  tape.backward(nll, null);
  return nll;
}

function recordLosses(tape: Tape, model: CausalLM, batch: Batch, scale: number, recomputed: number): Tensor {
  const tokens = uploadTokens(tape.program, batch, model.config.sliding_window);
  const hidden = model.forward(tape, tokens, { recomputed }); // [N, C]
  const count = batch.rows.length;
  const index = words(tape.program, batch.rows, [count], "supervised rows");
  const targets = words(tape.program, batch.targets, [count], "targets");
  const [rows] = tape.apply(gatherRows, [hidden], { index }); // [S, C]
  const attrs = { weight: headWeight(model), targets, scale, softcap: model.finalSoftcap };
  return tape.apply(crossEntropy, [rows!], attrs)[0]!;
}
