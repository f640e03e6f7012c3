/** A device that does one thing wrong, for tests of what notices it. */
import type { Device } from "../../src/gpu/device.ts";
import type { DispatchCommand, Program } from "../../src/gpu/program.ts";

/** `inner` with some of its methods replaced; an open session can be given it. */
export function faultyDevice(inner: Device, fault: Partial<Pick<Device, "run" | "upload">>): Device {
  return {
    name: inner.name,
    limits: inner.limits,
    memory: inner.memory,
    counters: inner.counters,
    allocate: (...args) => inner.allocate(...args),
    free: (tensor) => inner.free(tensor),
    upload: (...args) => inner.upload(...args),
    run: (program) => inner.run(program),
    idle: () => inner.idle(),
    destroy: () => inner.destroy(),
    ...fault,
  };
}

/** Every dispatch of AdamW's update, changed or (null) left out. */
export function updatesChanged(
  inner: Device,
  change: (command: DispatchCommand) => DispatchCommand | null,
): Pick<Device, "run"> {
  return {
    run(program: Program) {
      const kept = program.commands.flatMap((command) => {
        const isUpdate =
          command.kind === "dispatch" && command.kernel.stem === "adamw" && command.kernel.entry === "update";
        return isUpdate ? (change(command) ?? []) : [command];
      });
      program.commands.splice(0, program.commands.length, ...kept);
      return inner.run(program);
    },
  };
}
