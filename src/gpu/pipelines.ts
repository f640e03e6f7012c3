/** Pipelines, layouts and bind groups of one GPUDevice, each made once. */
import { deviceError } from "../core/errors.ts";
import { type Kernel, PARAMS_SLOT, type Variant, variantKey } from "./kernel.ts";
import { assemble } from "./shaders.ts";

export interface Binding {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** Bind groups kept before the cache starts afresh; a training step needs a few hundred. */
const MAX_BIND_GROUPS = 8192;

export class Pipelines {
  private readonly device: GPUDevice;
  private readonly paramsLayout: GPUBindGroupLayout;
  private readonly layouts = new Map<string, GPUBindGroupLayout>();
  private readonly pipelines = new Map<string, GPUComputePipeline>();
  private readonly pending = new Map<string, Promise<void>>();
  private readonly groups = new Map<string, GPUBindGroup>();
  private readonly bufferIds = new WeakMap<GPUBuffer, number>();
  private nextBufferId = 1;

  constructor(device: GPUDevice) {
    this.device = device;
    this.paramsLayout = device.createBindGroupLayout({
      label: "params",
      entries: [
        {
          binding: 0,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: "uniform", hasDynamicOffset: true, minBindingSize: PARAMS_SLOT },
        },
      ],
    });
  }

  /** Compiles in the background; resolves when `get` can answer. */
  prepare(kernel: Kernel, variant: Variant): Promise<void> {
    const key = variantKey(kernel, variant);
    if (this.pipelines.has(key)) return Promise.resolve();
    const running = this.pending.get(key);
    if (running) return running;
    const compiling = this.compile(kernel, variant, key).finally(() => this.pending.delete(key));
    this.pending.set(key, compiling);
    return compiling;
  }

  has(kernel: Kernel, variant: Variant): boolean {
    return this.pipelines.has(variantKey(kernel, variant));
  }

  get(kernel: Kernel, variant: Variant): GPUComputePipeline {
    const pipeline = this.pipelines.get(variantKey(kernel, variant));
    if (!pipeline) throw deviceError(`${variantKey(kernel, variant)} was not prepared`);
    return pipeline;
  }

  bindGroup(kernel: Kernel, bindings: readonly Binding[]): GPUBindGroup {
    const shape = `${kernel.inputs.length}+${kernel.outputs.length}`;
    const key = `${shape}|${bindings.map((b) => `${this.idOf(b.buffer)}:${b.offset}:${b.size}`).join(",")}`;
    const found = this.groups.get(key);
    if (found) return found;
    if (this.groups.size >= MAX_BIND_GROUPS) this.groups.clear();
    const group = this.device.createBindGroup({
      label: `${kernel.stem}.${kernel.entry}`,
      layout: this.layout(kernel),
      entries: bindings.map((resource, binding) => ({ binding, resource })),
    });
    this.groups.set(key, group);
    return group;
  }

  paramsGroup(buffer: GPUBuffer): GPUBindGroup {
    return this.device.createBindGroup({
      label: "params",
      layout: this.paramsLayout,
      entries: [{ binding: 0, resource: { buffer, size: PARAMS_SLOT } }],
    });
  }

  /** Cached groups hold their buffers; forget them all when buffers were destroyed. */
  forgetGroups(): void {
    this.groups.clear();
  }

  private idOf(buffer: GPUBuffer): number {
    const known = this.bufferIds.get(buffer);
    if (known !== undefined) return known;
    this.bufferIds.set(buffer, this.nextBufferId);
    return this.nextBufferId++;
  }

  private layout(kernel: Kernel): GPUBindGroupLayout {
    const key = `${kernel.inputs.length}+${kernel.outputs.length}`;
    const found = this.layouts.get(key);
    if (found) return found;
    const entry = (binding: number, type: GPUBufferBindingType) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type },
    });
    const layout = this.device.createBindGroupLayout({
      label: key,
      entries: [
        ...kernel.inputs.map((_, i) => entry(i, "read-only-storage")),
        ...kernel.outputs.map((_, i) => entry(kernel.inputs.length + i, "storage")),
      ],
    });
    this.layouts.set(key, layout);
    return layout;
  }

  private async compile(kernel: Kernel, variant: Variant, key: string): Promise<void> {
    const module = this.device.createShaderModule({ label: key, code: assemble(kernel, variant) });
    const layout = this.device.createPipelineLayout({
      label: key,
      bindGroupLayouts: [this.layout(kernel), this.paramsLayout],
    });
    try {
      const compute = { module, entryPoint: kernel.entry };
      this.pipelines.set(key, await this.device.createComputePipelineAsync({ label: key, layout, compute }));
    } catch (cause) {
      const info = await module.getCompilationInfo();
      const errors = info.messages.filter(({ type }) => type === "error");
      const lines = errors.map((m) => `  ${m.type} at ${m.lineNum}:${m.linePos}: ${m.message}`);
      const reason = lines.length > 0 ? lines.join("\n") : String(cause);
      throw deviceError(
        `${key} does not compile:\n${reason}`,
        "This is a bug in Lorikeet or in the browser's compiler.",
      );
    }
  }
}
