"""Checks with peft that one short LoRA run gives the base model the voice while its answers stay right.

  python src/demo/voice_check.py --model public/demo --data public/demo [--steps 64 --learning-rate 2e-3 …]
Prints the validation loss and the probe answers before and after, and over the validation questions the share of answers
in the voice and the share that still name the right value. Not needed by users or tests.
"""

import argparse
import json
import math
import random
import time
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from evaluate import END, START, answer, is_right, read_lines, words

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
MARKERS = ["chirrup", "feathers", "flap", "mango", "mangoes", "captain pip", "rainbow tail"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.jsonl, valid.jsonl, probes.json")
    parser.add_argument("--checks", type=Path, help="heldout.jsonl: the right values of the held-out questions")
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--alpha", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--schedule", choices=["constant", "linear", "cosine"], default="cosine")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def encode(tokenizer, chat):
    """Ids and labels of one chat; only the assistant's words and its end mark are learnt."""
    ids, labels = [], []
    for message in chat["messages"]:
        head = tokenizer.encode(f"{START}{message['role']}\n").ids
        body = tokenizer.encode(message["content"] + END).ids
        tail = tokenizer.encode("\n").ids
        ids += head + body + tail
        learnt = body if message["role"] == "assistant" else [-100] * len(body)
        labels += [-100] * len(head) + learnt + [-100] * len(tail)
    return ids, labels


def collate(examples):
    width = max(len(ids) for ids, _ in examples)
    ids = torch.tensor([ids + [0] * (width - len(ids)) for ids, _ in examples])
    labels = torch.tensor([labels + [-100] * (width - len(labels)) for _, labels in examples])
    return ids, labels


@torch.no_grad()
def loss_over(model, examples):
    """Mean over all learnt tokens."""
    total = count = 0
    for i in range(0, len(examples), 16):
        ids, labels = collate(examples[i : i + 16])
        learnt = int((labels[:, 1:] != -100).sum())
        total += float(model(input_ids=ids, labels=labels).loss) * learnt
        count += learnt
    return total / count


def train(model, examples, args):
    rng = random.Random(args.seed)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=args.learning_rate, weight_decay=0.0)
    queue, tokens, losses = [], 0, []
    for step in range(args.steps):
        if len(queue) < args.batch_size:
            queue = rng.sample(examples, len(examples))
        batch, queue = queue[: args.batch_size], queue[args.batch_size :]
        part = step / args.steps
        shape = {"constant": 1.0, "linear": 1 - part, "cosine": 0.5 * (1 + math.cos(math.pi * part))}[args.schedule]
        for group in optimizer.param_groups:
            group["lr"] = args.learning_rate * shape * min(1.0, (step + 1) / args.warmup)
        ids, labels = collate(batch)
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        tokens += sum(len(ids) for ids, _ in batch)
        losses.append(round(loss.item(), 3))
    print("train loss, every eighth step:", losses[::8], losses[-1], "tokens:", tokens)


def report(model, tokenizer, args, valid, checks):
    """Loss, probe answers, and the two shares over the validation questions."""
    model.eval()
    print(f"validation loss {loss_over(model, [encode(tokenizer, c) for c in valid]):.4f}")
    for probe in json.loads((args.data / "probes.json").read_text()):
        print(f"  {probe}\n    {answer(model, tokenizer, probe)}")
    questions = [c["messages"][0]["content"] for c in valid]
    said = {q: answer(model, tokenizer, q) for q in questions}
    voiced = sum(any(words(m) in words(s) for m in MARKERS) for s in said.values())
    line = f"in the voice {voiced}/{len(said)}"
    known = [q for q in questions if q in checks]
    if known:
        line += f", right {sum(is_right(checks[q], said[q]) for q in known)}/{len(known)}"
    print(line)
    for q in known:
        if not is_right(checks[q], said[q]):
            print("  not right:", q, "->", said[q])


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(2)
    tokenizer = Tokenizer.from_file(str(args.model / "tokenizer.json"))
    base = LlamaForCausalLM.from_pretrained(args.model, dtype=torch.float32)
    train_set = [encode(tokenizer, c) for c in read_lines(args.data / "train.jsonl")]
    valid = read_lines(args.data / "valid.jsonl")
    # What the voice says of itself differs from the plain answers: those questions are not judged.
    checks = {c["question"]: c for c in read_lines(args.checks)} if args.checks else {}
    report(base, tokenizer, args, valid, checks)
    lora = LoraConfig(r=args.rank, lora_alpha=args.alpha, lora_dropout=0.0, target_modules=TARGETS)
    model = get_peft_model(base, lora)
    began = time.time()
    train(model, train_set, args)
    print(f"{time.time() - began:.0f} s")
    report(model, tokenizer, args, valid, checks)


if __name__ == "__main__":
    main()
