/**
 * y = act(gate) · up, the gated activation of an MLP (Shazeer 2020, https://arxiv.org/abs/2002.05202): silu in llama's,
 * gelu by its tanh formula in Gemma's (Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415).
 */
import type { Op } from "../autograd/op.ts";
import type { Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { flatGrid, matrixShape, sameShape, vec4Count } from "./shapes.ts";

export const gluForward: Kernel = {
  stem: "glu",
  entry: "forward",
  inputs: ["gate", "up"],
  outputs: ["y"],
  params: { count: "u32", gelu: "u32" },
  constants: [],
  grid: flatGrid,
  flops: ({ count = 0 }) => 24 * count,
};

export const gluBackward: Kernel = {
  ...gluForward,
  entry: "backward",
  inputs: ["dy"],
  outputs: ["dgate", "dup"],
  flops: ({ count = 0 }) => 44 * count,
};

export interface GluAttrs {
  readonly activation: "silu" | "gelu_tanh";
}

/**
 * inputs gate, up [N, F] → y [N, F]. Backward puts the gradients in the places of gate and up, which are the widest of a
 * block: nothing else may read them afterwards.
 */
export const glu: Op<GluAttrs, { gate: Tensor; up: Tensor }> = {
  name: "glu",

  forward(program, inputs, attrs) {
    const [gate, up] = [inputs[0]!, inputs[1]!];
    matrixShape("glu", "gate", gate);
    sameShape("glu", ["gate", "up"], gate, up);
    const y = program.tensor(gate.shape, "glu.y");
    program.dispatch(gluForward, {
      constants: {},
      params: params(gate, attrs),
      inputs: [gate, up],
      outputs: [y],
    });
    return { outputs: [y], saved: { gate, up } };
  },

  backward(program, { gate, up }, [dy], attrs, needs) {
    program.dispatch(gluBackward, {
      constants: {},
      params: params(gate, attrs),
      inputs: [dy!],
      outputs: [gate, up],
    });
    return [needs[0] ? gate : null, needs[1] ? up : null];
  },
};

const params = (gate: Tensor, { activation }: GluAttrs) => ({
  count: vec4Count(gate),
  gelu: activation === "gelu_tanh" ? 1 : 0,
});
