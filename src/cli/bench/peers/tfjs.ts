/** TensorFlow.js on its WebGPU backend. */
import type { Tensor2D } from "@tensorflow/tfjs-core";
import { deviceError } from "../../../core/errors.ts";
import { type Library, loadPackages, type Product, type ProductInput } from "./library.ts";

const PACKAGES = ["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-webgpu"];

/** What is used of the backend; its own types want another version of WebGPU's. */
interface Backend {
  readonly device: GPUDevice;
  readonly queue: GPUQueue;
  /** null when what was asked for has just been submitted. */
  readonly commandEncoder: GPUCommandEncoder | null;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

/** `navigator.gpu` must be there before: see `offerGpu`. */
export async function openTfjs(): Promise<Library> {
  const tf = await loadPackages(PACKAGES, async () => {
    const core = await import("@tensorflow/tfjs-core");
    await import("@tensorflow/tfjs-backend-webgpu");
    return core;
  });
  if (!(await tf.setBackend("webgpu"))) throw deviceError("tfjs found no WebGPU");
  const backend = tf.backend() as unknown as Backend;

  const product = ({ a, b, turnA, turnB }: ProductInput): Product => {
    const [left, right] = [a, b].map(({ values, rows, columns }) => tf.tensor2d(values, [rows, columns])) as [
      Tensor2D,
      Tensor2D,
    ];
    return {
      async run(count) {
        for (let i = 0; i < count; i++) tf.matMul(left, right, turnA, turnB).dispose();
        // A submit with the pass still open would be refused, and take no time at all.
        backend.endComputePassEncoder();
        if (backend.commandEncoder) backend.submitQueue();
        await backend.queue.onSubmittedWorkDone();
      },
      async result() {
        const c = tf.matMul(left, right, turnA, turnB);
        const values = (await c.data()) as Float32Array;
        c.dispose();
        return values;
      },
      free() {
        left.dispose();
        right.dispose();
      },
    };
  };
  return { name: "tfjs", version: tf.version_core, gpu: backend.device, product };
}
