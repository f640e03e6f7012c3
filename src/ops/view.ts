/** The same elements under another shape, and their gradient under the old one: no command at all. */
import type { Op } from "../autograd/op.ts";
import { reshape, type Tensor } from "../gpu/tensor.ts";

/** inputs x → x with this shape, which has as many elements */
export const view: Op<{ readonly shape: readonly number[] }, { readonly x: Tensor }> = {
  name: "view",
  forward: (_program, [x], { shape }) => ({ outputs: [reshape(x!, shape)], saved: { x: x! } }),
  backward: (_program, { x }, [dy], _attrs, [needs]) => [needs && dy ? reshape(dy, x.shape) : null],
};
