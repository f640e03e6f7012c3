/**
 * Sizes of the self-test: those of the built-in demo model wherever a size is compiled into a pipeline, so that the
 * pipelines it makes are those the demo needs a moment later.
 */
import { parseModelConfig } from "../../formats/model-config.ts";

export const SELF_TEST_CONFIG = parseModelConfig(
  {
    model_type: "llama",
    vocab_size: 1024,
    hidden_size: 192,
    intermediate_size: 64,
    num_hidden_layers: 1,
    num_attention_heads: 6,
    num_key_value_heads: 3,
    head_dim: 32,
    rms_norm_eps: 1e-6,
    max_position_embeddings: 512,
    tie_word_embeddings: true,
  },
  "self-test",
);

export const C = SELF_TEST_CONFIG.hidden_size;
export const V = SELF_TEST_CONFIG.vocab_size;
export const H = SELF_TEST_CONFIG.num_attention_heads;
export const KV = SELF_TEST_CONFIG.num_key_value_heads;
export const D = SELF_TEST_CONFIG.head_dim;

/** Two segments end to end, as a packed batch has them; the second is longer than one block of attention. */
export const SEGMENTS = [5, 18] as const;
export const N = SEGMENTS[0] + SEGMENTS[1];
/** First token of each token's own segment, and its place in it. */
export const STARTS = Array.from({ length: N }, (_, token) => (token < SEGMENTS[0] ? 0 : SEGMENTS[0]));
export const POSITIONS = STARTS.map((start, token) => token - start);
