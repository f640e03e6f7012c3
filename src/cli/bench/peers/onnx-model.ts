/**
 * The bench's llama as a decoder in ONNX, with the operators that onnxruntime-genai's builder gives to WebGPU: attention
 * with grouped queries, its rotation and its cache in one, and the norms joined with the sums before them.
 * Letters: B rows, S new tokens, P tokens in the cache, T = P + S, V vocabulary, C hidden, D head.
 */
import type { ModelConfig } from "../../../formats/model-config.ts";
import { ropeFrequencies } from "../../../models/rope-frequencies.ts";
import type { RandomWeight } from "../step-run.ts";
import { encodeOnnx, type OnnxGraph, type OnnxNode, type OnnxTensor, type OnnxValue } from "./onnx-file.ts";

const MICROSOFT = "com.microsoft";

/** The file, for a model without biases, sliding windows and norms on heads. */
export function onnxModel(model: ModelConfig, weights: ReadonlyMap<string, RandomWeight>): Promise<Uint8Array> {
  return encodeOnnx(new Graph(model, weights).finish());
}

/** What transformers.js reads beside it. */
export function onnxConfig(model: ModelConfig): object {
  const { vocab_size, hidden_size, intermediate_size, num_hidden_layers, rms_norm_eps, max_position_embeddings } =
    model;
  const { num_attention_heads, num_key_value_heads, head_dim } = model;
  return {
    ...{ model_type: "llama", architectures: ["LlamaForCausalLM"], tie_word_embeddings: false },
    ...{ vocab_size, hidden_size, intermediate_size, num_hidden_layers, rms_norm_eps, max_position_embeddings },
    ...{ num_attention_heads, num_key_value_heads, head_dim },
  };
}

/** Names of the cache's values that the graph gives out, layer by layer. */
export const presentNames = ({ num_hidden_layers }: ModelConfig): string[] =>
  Array.from({ length: num_hidden_layers }, (_, i) => [`present.${i}.key`, `present.${i}.value`]).flat();

class Graph {
  private readonly model: ModelConfig;
  private readonly source: ReadonlyMap<string, RandomWeight>;
  private readonly weights: OnnxTensor[] = [];
  private readonly nodes: OnnxNode[] = [];

  constructor(model: ModelConfig, source: ReadonlyMap<string, RandomWeight>) {
    this.model = model;
    this.source = source;
  }

  finish(): OnnxGraph {
    const { model } = this;
    this.lengths();
    this.rotation();
    let x = this.add("Gather", [this.weight("model.embed_tokens"), "input_ids"], "embedded"); // [B, S, C]
    let normed = this.norm(x, "model.layers.0.input_layernorm");
    for (let i = 0; i < model.num_hidden_layers; i++) {
      const at = `model.layers.${i}`;
      const next = i + 1 < model.num_hidden_layers ? `model.layers.${i + 1}.input_layernorm` : "model.norm";
      [normed, x] = this.sumNorm(x, this.attention(normed, at, i), `${at}.post_attention_layernorm`);
      [normed, x] = this.sumNorm(x, this.mlp(normed, `${at}.mlp`), next);
    }
    this.add("MatMul", [normed, this.turned(["lm_head"])], "logits"); // [B, S, V]
    const inputs: OnnxValue[] = [
      { name: "input_ids", type: "int64", shape: ["batch_size", "sequence_length"] },
      { name: "attention_mask", type: "int64", shape: ["batch_size", "total_sequence_length"] },
      ...this.cache("past_key_values", "past_sequence_length"),
    ];
    const logits: OnnxValue = {
      name: "logits",
      type: "float32",
      shape: ["batch_size", "sequence_length", model.vocab_size],
    };
    return {
      inputs,
      outputs: [logits, ...this.cache("present", "total_sequence_length")],
      weights: this.weights,
      nodes: this.nodes,
    };
  }

  /** What attention asks for besides: the last position of each row, and T. */
  private lengths(): void {
    const constant = (name: string, values: bigint[], shape: number[]) => {
      this.weights.push({ name, shape, values: BigInt64Array.from(values) });
      return name;
    };
    const count = this.add("ReduceSum", ["attention_mask", constant("last axis", [1n], [1])], "count", { keepdims: 0 });
    this.add("Cast", [this.add("Sub", [count, constant("one", [1n], [1])], "last position")], "last", { to: 6 });
    const shape = this.add("Shape", ["attention_mask"], "mask shape");
    this.add("Cast", [this.add("Gather", [shape, constant("axis of T", [1n], [])], "mask T")], "total", { to: 6 });
  }

  /** Tables [positions, D/2], of angles rounded to f32 as the reference models have them. */
  private rotation(): void {
    const { head_dim: D, max_position_embeddings: positions, rope } = this.model;
    const frequencies = ropeFrequencies(rope, D);
    const half = frequencies.length;
    for (const [name, of] of [
      ["cos", Math.cos],
      ["sin", Math.sin],
    ] as const) {
      const angle = (i: number) => Math.fround(Math.floor(i / half) * frequencies[i % half]!);
      const values = Float32Array.from({ length: positions * half }, (_, i) => of(angle(i)));
      this.weights.push({ name, shape: [positions, half], values });
    }
  }

  private attention(x: string, at: string, layer: number): string {
    const { num_attention_heads, num_key_value_heads, head_dim } = this.model;
    const projections = ["q_proj", "k_proj", "v_proj"].map((name) => `${at}.self_attn.${name}`);
    const qkv = this.add("MatMul", [x, this.turned(projections)], `${at}.qkv`); // [B, S, (H + 2·KV)·D]
    const past = ["key", "value"].map((name) => `past_key_values.${layer}.${name}`);
    const mixed = `${at}.mixed`; // [B, S, H·D]
    this.nodes.push({
      op: "GroupQueryAttention",
      domain: MICROSOFT,
      inputs: [qkv, "", "", ...past, "last", "total", "cos", "sin"],
      outputs: [mixed, `present.${layer}.key`, `present.${layer}.value`],
      attributes: {
        num_heads: { int: num_attention_heads },
        kv_num_heads: { int: num_key_value_heads },
        scale: { float: 1 / Math.sqrt(head_dim) },
        do_rotary: { int: 1 },
        rotary_interleaved: { int: 0 },
      },
    });
    return this.add("MatMul", [mixed, this.turned([`${at}.self_attn.o_proj`])], `${at}.attention`);
  }

  private mlp(x: string, at: string): string {
    const linear = (name: string, input: string) =>
      this.add("MatMul", [input, this.turned([`${at}.${name}`])], `${at}.${name}.out`);
    const [gate, up] = [linear("gate_proj", x), linear("up_proj", x)];
    const silu = this.add("Mul", [gate, this.add("Sigmoid", [gate], `${at}.sigmoid`)], `${at}.silu`);
    return linear("down_proj", this.add("Mul", [silu, up], `${at}.gated`));
  }

  private norm(x: string, path: string): string {
    const epsilon = { float: this.model.rms_norm_eps };
    const attributes = { axis: { int: -1 }, epsilon, stash_type: { int: 1 } };
    const name = `${path}.out`;
    const inputs = [x, this.weight(path)];
    this.nodes.push({ op: "SimplifiedLayerNormalization", inputs, outputs: [name], attributes });
    return name;
  }

  /** x + y, normalised and as it is. */
  private sumNorm(x: string, y: string, path: string): [normed: string, sum: string] {
    const [normed, sum] = [`${path}.out`, `${path}.in`];
    const attributes = { epsilon: { float: this.model.rms_norm_eps } };
    // Between them come mean and deviation, which nobody asks for; the last sum neither.
    const outputs = path === "model.norm" ? [normed] : [normed, "", "", sum];
    const inputs = [x, y, this.weight(path)];
    this.nodes.push({ op: "SkipSimplifiedLayerNormalization", domain: MICROSOFT, inputs, outputs, attributes });
    return [normed, sum];
  }

  private cache(prefix: string, length: string): OnnxValue[] {
    const { num_hidden_layers, num_key_value_heads: KV, head_dim: D } = this.model;
    return Array.from({ length: num_hidden_layers }, (_, i) =>
      ["key", "value"].map(
        (name): OnnxValue => ({
          name: `${prefix}.${i}.${name}`,
          type: "float32",
          shape: ["batch_size", KV, length, D],
        }),
      ),
    ).flat();
  }

  private weight(path: string): string {
    this.weights.push({ name: path, ...this.source.get(path)! });
    return path;
  }

  /** [in, out] of linears [out, in], side by side. */
  private turned(paths: readonly string[]): string {
    const parts = paths.map((path) => this.source.get(path)!);
    const columns = parts[0]!.shape[1]!;
    const out = parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
    const values = new Float32Array(columns * out);
    let at = 0;
    for (const { shape, values: own } of parts) {
      for (let row = 0; row < shape[0]!; row++, at++) {
        for (let column = 0; column < columns; column++) values[column * out + at] = own[row * columns + column]!;
      }
    }
    const name = paths.join(" ");
    this.weights.push({ name, shape: [columns, out], values });
    return name;
  }

  private add(op: string, inputs: readonly string[], output: string, ints: Record<string, number> = {}): string {
    const attributes = Object.fromEntries(Object.entries(ints).map(([name, int]) => [name, { int }]));
    this.nodes.push({ op, inputs, outputs: [output], attributes });
    return output;
  }
}
