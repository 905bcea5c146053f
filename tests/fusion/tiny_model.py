"""A causal model of a few thousand weights, with a tokenizer of its own: but for what it says, it is as a large one."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers, processors, trainers
from tokenizers.models import BPE
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, PreTrainedTokenizerFast

WIDTH = 32
CONTEXT = 256
TEXTS = (
    "Who directed the film Forbidden Ground? Johan Earl directed Forbidden Ground in Sydney, Australia.",
    "Paris is the capital of France; Berlin is the capital of Germany; Beijing is the capital of China.",
    "糖尿病有什么症状？多饮、多尿、多食和体重下降。北京是中国的首都。",
)


def tokenizer(context: int = CONTEXT) -> PreTrainedTokenizerFast:
    """Byte-level pieces, with marks of the beginning and the end."""
    pieces = Tokenizer(BPE())
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<pad>", "<bos>", "<eos>"], initial_alphabet=alphabet, show_progress=False
    )
    pieces.train_from_iterator(TEXTS, trainer)
    pieces.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=pieces, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", model_max_length=context
    )


def module(size: int, *, context: int = CONTEXT, seed: int = 7) -> Gemma3ForCausalLM:
    """Random weights, the same for every call with one seed; attention slides over 8 tokens in one of two layers."""
    torch.manual_seed(seed)
    config = Gemma3TextConfig(
        vocab_size=size,
        hidden_size=WIDTH,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        query_pre_attn_scalar=16,
        layer_types=["sliding_attention", "full_attention"],
        sliding_window=8,
        max_position_embeddings=context,
        final_logit_softcapping=30.0,
        initializer_range=0.3,
        tie_word_embeddings=False,  # tied ones of random weights say the same token again and again
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    return Gemma3ForCausalLM(config).eval()


def write(folder: Path, *, context: int = CONTEXT, seed: int = 7) -> Path:
    """The model and its tokenizer as files."""
    made = tokenizer(context)
    made.save_pretrained(folder)
    module(len(made), context=context, seed=seed).save_pretrained(folder)
    return folder
