/** y = silu(gate) · up, the gated activation of llama's MLP (Shazeer 2020, https://arxiv.org/abs/2002.05202). */
import type { Op } from "../autograd/op.ts";
import type { Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { flatGrid, matrixShape, sameShape, vec4Count } from "./shapes.ts";

export const swigluForward: Kernel = {
  stem: "swiglu",
  entry: "forward",
  inputs: ["gate", "up"],
  outputs: ["y"],
  params: { count: "u32" },
  constants: [],
  grid: flatGrid,
  flops: ({ count = 0 }) => 24 * count,
};

export const swigluBackward: Kernel = {
  ...swigluForward,
  entry: "backward",
  inputs: ["dy"],
  outputs: ["dgate", "dup"],
  flops: ({ count = 0 }) => 44 * count,
};

/**
 * inputs gate, up [N, F] → y [N, F]. Backward puts the gradients in the places of gate and up, which are the widest of a
 * block: nothing else may read them afterwards.
 */
export const swiglu: Op<null, { gate: Tensor; up: Tensor }> = {
  name: "swiglu",

  forward(program, inputs) {
    const [gate, up] = [inputs[0]!, inputs[1]!];
    matrixShape("swiglu", "gate", gate);
    sameShape("swiglu", ["gate", "up"], gate, up);
    const y = program.tensor(gate.shape, "swiglu.y");
    program.dispatch(swigluForward, {
      constants: {},
      params: { count: vec4Count(gate) },
      inputs: [gate, up],
      outputs: [y],
    });
    return { outputs: [y], saved: { gate, up } };
  },

  backward(program, { gate, up }, [dy], _attrs, needs) {
    program.dispatch(swigluBackward, {
      constants: {},
      params: { count: vec4Count(gate) },
      inputs: [dy!],
      outputs: [gate, up],
    });
    return [needs[0] ? gate : null, needs[1] ? up : null];
  },
};
