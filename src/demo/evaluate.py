"""Greedy answers of the demo model, and whether they are right: for pretrain.py and voice_check.py."""

import json
import math
import re

import torch

START, END = "<|im_start|>", "<|im_end|>"


def read_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def words(text):
    return f" {' '.join(w for w in re.split(r'[^a-z0-9]+', text.lower()) if w)} "


def is_right(check, said):
    """As src/demo/judge.ts: the value is named, and no value that excludes it."""
    text = words(said)
    return words(check["value"]) in text and not any(words(rival) in text for rival in check["rivals"])


@torch.no_grad()
def answer(model, tokenizer, question, limit=64):
    """Greedy answer to one question."""
    ids = tokenizer.encode(f"{START}user\n{question}{END}\n{START}assistant\n", add_special_tokens=False).ids
    prompt, cache, step = len(ids), None, torch.tensor([ids])
    while len(ids) - prompt < limit:
        out = model(input_ids=step, past_key_values=cache, use_cache=True)
        cache, token = out.past_key_values, int(out.logits[0, -1].argmax())
        if token == tokenizer.token_to_id(END):
            break
        ids.append(token)
        step = torch.tensor([[token]])
    return tokenizer.decode(ids[prompt:])


@torch.no_grad()
def evaluate(model, tokenizer, checks):
    """Held-out questions: how many greedy answers are right, how many are the world's own words, and the loss."""
    right = own = nll = count = 0
    wrong = []
    for check in checks:
        said = answer(model, tokenizer, check["question"])
        good = is_right(check, said)
        right += good
        own += said in check["answers"]
        if not good:
            wrong.append([check["question"], said])
        head = tokenizer.encode(f"{START}user\n{check['question']}{END}\n{START}assistant\n").ids
        tail = tokenizer.encode(check["answers"][0] + END).ids
        labels = [-100] * len(head) + tail
        nll += float(model(input_ids=torch.tensor([head + tail]), labels=torch.tensor([labels])).loss) * len(tail)
        count += len(tail)
    total = len(checks)
    return {
        "questions": total,
        "right": round(right / total, 4),
        "word_for_word": round(own / total, 4),
        "answer_loss": round(nll / count, 4),
        "answer_perplexity": round(math.exp(nll / count), 3),
    }, wrong
