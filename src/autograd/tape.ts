/**
 * The autograd tape: remembers the ops whose inputs lead to a parameter and walks them backwards. A gradient that
 * nobody asked for is never dispatched; below the lowest adapter nothing is recorded at all.
 */
import { shapeError } from "../core/errors.ts";
import type { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Op } from "./op.ts";

interface Entry {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Adds to `before` by itself. */
  readonly adds: boolean;
  backward(dys: readonly (Tensor | null)[], before: readonly (Tensor | null)[]): (Tensor | null)[];
}

/** Adds two gradients of one tensor: given by the caller, since ops build on autograd and not the reverse. */
export type AddGradients = (program: Program, a: Tensor, b: Tensor) => Tensor;

/**
 * `record`: remember what backward needs. `observe`: run forward only, but still know which results lead to a
 * parameter (the first pass of a checkpointed block). `off`: forward only (evaluation, generation).
 */
export type TapeMode = "record" | "observe" | "off";

export type Block = (tape: Tape, x: Tensor) => Tensor;

export class Tape {
  readonly program: Program;
  private readonly add: AddGradients;
  private readonly mode: TapeMode;
  private readonly needed = new Set<Tensor>();
  private entries: Entry[] = [];

  constructor(program: Program, add: AddGradients, mode: TapeMode) {
    this.program = program;
    this.add = add;
    this.mode = mode;
  }

  /** False in evaluation and generation, where dropout is off. */
  get training(): boolean {
    return this.mode !== "off";
  }

  /** Marks a tensor as a leaf whose gradient `backward` shall return. */
  watch(tensor: Tensor): Tensor {
    this.needed.add(tensor);
    return tensor;
  }

  /** True when a gradient flows into this tensor: a parameter, a watched leaf, or computed from one. */
  needs(tensor: Tensor): boolean {
    return this.mode !== "off" && (tensor.grad !== undefined || this.needed.has(tensor));
  }

  apply<Attrs, Saved>(op: Op<Attrs, Saved>, inputs: readonly Tensor[], attrs: Attrs): readonly Tensor[] {
    const needs = inputs.map((input) => this.needs(input));
    const recorded = this.mode === "record" && needs.includes(true);
    const { outputs, saved } = op.forward(this.program, inputs, attrs, recorded ? needs : needs.map(() => false));
    if (needs.includes(true)) for (const output of outputs) this.needed.add(output);
    if (!recorded) return outputs;
    this.entries.push({
      inputs,
      outputs,
      adds: op.adds ?? false,
      backward: (dys, before) => {
        const grads = op.backward(this.program, saved, dys, attrs, needs, before);
        if (grads.length !== inputs.length) {
          throw shapeError(`[${op.name}] backward gave ${grads.length} gradients for ${inputs.length} inputs`);
        }
        return grads;
      },
    });
    return outputs;
  }

  /**
   * Runs a block keeping only its input; its inside is computed again during backward. The two passes must be the same
   * function of x: a block's dropout draws from its own seeds, not from a shared stream.
   */
  checkpoint(block: Block, x: Tensor): Tensor {
    if (this.mode !== "record") return block(this, x);
    const needsX = this.needs(x);
    const first = new Tape(this.program, this.add, "observe");
    if (needsX) first.watch(x);
    const y = block(first, x);
    if (!first.needs(y)) return y;
    this.needed.add(y);
    this.entries.push({
      inputs: [x],
      outputs: [y],
      adds: false,
      backward: ([dy]) => {
        const inner = new Tape(this.program, this.add, "record");
        if (needsX) inner.watch(x);
        const again = block(inner, x);
        const grads = inner.backward(again, dy!);
        return [grads.get(x) ?? null];
      },
    });
    return y;
  }

  /**
   * Walks back from `root`, whose gradient is `seed` (null for a loss op, which makes its own). Parameters collect
   * theirs in `grad`; the gradients of watched leaves are returned.
   */
  backward(root: Tensor, seed: Tensor | null): Map<Tensor, Tensor> {
    const grads = new Map<Tensor, Tensor | null>([[root, seed]]);
    for (const entry of this.entries.toReversed()) {
      if (!entry.outputs.some((output) => grads.has(output))) continue;
      const dys = entry.outputs.map((output) => grads.get(output) ?? null);
      for (const output of entry.outputs) grads.delete(output);
      const before = entry.inputs.map((input) => (entry.adds ? (grads.get(input) ?? null) : null));
      for (const [i, grad] of entry.backward(dys, before).entries()) {
        if (!grad) continue;
        const input = entry.inputs[i]!;
        const other = before[i] ? null : grads.get(input);
        grads.set(input, other ? this.add(this.program, other, grad) : grad);
      }
    }
    this.entries = [];
    const leaves = new Map<Tensor, Tensor>();
    for (const [tensor, grad] of grads) if (grad && this.needed.has(tensor)) leaves.set(tensor, grad);
    return leaves;
  }
}
