/** The engine's own products behind the face that the libraries have. */
import type { Device } from "../../../gpu/device.ts";
import { Program } from "../../../gpu/program.ts";
import type { Tensor } from "../../../gpu/tensor.ts";
import { allColumns, asWeight, recordNn, recordNt, recordTn } from "../../../ops/matmul.ts";
import type { Matrix, Product, ProductInput } from "./library.ts";

/** For the three layouts that training has: not both operands turned. */
export function ownProduct(device: Device, { a, b, turnA, turnB }: ProductInput): Product {
  const [left, right] = [place(device, a), place(device, b)];
  const shape = [turnA ? a.columns : a.rows, turnB ? b.rows : b.columns];
  const c = device.allocate(shape, "bench.c");
  const record = (program: Program) => {
    if (turnA) recordTn(program, allColumns(left), allColumns(right), a.rows, c);
    else if (turnB) recordNt(program, allColumns(left), a.rows, asWeight(right), allColumns(c));
    else recordNn(program, allColumns(left), a.rows, asWeight(right), allColumns(c));
  };
  return {
    async run(count) {
      const program = new Program();
      for (let i = 0; i < count; i++) record(program);
      await device.run(program);
      await device.idle();
    },
    async result() {
      const program = new Program();
      record(program);
      const values = program.readFloats(c);
      await device.run(program);
      return values;
    },
    free: () => [left, right, c].forEach((tensor) => void device.free(tensor)),
  };
}

function place(device: Device, { rows, columns, values }: Matrix): Tensor {
  const tensor = device.allocate([rows, columns], "bench.operand");
  device.upload(tensor, new Uint8Array(values.buffer));
  return tensor;
}
