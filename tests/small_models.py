"""Tokenizers and models made on the spot: tests need no hub."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import BertConfig, BertForQuestionAnswering, PreTrainedTokenizerFast

BERT_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
T5_SPECIALS = ["<pad>", "</s>", "<unk>"]


def word_piece(texts: Iterable[str], size: int = 2000, **kwargs: Any) -> PreTrainedTokenizerFast:
    """BERT's: [CLS] question [SEP] context [SEP], token types."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=BERT_SPECIALS, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return bert_tokenizer(tokenizer.model, **kwargs)


def bert_tokenizer(model: Any, **kwargs: Any) -> PreTrainedTokenizerFast:
    """BERT's way of cutting texts around a vocabulary that begins with `BERT_SPECIALS`."""
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, BERT_SPECIALS.index(name)) for name in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **kwargs,
    )


def byte_level(
    texts: Iterable[str], size: int = 2000, *, add_prefix_space: bool = False, **kwargs: Any
) -> PreTrainedTokenizerFast:
    """RoBERTa's: <s> question </s></s> context </s>, bytes, trimmed offsets."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<s>", "<pad>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=add_prefix_space
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        sep_token="</s>",
        eos_token="</s>",
        pad_token="<pad>",
        model_input_names=["input_ids", "attention_mask"],
        **kwargs,
    )


def sentence_piece(
    texts: Iterable[str], size: int = 2000, **kwargs: Any
) -> PreTrainedTokenizerFast:
    """T5's: question </s> context </s>, no CLS token, offsets with the leading space."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=T5_SPECIALS, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return t5_tokenizer(tokenizer.model, **kwargs)


def t5_tokenizer(model: Any, **kwargs: Any) -> PreTrainedTokenizerFast:
    """T5's way of cutting texts around a vocabulary that begins with `T5_SPECIALS`."""
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_input_names=["input_ids", "attention_mask"],
        **kwargs,
    )


def tiny_bert(tokenizer: Any, seed: int = 0, **config: Any) -> Any:
    """A BERT reader of a few thousand weights."""
    import torch

    torch.manual_seed(seed)
    settings = {
        "vocab_size": len(tokenizer),
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 128,
        "pad_token_id": tokenizer.pad_token_id,
        # Spread-out logits: with the default 0.02 all answers are near ties.
        "initializer_range": 0.5,
    }
    return BertForQuestionAnswering(BertConfig(**{**settings, **config})).eval()


def fixed_reader(texts: Iterable[str], padding_side: str = "right") -> tuple[Any, Any]:
    """A tiny reader with its tokenizer, the same bytes in every version of every library.

    Recorded answers need that: training a vocabulary breaks ties by hash order, and the order of
    a model's random numbers changed with transformers 5.
    """
    import torch

    words = Counter(re.findall(r"\w+", " ".join(texts).lower()))
    letters = sorted(set("".join(texts).lower()) - {" ", "\n"})
    pieces = [*BERT_SPECIALS, *letters, *(f"##{letter}" for letter in letters)]
    pieces += sorted(word for word, count in words.items() if count > 3 and len(word) > 1)
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = bert_tokenizer(
        models.WordPiece(vocabulary, unk_token="[UNK]"),
        model_max_length=128,
        padding_side=padding_side,
    )
    model = tiny_bert(tokenizer)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            values = np.random.default_rng(crc32(name.encode())).normal(size=weights.shape)
            if "LayerNorm.weight" in name:
                values = np.ones(weights.shape)
            weights.copy_(torch.from_numpy(0.5 * values))
    return model, tokenizer


def save_reader(folder: Path, texts: Iterable[str], seed: int = 0) -> Path:
    """A tiny reader with its tokenizer, as commands want them."""
    tokenizer = word_piece(texts, size=400, model_max_length=128)
    tiny_bert(tokenizer, seed).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
