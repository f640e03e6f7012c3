/**
 * What a library asks of WebGPU, counted from outside: every dispatch and submit of the process, and the bytes of each
 * device's buffers. The classes are Dawn's own, so whatever a library calls goes through here.
 */

export interface Counted {
  dispatches: number;
  submits: number;
  /** Compiled. */
  pipelines: number;
}

export interface Meter {
  /** Since the meter was put on, of all devices together: whoever counts one lets the others rest. */
  readonly counted: Counted;
  /** Highest sum of bytes of the device's buffers that were made and not destroyed. */
  peakBytes(device: GPUDevice): number;
  remove(): void;
}

interface Ledger {
  live: number;
  peak: number;
}

/** Puts the meter on. The globals of WebGPU must be there; devices opened before are counted from now on. */
export function putMeterOn(): Meter {
  const counted: Counted = { dispatches: 0, submits: 0, pipelines: 0 };
  const ledgers = new WeakMap<GPUDevice, Ledger>();
  const buffers = new WeakMap<GPUBuffer, { ledger: Ledger; bytes: number }>();
  const [pass, queue, device, buffer] = [GPUComputePassEncoder, GPUQueue, GPUDevice, GPUBuffer].map(
    (one) => one.prototype,
  ) as [GPUComputePassEncoder, GPUQueue, GPUDevice, GPUBuffer];
  const { dispatchWorkgroups, dispatchWorkgroupsIndirect } = pass;
  const { submit } = queue;
  const { createBuffer, createComputePipeline, createComputePipelineAsync } = device;
  const { destroy } = buffer;

  pass.dispatchWorkgroups = function (...args) {
    counted.dispatches += 1;
    return dispatchWorkgroups.apply(this, args);
  };
  pass.dispatchWorkgroupsIndirect = function (...args) {
    counted.dispatches += 1;
    return dispatchWorkgroupsIndirect.apply(this, args);
  };
  queue.submit = function (...args) {
    counted.submits += 1;
    return submit.apply(this, args);
  };
  device.createBuffer = function (descriptor) {
    const made = createBuffer.call(this, descriptor);
    const ledger = ledgers.get(this) ?? { live: 0, peak: 0 };
    ledgers.set(this, ledger);
    buffers.set(made, { ledger, bytes: descriptor.size });
    ledger.live += descriptor.size;
    ledger.peak = Math.max(ledger.peak, ledger.live);
    return made;
  };
  device.createComputePipeline = function (...args) {
    counted.pipelines += 1;
    return createComputePipeline.apply(this, args);
  };
  device.createComputePipelineAsync = async function (...args) {
    const pipeline = await createComputePipelineAsync.apply(this, args);
    counted.pipelines += 1;
    return pipeline;
  };
  buffer.destroy = function () {
    const known = buffers.get(this);
    if (known) known.ledger.live -= known.bytes;
    buffers.delete(this);
    return destroy.call(this);
  };
  return {
    counted,
    peakBytes: (of) => ledgers.get(of)?.peak ?? 0,
    remove() {
      Object.assign(pass, { dispatchWorkgroups, dispatchWorkgroupsIndirect });
      Object.assign(queue, { submit });
      Object.assign(device, { createBuffer, createComputePipeline, createComputePipelineAsync });
      Object.assign(buffer, { destroy });
    },
  };
}
