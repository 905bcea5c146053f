"""The MiniLM sentence encoder as an ONNX graph, written from its weights without torch.

    ids (1, s) → word + position + type embeddings → LayerNorm
      6 × { self-attention of 12 heads → add, LayerNorm → 1536 → GELU → 384 → add, LayerNorm }
      → tokens                                                                          (s, 384)
      → mean over the tokens → unit length → vector                                     (1, 384)

Sentence-BERT, https://arxiv.org/abs/1908.10084; MiniLM, https://arxiv.org/abs/2002.10957. One text a run: without
padding there is nothing to mask, and a vector cannot depend on what else is in the batch.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx

Array = npt.NDArray[Any]

LAYERS = 6
HEADS = 12
WIDTH = 384
EPSILON = 1e-12
PRECISIONS = ("int8", "fp32")
OUTPUTS: dict[str, tuple[int | str, int]] = {"vector": (1, WIDTH), "tokens": ("s", WIDTH)}
LEVELS = 63  # of a weight's magnitude in int8: with 127 the products of two neighbours overflow 16 bits on AVX2


def build(tensors: "Mapping[str, Array]", *, precision: str) -> "onnx.ModelProto":
    """The encoder as an ONNX model over the tensors of a BERT checkpoint: ids (1, s) int64 → ``OUTPUTS``.

    ``int8`` holds the matrices in 8 bits, one scale a column, and quantises what enters them, one scale a text.
    """
    return _Writer(tensors, quantise=precision == "int8").model()


class _Writer:
    def __init__(self, tensors: "Mapping[str, Array]", *, quantise: bool) -> None:
        self._tensors = tensors
        self._quantise = quantise
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def model(self) -> "onnx.ModelProto":
        from onnx import TensorProto, helper

        x = self._embeddings()
        for layer in range(LAYERS):
            x = self._layer(x, f"encoder.layer.{layer}.")
        self._node("Squeeze", [x, self._constant("text_axis", np.array([0]))], "tokens")  # (s, d)
        x = self._node("ReduceMean", [x, self._constant("token_axis", np.array([1]))], "mean", keepdims=0)  # (1, d)
        self._node("LpNormalization", [x], "vector", axis=-1, p=2)
        graph = helper.make_graph(
            self._nodes,
            "minilm",
            [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "s"])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in OUTPUTS.items()],
            self._constants,
        )
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)

    def _embeddings(self) -> str:
        tensors = self._tensors
        positions = (
            tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
        )
        words = self._constant("words", tensors["embeddings.word_embeddings.weight"])
        x = self._node("Gather", [words, "ids"], "word_rows")  # (1, s, d)
        length = self._node("Shape", ["ids"], "length", start=1, end=2)
        zero = self._constant("zero", np.array([0]))
        rows = self._node("Slice", [self._constant("positions", positions), zero, length, zero], "position_rows")
        x = self._node("Add", [x, rows], "embedded")
        return self._norm(x, "embeddings.LayerNorm", "embedded_norm")

    def _layer(self, x: str, layer: str) -> str:
        heads = [f"{layer}attention.self.{part}" for part in ("query", "key", "value")]
        weight = np.concatenate([self._tensors[f"{head}.weight"].T for head in heads], axis=1)  # (d, 3d)
        bias = self._constant(f"{layer}qkv.bias", np.concatenate([self._tensors[f"{head}.bias"] for head in heads]))
        joined = self._linear(x, f"{layer}qkv", weight, bias)  # (1, s, 3d)
        sizes = self._constant(f"{layer}sizes", np.array([WIDTH] * 3))
        parts = [f"{layer}{part}" for part in ("q", "k", "v")]
        self._node("Split", [joined, sizes], *parts, axis=-1)
        context = self._fused("MultiHeadAttention", parts, f"{layer}context", num_heads=HEADS)
        x = self._add_norm(x, context, f"{layer}attention.output.")
        name = f"{layer}intermediate.dense"
        wide = self._linear(x, name, self._tensors[f"{name}.weight"].T)  # (1, s, 4d)
        wide = self._fused("BiasGelu", [wide, self._tensor(f"{name}.bias")], f"{layer}gelu")
        return self._add_norm(x, wide, f"{layer}output.")

    def _add_norm(self, x: str, inner: str, prefix: str) -> str:
        """LayerNorm(x + inner · W + b)."""
        bias = self._tensor(f"{prefix}dense.bias")
        projected = self._linear(inner, f"{prefix}dense", self._tensors[f"{prefix}dense.weight"].T, bias)
        return self._norm(self._node("Add", [x, projected], f"{prefix}sum"), f"{prefix}LayerNorm", f"{prefix}normed")

    def _norm(self, x: str, name: str, output: str) -> str:
        # Two standard operators: SkipLayerNormalization, which does both, takes four times as long on a processor.
        weights = [self._tensor(f"{name}.weight"), self._tensor(f"{name}.bias")]
        return self._node("LayerNormalization", [x, *weights], output, axis=-1, epsilon=EPSILON)

    def _linear(self, x: str, name: str, weight: Array, bias: str = "") -> str:
        """x · W, and + b where a bias is given."""
        if not self._quantise:
            product = self._node("MatMul", [x, self._constant(f"{name}.matrix", weight)], f"{name}.product")
            return self._node("Add", [product, bias], f"{name}.biased") if bias else product
        scale = (np.abs(weight).max(axis=0) / LEVELS).astype(np.float32)  # (columns,)
        inputs = [
            x,
            self._constant(f"{name}.matrix", np.round(weight / scale).astype(np.int8)),
            self._constant(f"{name}.scale", scale),
            self._constant(f"{name}.zero", np.zeros(len(scale), np.int8)),
            *([bias] if bias else []),
        ]
        return self._fused("DynamicQuantizeMatMul", inputs, f"{name}.product")

    def _tensor(self, name: str) -> str:
        return self._constant(name, self._tensors[name])

    def _constant(self, name: str, value: Array) -> str:
        from onnx import numpy_helper

        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _node(self, kind: str, inputs: list[str], *outputs: str, domain: str = "", **attributes: Any) -> str:
        from onnx import helper

        self._nodes.append(helper.make_node(kind, inputs, list(outputs), domain=domain, **attributes))
        return outputs[0]

    def _fused(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """One of ONNX Runtime's own operators, which do in one step what the standard needs many for."""
        return self._node(kind, inputs, output, domain="com.microsoft", **attributes)
