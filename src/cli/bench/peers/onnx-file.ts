/** Writes ONNX files: the few messages of onnx.proto (IR version 10) that a decoder with all its weights inside needs. */
import type protobuf from "protobufjs/light.js";
import { loadPackages } from "./library.ts";

export type OnnxType = "float32" | "int32" | "int64";

/** A value of the graph; a name stands for a dimension that is known only when it runs. */
export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly (number | string)[];
}

export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;
}

export interface OnnxNode {
  readonly op: string;
  /** An empty name stands for an input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Empty: ONNX's own operators. */
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

export type OnnxAttribute = { readonly int: number } | { readonly float: number };

export interface OnnxGraph {
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly weights: readonly OnnxTensor[];
  readonly nodes: readonly OnnxNode[];
}

/** https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
const SCHEMA = {
  Model: { ir_version: [1, "int64"], producer_name: [2, "string"], graph: [7, "Graph"], opset_import: [8, "Opset[]"] },
  Opset: { domain: [1, "string"], version: [2, "int64"] },
  Graph: {
    node: [1, "Node[]"],
    name: [2, "string"],
    initializer: [5, "Tensor[]"],
    input: [11, "Value[]"],
    output: [12, "Value[]"],
  },
  Node: {
    input: [1, "string[]"],
    output: [2, "string[]"],
    name: [3, "string"],
    op_type: [4, "string"],
    attribute: [5, "Attribute[]"],
    domain: [7, "string"],
  },
  Attribute: { name: [1, "string"], f: [2, "float"], i: [3, "int64"], type: [20, "int32"] },
  Tensor: { dims: [1, "int64[]"], data_type: [2, "int32"], name: [8, "string"], raw_data: [9, "bytes"] },
  Value: { name: [1, "string"], type: [2, "Type"] },
  Type: { tensor_type: [1, "TensorType"] },
  TensorType: { elem_type: [1, "int32"], shape: [2, "Shape"] },
  Shape: { dim: [1, "Dimension[]"] },
  Dimension: { dim_value: [1, "int64"], dim_param: [2, "string"] },
} as const satisfies Record<string, Record<string, readonly [id: number, type: string]>>;

const IR_VERSION = 10;
const OPSETS = [
  { domain: "", version: 21 },
  { domain: "com.microsoft", version: 1 },
];
/** TensorProto.DataType */
const DATA_TYPES = { float32: 1, int32: 6, int64: 7 } as const;
/** AttributeProto.AttributeType */
const ATTRIBUTE_TYPES = { float: 1, int: 2 } as const;

/** The bytes of a file, which may not be larger than 2 GiB. Throws ConfigError where protobufjs is not installed. */
export async function encodeOnnx({ inputs, outputs, weights, nodes }: OnnxGraph): Promise<Uint8Array> {
  const { default: library } = await loadPackages(["protobufjs@7"], () => import("protobufjs/light.js"));
  const Model = messages(library).lookupType("Model");
  const graph = {
    name: "decoder",
    node: nodes.map(nodeMessage),
    initializer: weights.map(({ name, shape, values }) => ({
      ...{ name, dims: shape, data_type: values instanceof Float32Array ? DATA_TYPES.float32 : DATA_TYPES.int64 },
      raw_data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    })),
    input: inputs.map(valueMessage),
    output: outputs.map(valueMessage),
  };
  const model = { ir_version: IR_VERSION, producer_name: "lorikeet bench", graph, opset_import: OPSETS };
  return Model.encode(Model.fromObject(model)).finish();
}

function messages({ Root }: typeof protobuf): protobuf.Root {
  const nested = Object.entries(SCHEMA).map(([message, fields]) => {
    const described = Object.entries(fields).map(([name, [id, type]]) => {
      const element = type.replace("[]", "");
      return [name, { id, type: element, ...(element === type ? {} : { rule: "repeated" }) }];
    });
    return [message, { fields: Object.fromEntries(described) }];
  });
  return Root.fromJSON({ nested: Object.fromEntries(nested) });
}

function nodeMessage({ op, inputs, outputs, domain = "", attributes = {} }: OnnxNode): object {
  const attribute = Object.entries(attributes).map(([name, value]) =>
    "int" in value
      ? { name, type: ATTRIBUTE_TYPES.int, i: value.int }
      : { name, type: ATTRIBUTE_TYPES.float, f: value.float },
  );
  return { name: `${op} ${outputs[0]}`, op_type: op, domain, input: inputs, output: outputs, attribute };
}

function valueMessage({ name, type, shape }: OnnxValue): object {
  const dim = shape.map((one) => (typeof one === "number" ? { dim_value: one } : { dim_param: one }));
  return { name, type: { tensor_type: { elem_type: DATA_TYPES[type], shape: { dim } } } };
}
