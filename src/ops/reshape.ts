/** The same values in other rows and columns, as a norm for each head wants q [N, H·D]: as [N·H, D]. Moves nothing. */
import type { Op } from "../autograd/op.ts";
import { elementCount } from "../core/dtype.ts";
import { shapeError } from "../core/errors.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { show } from "./shapes.ts";

export interface ReshapeAttrs {
  readonly shape: readonly number[];
}

/** inputs x → x as `shape`, of equally many elements; forward and backward give views, so there is no dispatch. */
export const reshape: Op<ReshapeAttrs, { readonly x: Tensor }> = {
  name: "reshape",

  forward(_program, inputs, { shape }) {
    const x = inputs[0]!;
    if (elementCount(shape) !== elementCount(x.shape)) {
      throw shapeError(`[reshape] x is ${show(x)}, which is not as many elements as ${show({ shape })}`);
    }
    return { outputs: [view(x, shape)], saved: { x } };
  },

  backward(_program, { x }, [dy], _attrs, [needsX]) {
    return [needsX && dy ? view(dy, x.shape) : null];
  },
};

/** The tape knows tensors by their identity; a parameter's gradient is not the view's. */
const view = ({ storage, offset, element }: Tensor, shape: readonly number[]): Tensor => ({
  storage,
  offset,
  element,
  shape,
});
