"""Makes the demo's base model: a byte-level BPE tokenizer and a small llama, from the generated corpus.

Needed only to make the model again; nobody who uses or tests Lorikeet runs this. Usage:
  python src/demo/pretrain.py --corpus dist/demo/corpus --out public/demo
With --init it goes on from the weights and the tokenizer of such a folder instead of starting anew.
Reads corpus.jsonl and heldout.jsonl (written by src/cli/demo/write.ts) and writes the model folder as the Hub has it, with
every figure of the run in training.json. Sequences are batched by length and padded on the right: with causal
attention no real token ever sees the padding.
"""

import argparse
import json
import math
import platform
import random
import re
import time
from pathlib import Path

import tokenizers
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

from evaluate import END, START, evaluate, read_lines

END_OF_TEXT = "<|endoftext|>"
MAX_POSITIONS, INITIALIZER_RANGE = 512, 0.03
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder with corpus.jsonl and heldout.jsonl")
    parser.add_argument("--out", type=Path, required=True, help="folder the model is written to")
    parser.add_argument("--init", type=Path, help="folder of an earlier run to go on from; the sizes must be its own")
    parser.add_argument("--vocab-size", type=int, default=1024)
    parser.add_argument("--hidden-size", type=int, default=192)
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument("--heads", type=int, default=6)
    parser.add_argument("--kv-heads", type=int, default=3)
    parser.add_argument("--intermediate-size", type=int, default=512)
    parser.add_argument("--epochs", type=float, default=1)
    parser.add_argument("--batch-tokens", type=int, default=2048, help="tokens of one optimizer step, padding included")
    parser.add_argument("--learning-rate", type=float, default=2.5e-3, help="peak of the cosine, after the warm-up")
    parser.add_argument("--warmup", type=int, default=60, help="optimizer steps")
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def render(document):
    """The text of one document, as the chat template writes it."""
    if "text" in document:
        return document["text"] + END_OF_TEXT
    return "".join(f"{START}{m['role']}\n{m['content']}{END}\n" for m in document["messages"])


def train_tokenizer(texts, vocab_size):
    """Byte-level BPE; the special tokens take the first ids, the 256 bytes follow."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT, START, END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    plain = (re.sub(r"<\|\w+\|>", "\n", text) for text in texts)
    tokenizer.train_from_iterator(plain, trainer)
    assert tokenizer.get_vocab_size() == vocab_size, tokenizer.get_vocab_size()
    return tokenizer


def batches(sequences, batch_tokens, rng):
    """Batches of like length in random order; each is (ids [B, T], labels [B, T] with -100 on padding)."""
    order = sorted(range(len(sequences)), key=lambda i: (len(sequences[i]) + 4 * rng.random(), i))
    groups, group, longest = [], [], 0
    for i in order:
        longest = max(longest, len(sequences[i]))
        if group and longest * (len(group) + 1) > batch_tokens:
            groups.append(group)
            group, longest = [], len(sequences[i])
        group.append(i)
    groups.append(group)
    rng.shuffle(groups)
    for group in groups:
        width = max(len(sequences[i]) for i in group)
        ids = torch.zeros(len(group), width, dtype=torch.long)
        labels = torch.full((len(group), width), -100)
        for row, i in enumerate(group):
            ids[row, : len(sequences[i])] = torch.tensor(sequences[i])
            labels[row, : len(sequences[i])] = torch.tensor(sequences[i])
        yield ids, labels


def build_model(args):
    config = LlamaConfig(
        vocab_size=args.vocab_size,
        hidden_size=args.hidden_size,
        intermediate_size=args.intermediate_size,
        num_hidden_layers=args.layers,
        num_attention_heads=args.heads,
        num_key_value_heads=args.kv_heads,
        head_dim=args.hidden_size // args.heads,
        max_position_embeddings=MAX_POSITIONS,
        rms_norm_eps=1e-6,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=0,
        initializer_range=INITIALIZER_RANGE,
    )
    config._attn_implementation = "sdpa"
    return LlamaForCausalLM(config)


def train(model, sequences, args):
    """One pass of AdamW with warm-up and cosine over the shuffled batches, `epochs` times; returns the figures."""
    rng = random.Random(args.seed)
    plan = [batch for _ in range(math.ceil(args.epochs)) for batch in batches(sequences, args.batch_tokens, rng)]
    plan = plan[: int(len(plan) * args.epochs / math.ceil(args.epochs))]
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": args.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=args.learning_rate, betas=(0.9, 0.98))
    tokens, losses, began = 0, [], time.time()
    for step, (ids, labels) in enumerate(plan):
        warm = min(1.0, (step + 1) / args.warmup)
        rate = args.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / len(plan))))
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        tokens += int((labels != -100).sum())
        losses.append(loss.item())
        if step % 50 == 0 or step == len(plan) - 1:
            recent = sum(losses[-50:]) / len(losses[-50:])
            print(f"step {step}/{len(plan)} loss {recent:.4f} {tokens / (time.time() - began):.0f} tokens/s", flush=True)
    final = sum(losses[-100:]) / len(losses[-100:])
    return {"steps": len(plan), "tokens_seen": tokens, "final_loss": round(final, 4), "minutes": round((time.time() - began) / 60, 1)}


def describe(args):
    """The JSON files beside the weights; config.json in the form that transformers 4 published."""
    config = {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "head_dim": args.hidden_size // args.heads,
        "hidden_act": "silu",
        "hidden_size": args.hidden_size,
        "initializer_range": INITIALIZER_RANGE,
        "intermediate_size": args.intermediate_size,
        "max_position_embeddings": MAX_POSITIONS,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": args.heads,
        "num_hidden_layers": args.layers,
        "num_key_value_heads": args.kv_heads,
        "pad_token_id": 0,
        "rms_norm_eps": 1e-6,
        "rope_scaling": None,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "vocab_size": args.vocab_size,
    }
    special = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    tokenizer_config = {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": {str(i): {"content": t, **special} for i, t in enumerate([END_OF_TEXT, START, END])},
        "bos_token": None,
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": END,
        "model_max_length": MAX_POSITIONS,
        "pad_token": END_OF_TEXT,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": None,
    }
    generation = {"bos_token_id": 0, "do_sample": False, "eos_token_id": [2, 0], "pad_token_id": 0}
    return {"config": config, "tokenizer_config": tokenizer_config, "generation_config": generation}


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def save(model, tokenizer, args):
    """The folder as the Hub has it, weights in bf16; returns the number of parameters (tied embeddings count once)."""
    args.out.mkdir(parents=True, exist_ok=True)
    state = {k: v.to(torch.bfloat16).contiguous() for k, v in model.state_dict().items() if k != "lm_head.weight"}
    save_file(state, args.out / "model.safetensors", metadata={"format": "pt"})
    (args.out / "model.safetensors").chmod(0o644)
    tokenizer.save(str(args.out / "tokenizer.json"))
    for name, value in describe(args).items():
        write_json(args.out / f"{name}.json", value)
    return sum(v.numel() for v in state.values())


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    texts = [render(document) for document in read_lines(args.corpus / "corpus.jsonl")]
    if args.init:
        tokenizer = Tokenizer.from_file(str(args.init / "tokenizer.json"))
        model = LlamaForCausalLM.from_pretrained(args.init, dtype=torch.float32)
    else:
        tokenizer = train_tokenizer(texts[:40000], args.vocab_size)
        model = build_model(args)
    sequences = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    total = sum(map(len, sequences))
    print(f"{len(texts)} documents, {sum(map(len, texts))} characters, {total} tokens", flush=True)
    figures = train(model, sequences, args)
    parameters = save(model, tokenizer, args)
    model.to(torch.bfloat16).float().eval()  # the weights as they ship
    held_out, wrong = evaluate(model, tokenizer, read_lines(args.corpus / "heldout.jsonl"))
    record = {
        "arguments": {k: v for k, v in vars(args).items() if not isinstance(v, Path)},
        **({"earlier": json.loads((args.init / "training.json").read_text())} if args.init else {}),
        "documents": len(texts),
        "corpus_tokens": total,
        "parameters": parameters,
        **figures,
        "held_out": held_out,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "tokenizers": tokenizers.__version__,
        },
    }
    write_json(args.out / "training.json", record)
    print(json.dumps(record, indent=2))
    for question, said in wrong:
        print("wrong:", question, "->", said)


if __name__ == "__main__":
    main()
