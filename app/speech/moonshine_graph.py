"""Moonshine's two networks, written anew for onnxruntime's fused operators, with the numbers of its model files.

What the files themselves hold is an export whose decoder spends two thirds of a step on some 600 operators that reshape
and slice (ADR 0038). These graphs do the same arithmetic with a seventh of the operators.
"""

from typing import Final

import numpy as np

from app.speech.moonshine_weights import REACH, Array, MoonshineWeights, QuantizedMatrix, halve_rate, join
from app.speech.onnx_writer import FLOAT, INT64, MICROSOFT, OnnxGraph, Shape

LAYERS: Final = 6
HEADS: Final = 8
HEAD_WIDTH: Final = 36
MOST_POSITIONS: Final = 2048
"""Frames of 24 ms, and tokens, that one utterance can have."""

_WIDTH: Final = HEADS * HEAD_WIDTH
_INNER_WIDTH: Final = 4 * _WIDTH
_ROTARY_WIDTH: Final = 32
_ROTARY_BASE: Final = 10000
_EPSILON: Final = 1e-5
_BLOCK: Final = 32
_SIGN_SHIFT: Final = 128
_EIGHT_BIT_SOUND: Final = 4  # of MatMulNBits: "accuracy_level"

PAST: Final = tuple(f"past_{kind}{layer}" for layer in range(LAYERS) for kind in ("key", "value"))
PRESENT: Final = tuple(f"present_{kind}{layer}" for layer in range(LAYERS) for kind in ("key", "value"))
HEARD: Final = tuple(f"heard_{kind}{layer}" for layer in range(LAYERS) for kind in ("key", "value"))
"""What the decoder looks at of the sound: keys and values, (1, HEADS, frames, HEAD_WIDTH) each."""


def make_encoder(encoder: MoonshineWeights, decoder: MoonshineWeights) -> bytes:
    """Return the network from `samples` (1, 1, length; 8 kHz, -1 to 1) to HEARD."""
    graph = _Graph(encoder)
    samples = graph.add_input("samples", FLOAT, [1, 1, "length"])
    hidden = graph.add_input_layers(samples)
    change = ""
    for layer in range(LAYERS):
        name = f"layers.{layer}"
        normal, hidden = graph.normalise(hidden, change, f"{name}.input_layernorm.weight")
        query, key, value = graph.project_self(normal, f"/{name}/self_attn", "first")
        mixed = graph.add("MultiHeadAttention", [query, key, value], domain=MICROSOFT, num_heads=HEADS)
        change = graph.multiply(mixed, encoder.matrix(f"/{name}/self_attn/o_proj"))
        normal, hidden = graph.normalise(hidden, change, f"{name}.post_attention_layernorm.weight")
        inner = graph.multiply(normal, encoder.matrix(f"/{name}/mlp/fc1"))
        change = graph.multiply(graph.add("Gelu", [inner], domain=MICROSOFT), encoder.matrix(f"/{name}/mlp/fc2"))
    normal, _ = graph.normalise(hidden, change, "layer_norm.weight")
    graph.add_heard(normal, decoder)
    return graph.to_bytes()


def make_decoder(decoder: MoonshineWeights) -> bytes:
    """Return the network from `tokens` (1, count), `first` (their position), PAST and HEARD to `next` and PRESENT.

    `next` (1, count) is, behind each of the tokens, the most likely one to follow.
    """
    graph = _TokenGraph(decoder)
    tokens = graph.add_input("tokens", INT64, [1, "count"])
    graph.add_input("first", INT64, [1])
    hidden, change = graph.embed(tokens), ""
    for layer in range(LAYERS):
        name, weights = f"/model/decoder/layers.{layer}", f"model.decoder.layers.{layer}"
        normal, hidden = graph.normalise(hidden, change, f"{weights}.input_layernorm.weight_merged_0")
        mixed = graph.attend_to_past(*graph.project_self(normal, f"{name}/self_attn", "first"), layer)
        change = graph.multiply(mixed, decoder.matrix(f"{name}/self_attn/o_proj"))
        normal, hidden = graph.normalise(hidden, change, f"{weights}.post_attention_layernorm.weight_merged_0")
        query = graph.multiply(normal, decoder.matrix(f"{name}/encoder_attn/q_proj"))
        heard = [graph.add_input(f"heard_{kind}{layer}", FLOAT, [1, HEADS, "frames", HEAD_WIDTH]) for kind in _KINDS]
        mixed = graph.add("MultiHeadAttention", [query, *heard], domain=MICROSOFT, num_heads=HEADS)
        change = graph.multiply(mixed, decoder.matrix(f"{name}/encoder_attn/o_proj"))
        normal, hidden = graph.normalise(hidden, change, f"{weights}.final_layernorm.weight_merged_0")
        both = graph.multiply(normal, decoder.matrix(f"{name}/mlp/fc1"))
        inner, gate = graph.split(both, [_INNER_WIDTH, _INNER_WIDTH])
        gate = graph.add("QuickGelu", [gate], domain=MICROSOFT, alpha=1.0)
        change = graph.multiply(graph.add("Mul", [inner, gate]), decoder.matrix(f"{name}/mlp/fc2"))
    normal, _ = graph.normalise(hidden, change, "model.decoder.norm.weight_merged_0")
    scores = graph.multiply(normal, decoder.matrix("/proj_out"))
    graph.add("ArgMax", [scores], output="next", axis=-1, keepdims=0)
    graph.add_output("next", INT64, [1, "count"])
    return graph.to_bytes()


_KINDS: Final = ("key", "value")


class _Graph(OnnxGraph):
    """A graph whose pieces are Moonshine's."""

    def __init__(self, weights: MoonshineWeights) -> None:
        super().__init__()
        self._weights = weights
        steps = _ROTARY_BASE ** -(np.arange(0, _ROTARY_WIDTH, 2) / _ROTARY_WIDTH)
        angles = np.arange(MOST_POSITIONS)[:, None] * steps
        self.add_constant("cosines", np.cos(angles).astype(np.float32))
        self.add_constant("sines", np.sin(angles).astype(np.float32))

    def add_input_layers(self, samples: str) -> str:
        """Put in the three convolutions that make frames of samples; the frames (1, frames, width)."""
        weights = self._weights
        self.add_constant("first", np.zeros(1, np.int64))
        kernel = halve_rate(weights.tensor("conv1.weight_add_tensor"))
        sound = self.add(
            "Conv",
            [samples, self.add_constant("first kernel", kernel)],
            strides=[32],
            kernel_shape=[kernel.shape[2]],
            pads=[REACH, REACH],
        )
        # One group of all channels: an instance of one channel.
        flat = self.add("Reshape", [self.add("Tanh", [sound]), self.add_constant("flat", np.array([0, 1, -1]))])
        ones, zeros = (
            self.add_constant("ones", np.ones(1, np.float32)),
            self.add_constant("zeros", np.zeros(1, np.float32)),
        )
        level = self.add("InstanceNormalization", [flat, ones, zeros], epsilon=_EPSILON)
        level = self.add("Reshape", [level, self.add_constant("wide", np.array([0, _WIDTH, -1]))])
        # Its scale and shift by channel are the same as other weights and another bias of the next convolution.
        kernel, bias = weights.tensor("conv2.weight_add_tensor"), weights.tensor("conv2.bias")
        scale, shift = weights.tensor("onnx::Mul_2080"), weights.tensor("onnx::Add_2081")
        moved = bias + (kernel * shift[None]).sum(axis=(1, 2))
        second = [self.add_constant("second", kernel * scale[None]), self.add_constant("second_bias", moved)]
        sound = self.add("Conv", [level, *second], strides=[3], kernel_shape=[7])
        third = [self._keep("conv3.weight_add_tensor"), self._keep("conv3.bias")]
        sound = self.add("Conv", [self.add("Gelu", [sound], domain=MICROSOFT), *third], strides=[2], kernel_shape=[3])
        return self.add("Transpose", [self.add("Gelu", [sound], domain=MICROSOFT)], perm=[0, 2, 1])

    def embed(self, tokens: str) -> str:
        """Put in the look-up of the tokens' vectors."""
        name = "model.decoder.embed_tokens.weight_merged_0_"
        rows = self.add("Gather", [self._keep(f"{name}quantized"), tokens])
        return self.add("DequantizeLinear", [rows, self._keep(f"{name}scale"), self._keep(f"{name}zero_point")])

    def normalise(self, hidden: str, change: str, weight: str) -> tuple[str, str]:
        """Add `change` (if any) to `hidden`; the normalised sum, and the sum."""
        scale = self._keep(weight)
        if not change:
            return self.add("LayerNormalization", [hidden, scale], axis=-1, epsilon=_EPSILON), hidden
        outputs = [f"{scale} normal", "", "", f"{scale} sum"]
        self.add_many("SkipLayerNormalization", [hidden, change, scale], outputs, domain=MICROSOFT, epsilon=_EPSILON)
        return outputs[0], outputs[3]

    def multiply(self, value: str, matrix: QuantizedMatrix) -> str:
        """Put in a multiplication with 8-bit weights; `value` is brought to 8 bits by its own range."""
        output = self._next_name()
        parts = [("weights", matrix.values), ("scale", matrix.scale), ("zero", matrix.zero_point)]
        parts += [] if matrix.bias is None else [("bias", matrix.bias)]
        inputs = [value, *(self.add_constant(f"{output} {name}", part) for name, part in parts)]
        return self.add("DynamicQuantizeMatMul", inputs, domain=MICROSOFT, output=output)

    def project_self(self, value: str, name: str, first: str) -> tuple[str, str, str]:
        """Put in query, key and value of a self-attention, the first two turned by their positions from `first` on."""
        matrices = [self._weights.matrix(f"{name}/{letter}_proj") for letter in "qkv"]
        query, key, content = self.split(self.multiply(value, join(matrices)), [_WIDTH] * 3)
        return self._turn(query, first), self._turn(key, first), content

    def attend_to_past(self, query: str, key: str, value: str, layer: int) -> str:
        """Put in a self-attention to what came before, which is given and given back."""
        shape: Shape = [1, HEADS, "past", HEAD_WIDTH]
        past = [self.add_input(f"past_{kind}{layer}", FLOAT, shape) for kind in _KINDS]
        present = [f"present_{kind}{layer}" for kind in _KINDS]
        for each in present:
            self.add_output(each, FLOAT, [1, HEADS, "all", HEAD_WIDTH])
        outputs = [self._next_name(), *present]
        inputs = [query, key, value, "", "", "", *past]
        self.add_many("MultiHeadAttention", inputs, outputs, domain=MICROSOFT, num_heads=HEADS, unidirectional=1)
        return outputs[0]

    def add_heard(self, value: str, decoder: MoonshineWeights) -> None:
        """Put in the decoder's keys and values of the sound: the same for every token, so made here, once."""
        small, scale, zero = self.add_many("DynamicQuantizeLinear", [value], [self._next_name() for _ in range(3)])
        by_head = self.add_constant("by_head", np.array([0, 0, HEADS, HEAD_WIDTH]))
        for layer in range(LAYERS):
            for kind in _KINDS:
                output = f"heard_{kind}{layer}"
                matrix = decoder.matrix(f"/model/decoder/layers.{layer}/encoder_attn/{kind[0]}_proj")
                inputs = [
                    small,
                    self.add_constant(f"{output} weights", matrix.values),
                    scale,
                    self.add_constant(f"{output} scale", matrix.scale),
                    zero,
                    self.add_constant(f"{output} zero", matrix.zero_point),
                ]
                wide = self.add("MatMulIntegerToFloat", inputs, domain=MICROSOFT)
                heads = self.add("Reshape", [wide, by_head])
                self.add("Transpose", [heads], output=output, perm=[0, 2, 1, 3])
                self.add_output(output, FLOAT, [1, HEADS, "frames", HEAD_WIDTH])

    def _turn(self, value: str, first: str) -> str:
        return self.add(
            "RotaryEmbedding",
            [value, first, "cosines", "sines"],
            domain=MICROSOFT,
            interleaved=1,
            num_heads=HEADS,
            rotary_embedding_dim=_ROTARY_WIDTH,
        )

    def _keep(self, name: str) -> str:
        return self.add_constant(name, self._weights.tensor(name))


class _TokenGraph(_Graph):
    """A graph in which what comes out for a token does not depend on the tokens that are given with it."""

    def multiply(self, value: str, matrix: QuantizedMatrix) -> str:
        """Put in a multiplication with 8-bit weights; each 32 numbers of `value` are brought to 8 bits by themselves.

        For single tokens that is as fast as one range for all, for many frames it is a third as fast.
        """
        output = self._next_name()
        depth, width = matrix.values.shape
        blocks = depth // _BLOCK
        columns = np.ascontiguousarray(matrix.values.T).astype(np.int16) + _SIGN_SHIFT
        parts = (
            ("weights", columns.astype(np.uint8).reshape(width, blocks, _BLOCK)),
            ("scale", _by_block(matrix.scale, width, blocks)),
            ("zero", (_by_block(matrix.zero_point, width, blocks).astype(np.int16) + _SIGN_SHIFT).astype(np.uint8)),
        )
        inputs = [value, *(self.add_constant(f"{output} {name}", part) for name, part in parts)]
        if matrix.bias is not None:
            inputs += ["", self.add_constant(f"{output} bias", matrix.bias)]
        return self.add(
            "MatMulNBits",
            inputs,
            domain=MICROSOFT,
            output=output,
            K=depth,
            N=width,
            bits=8,
            block_size=_BLOCK,
            accuracy_level=_EIGHT_BIT_SOUND,
        )


def _by_block(values: Array, width: int, blocks: int) -> Array:
    return np.repeat(np.broadcast_to(values, (width,)), blocks)
