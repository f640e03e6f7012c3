/** A tiny model's files, for the tests of where models come from and where they are kept. */
import { type ModelSource, memoryModel } from "../../../src/core/bytes.ts";

export const bytesOf = (value: unknown): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

export const TINY: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  "config.json": bytesOf({ model_type: "llama" }),
  "generation_config.json": bytesOf({}),
  "model.safetensors": new Uint8Array(5000).map((_, i) => i % 251),
  "tokenizer.json": bytesOf({ model: {} }),
  "tokenizer_config.json": bytesOf({}),
  "chat_template.jinja": bytesOf("{{ messages }}"),
};
/** What lies beside them and is not needed. */
export const BESIDE: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  "pytorch_model.bin": new Uint8Array(9000),
  "README.md": bytesOf("# A model"),
  "onnx/model.onnx": new Uint8Array(9000),
  "original/model.safetensors": new Uint8Array(9000),
};

export const sizeOf = (files: Readonly<Record<string, Uint8Array>>): number =>
  Object.values(files).reduce((sum, { byteLength }) => sum + byteLength, 0);

export const modelOf = (files: Readonly<Record<string, Uint8Array>>, label = "tiny"): ModelSource =>
  memoryModel(
    label,
    Object.entries(files).map(([path, bytes]) => ({ path, bytes })),
  );

/** All but the named files. */
export const without = (
  files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>,
  ...paths: string[]
): Record<string, Uint8Array<ArrayBuffer>> =>
  Object.fromEntries(Object.entries(files).filter(([path]) => !paths.includes(path)));
