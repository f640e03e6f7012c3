/**
 * Tensors are views of storages. A storage is either resident (weights, adapters, caches: it owns a buffer until
 * freed) or transient (an activation of one Program: it gets a pooled buffer at its first write and gives it back
 * after its last use, which the program's liveness analysis finds).
 */
import { elementCount } from "../core/dtype.ts";
import { shapeError } from "../core/errors.ts";

/** What one element is on the GPU. Half formats are packed two to a u32 and only ever read. */
export type Element = "f32" | "u32" | "f16" | "bf16";

export const ELEMENT_BYTES: Record<Element, number> = { f32: 4, u32: 4, f16: 2, bf16: 2 };

export interface Storage {
  readonly id: number;
  readonly bytes: number;
  readonly label: string;
  readonly resident: boolean;
}

export interface Tensor {
  readonly storage: Storage;
  /** Byte offset of the first element in the storage; a multiple of 256, so that it can be bound. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly element: Element;
  /**
   * Where the gradient of a trainable parameter is summed, with the parameter's own shape. Backward kernels add into
   * it; only parameters have one.
   */
  readonly grad?: Tensor;
}

/** Storage and binding offsets are multiples of this, the default minStorageBufferOffsetAlignment of WebGPU. */
export const ALIGNMENT = 256;

let nextStorageId = 1;

export function makeStorage(bytes: number, label: string, resident: boolean): Storage {
  return { id: nextStorageId++, bytes: alignUp(Math.max(bytes, 4), 4), label, resident };
}

export function alignUp(bytes: number, alignment: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

/** Bytes a tensor occupies, rounded up to whole 32-bit words. */
export function tensorBytes(tensor: Pick<Tensor, "shape" | "element">): number {
  return alignUp(elementCount(tensor.shape) * ELEMENT_BYTES[tensor.element], 4);
}

/** The same elements under another shape. */
export function reshape(tensor: Tensor, shape: readonly number[]): Tensor {
  if (elementCount(shape) !== elementCount(tensor.shape)) {
    throw shapeError(`[reshape] [${tensor.shape}] has another number of elements than [${shape}]`);
  }
  return { ...tensor, shape };
}

/** Rows [begin, begin + count) of the first axis; the slice must start on a multiple of 256 bytes. */
export function sliceRows(tensor: Tensor, begin: number, count: number): Tensor {
  const [rows = 0, ...rest] = tensor.shape;
  const rowBytes = elementCount(rest) * ELEMENT_BYTES[tensor.element];
  const offset = tensor.offset + begin * rowBytes;
  if (begin < 0 || begin + count > rows || offset % ALIGNMENT !== 0) {
    throw shapeError(
      `[sliceRows] rows ${begin}…${begin + count} of [${tensor.shape}]: outside, or not 256-byte aligned`,
    );
  }
  return { storage: tensor.storage, offset, shape: [count, ...rest], element: tensor.element };
}
