"""Write checkpoint folders with the real tools, and what the tools themselves read in them to expected.json.

python training_write.py FOLDER
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "CUDA_VISIBLE_DEVICES": ""}

import torch  # noqa: E402

torch.manual_seed(0)
torch.set_num_threads(1)


def shapes(state: dict) -> list:
    return [[name, str(tensor.dtype).removeprefix("torch."), list(tensor.shape)] for name, tensor in state.items()]


def tiny_bert():
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(vocab_size=64, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
    return BertForSequenceClassification(config)


class Words(torch.utils.data.Dataset):
    def __len__(self) -> int:
        return 24

    def __getitem__(self, at: int) -> dict:
        generator = torch.Generator().manual_seed(at)
        words = torch.randint(0, 64, (8,), generator=generator)
        return {"input_ids": words, "labels": torch.tensor(int(words[0]) % 2)}


def huggingface(folder: Path) -> dict:
    from transformers import Trainer, TrainingArguments

    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=6,
        per_device_train_batch_size=4,
        learning_rate=3e-3,
        logging_steps=1,
        save_steps=2,
        eval_strategy="steps",
        eval_steps=2,
        load_best_model_at_end=True,
        metric_for_best_model="accuracy",
        greater_is_better=True,
        report_to=["tensorboard"],
        use_cpu=True,
        disable_tqdm=True,
        seed=7,
    )

    def score(p):
        return {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())}

    trainer = Trainer(tiny_bert(), arguments, train_dataset=Words(), eval_dataset=Words(), compute_metrics=score)
    trainer.train()
    trainer.save_model()
    trainer.save_state()
    trainer.save_metrics("eval", trainer.evaluate())
    loaded = torch.load(folder / "checkpoint-2" / "training_args.bin", weights_only=False)
    return {
        "best": trainer.state.best_model_checkpoint,
        "history": trainer.state.log_history,
        "arguments": {k: v for k, v in loaded.to_dict().items() if isinstance(v, bool | int | float | str)},
        "tensors": shapes(trainer.model.state_dict()),
    }


def sharded(folder: Path) -> dict:
    model = tiny_bert()
    model.save_pretrained(folder, max_shard_size="8KB")
    return {"tensors": shapes(model.state_dict()), "shards": sorted(p.name for p in folder.glob("*.safetensors"))}


def lightning(folder: Path) -> dict:
    import lightning
    from lightning.pytorch.callbacks import ModelCheckpoint
    from lightning.pytorch.loggers import CSVLogger

    class Line(lightning.LightningModule):
        def __init__(self, lr: float = 1e-2, betas: tuple = (0.9, 0.99), layers: dict | None = None) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(4, 1)

        def loss(self, batch):
            return self.layer(batch[0]).pow(2).mean()

        def training_step(self, batch, _):
            loss = self.loss(batch)
            self.log("train_loss", loss)
            return loss

        def validation_step(self, batch, _):
            self.log("val_loss", self.loss(batch))

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=self.hparams.lr, betas=self.hparams.betas)

    data = torch.utils.data.TensorDataset(torch.randn(16, 4, generator=torch.Generator().manual_seed(1)))
    loader = torch.utils.data.DataLoader(data, batch_size=4)
    keep = ModelCheckpoint(monitor="val_loss", mode="min", save_top_k=-1, save_last="link")
    trainer = lightning.Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=CSVLogger(str(folder)),
        callbacks=[keep],
        log_every_n_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=str(folder),
    )
    model = Line(lr=2e-2, layers={"width": 4, "kinds": ["linear"]})
    trainer.fit(model, loader, loader)
    return {
        "best": Path(keep.best_model_path).name,
        "best_score": float(keep.best_model_score),
        "tensors": shapes(model.state_dict()),
    }


def torch_files(folder: Path) -> dict:
    folder.mkdir()
    state = {
        "half": torch.zeros(3, 4, dtype=torch.float16),
        "brain": torch.zeros(2, dtype=torch.bfloat16),
        "count": torch.tensor(3),
        "mask": torch.zeros(2, 2, dtype=torch.bool),
        "parameter": torch.nn.Parameter(torch.ones(5)),
        "turned": torch.arange(6.0).reshape(2, 3).t(),
        "eight": torch.zeros(4).to(torch.float8_e4m3fn),
    }
    whole = {"epoch": 4, "global_step": 40, "state_dict": state, "hyper_parameters": {"lr": 0.1, "shape": (2, 3)}}
    torch.save(whole, folder / "zip.pt")
    legacy = {**whole, "state_dict": {k: v for k, v in state.items() if k != "eight"}}
    torch.save(legacy, folder / "legacy.pt", _use_new_zipfile_serialization=False)
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    torch.save(module, folder / "module.pth")
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.randn(4, 3)).sum().backward()
    optimizer.step()
    torch.save({"model": module.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 1}, folder / "epoch_1.pt")
    torch.save({"model": module.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 2}, folder / "epoch_2.pt")
    return {"zip": shapes(state), "legacy": shapes(legacy["state_dict"]), "module": shapes(module.state_dict())}


def safetensors_file(folder: Path) -> dict:
    from safetensors import safe_open
    from safetensors.torch import save_file

    folder.mkdir()
    state = {"a.weight": torch.zeros(3, 4), "a.bias": torch.zeros(3, dtype=torch.bfloat16), "empty": torch.zeros(0, 2)}
    state["scalar"] = torch.tensor(1.5, dtype=torch.float64)
    save_file(state, folder / "model.safetensors", {"lr": "0.1", "note": "by hand"})
    with safe_open(folder / "model.safetensors", "pt") as opened:
        return {"tensors": sorted(shapes({k: opened.get_tensor(k) for k in opened.keys()})), "meta": opened.metadata()}  # noqa: SIM118


def gguf_file(folder: Path) -> dict:
    import numpy
    from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter
    from gguf.quants import quantize

    folder.mkdir()
    writer = GGUFWriter(folder / "tiny-q8_0.gguf", "llama")
    writer.add_name("Tiny")
    writer.add_block_count(2)
    writer.add_context_length(512)
    writer.add_base_model_count(1)
    writer.add_base_model_name(0, "Tiny Base")
    writer.add_base_model_organization(0, "acme")
    writer.add_base_model_repo_url(0, "https://huggingface.co/acme/tiny-base")
    writer.add_token_list([f"token-{number}" for number in range(3000)])
    writer.add_token_scores([0.5] * 3000)
    writer.add_tensor("output.weight", numpy.ones((4, 8), numpy.float32))
    weights = numpy.linspace(-1, 1, 4 * 64, dtype=numpy.float32).reshape(4, 64)
    writer.add_tensor("blk.0.w", quantize(weights, GGMLQuantizationType.Q8_0), raw_dtype=GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    read = GGUFReader(folder / "tiny-q8_0.gguf")
    tensors = [[t.name, t.tensor_type.name.lower(), [int(n) for n in reversed(t.shape)]] for t in read.tensors]
    offsets = [int(t.data_offset) for t in read.tensors]
    return {"tensors": tensors, "offsets": offsets}


def onnx_file(folder: Path) -> dict:
    import numpy
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir()
    weights = numpy.ones((4, 3), numpy.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 3])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(numpy.arange(5), "i")],
    )
    model = helper.make_model(
        graph, producer_name="maker", producer_version="2", opset_imports=[helper.make_opsetid("", 17)]
    )
    helper.set_model_props(model, {"trained_by": "somebody", "auc": "0.91"})
    onnx.save(model, folder / "inside.onnx")
    onnx.save(model, folder / "outside.onnx", save_as_external_data=True, location="outside.data", size_threshold=0)
    names = {v: k.lower() for k, v in TensorProto.DataType.items()}
    tensors = [[t.name, names[t.data_type].replace("float", "float32"), list(t.dims)] for t in graph.initializer]
    return {"tensors": tensors, "props": {p.key: p.value for p in model.metadata_props}}


def tensorboard(folder: Path) -> dict:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        for step in range(50):
            writer.add_scalar("train/loss", 1 / (step + 1), step)
            if step % 10 == 0:
                writer.add_scalar("eval/acc", step / 50, step, new_style=True)
        writer.add_histogram("weights", torch.randn(100), 1)
    torch.save({"w": torch.zeros(2)}, folder / "model.pt")
    read = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0}).Reload()
    found = {tag: [[e.step, e.wall_time, e.value] for e in read.Scalars(tag)] for tag in read.Tags()["scalars"]}
    for tag in read.Tags()["tensors"]:
        events = read.Tensors(tag)
        found[tag] = [[e.step, e.wall_time, e.tensor_proto.float_val[0]] for e in events]
    return {"scalars": found}


HYDRA = """
import hydra, torch
@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(config):
    torch.save({"w": torch.zeros(2), "epoch": 3}, "model.pt")
main()
"""


def hydra(folder: Path) -> dict:
    (folder / "conf").mkdir(parents=True)
    (folder / "conf" / "config.yaml").write_text(
        "optimizer:\n  lr: 1e-3\n  name: adam\nseed: 1\nhydra:\n  job:\n    chdir: true\n"
    )
    (folder / "app.py").write_text(HYDRA)
    subprocess.run([sys.executable, "app.py", "optimizer.lr=5e-4", "+extra=yes"], cwd=folder, check=True)
    return {"runs": sorted(str(p.parent.relative_to(folder)) for p in folder.glob("outputs/*/*/.hydra"))}


def main() -> None:
    root = Path(sys.argv[1])
    root.mkdir(parents=True, exist_ok=True)
    makers = {
        "hf": huggingface,
        "sharded": sharded,
        "lightning": lightning,
        "torch": torch_files,
        "safetensors": safetensors_file,
        "gguf": gguf_file,
        "onnx": onnx_file,
        "tensorboard": tensorboard,
        "hydra": hydra,
    }
    found = {name: make(root / name) for name, make in makers.items()}
    root.with_name("expected.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
