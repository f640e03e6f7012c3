/** The memory of the machine the command line runs on. */
import { totalmem } from "node:os";
import { type MemoryBudget, memoryBudget } from "../../train/memory-budget.ts";

/** Only on a Mac is the computer's memory sure to be the GPU's; a card has its own, and Node is not told how much. */
export const machineBudget = (): MemoryBudget =>
  memoryBudget({ chosen: totalmem() / 2 ** 30, apart: process.platform !== "darwin" });
