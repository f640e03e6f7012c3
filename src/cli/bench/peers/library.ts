/** The other libraries behind one face: each is loaded when somebody asks for it, and may be missing. */
import { configError, deviceError } from "../../../core/errors.ts";

/** c = a·b, with a or b turned first. */
export interface ProductInput {
  /** [rows, columns], row-major */
  readonly a: Matrix;
  readonly b: Matrix;
  readonly turnA: boolean;
  readonly turnB: boolean;
}

export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array<ArrayBuffer>;
}

/** A product whose operands lie on the device. */
export interface Product {
  /** The same product so many times; resolves when all have run. */
  run(count: number): Promise<void>;
  /** c, computed once more. */
  result(): Promise<Float32Array>;
  free(): void;
}

export interface Library {
  readonly name: string;
  readonly version: string;
  readonly gpu: GPUDevice;
  product(input: ProductInput): Product;
}

/** What `navigator.gpu` is in a browser: where libraries look for it. Node has no navigator before version 21. */
export function offerGpu(gpu: GPU): void {
  if (!("navigator" in globalThis)) {
    const value = { userAgent: `Node.js/${process.versions.node}` };
    Object.defineProperty(globalThis, "navigator", { value, configurable: true, writable: true });
  }
  Object.defineProperty(globalThis.navigator, "gpu", { value: gpu, configurable: true });
}

/** Imports what is not part of Lorikeet. Throws ConfigError with the command that installs it. */
export async function loadPackages<T>(packages: readonly string[], load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") throw cause;
    throw configError("not installed", `npm install --no-save ${packages.join(" ")}`);
  }
}

/** Throws DeviceError unless the library computes on the adapter that the engine has. */
export function checkSameAdapter(name: string, theirs: GPUDevice, ours: GPUDevice): void {
  const [there, here] = [theirs, ours].map(
    ({ adapterInfo }) => `${adapterInfo.vendor} ${adapterInfo.device} ${adapterInfo.description}`,
  );
  if (there !== here) throw deviceError(`${name} opened another adapter: ${there}, not ${here}`);
}
