/**
 * An op is a differentiable function: forward and backward in one file, recorded into a Program. Inputs are what a
 * gradient may flow into; frozen weights, index tensors and numbers are attributes.
 */
import type { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";

export interface Forward<Saved> {
  readonly outputs: readonly Tensor[];
  /** Whatever backward needs; its tensors die when the program's last use of them is past. */
  readonly saved: Saved;
}

export interface Op<Attrs, Saved> {
  readonly name: string;
  /** Checks shapes (throws ShapeError naming op and shapes), records the forward kernels. */
  forward(program: Program, inputs: readonly Tensor[], attrs: Attrs, needs: readonly boolean[]): Forward<Saved>;
  /**
   * Records the backward kernels. `dys` has one gradient per output, null where nothing depends on it. Returns one
   * gradient per input: null where `needs` is false, and for parameters, into whose `grad` it adds instead.
   * `before`, of an op that `adds`: the gradients that other uses of the inputs have given already; what is returned is
   * then the sum with them.
   */
  backward(
    program: Program,
    saved: Saved,
    dys: readonly (Tensor | null)[],
    attrs: Attrs,
    needs: readonly boolean[],
    before?: readonly (Tensor | null)[],
  ): (Tensor | null)[];
  /** Its backward adds to gradients from elsewhere by itself, which saves a pass over them. */
  readonly adds?: boolean;
}
