"""Trains several networks on one stream of images. argv: seconds, output folder."""
import json, math, os, sys, time, traceback
from pathlib import Path
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "code"))
import cv2, numpy as np, torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset
cv2.setNumThreads(0)
from archive_scripts.training.datasets import load_material, NEGATIVE
from archive_scripts.training.labelled import WrittenSample
from archive_scripts.training.networks import NETWORKS, Weights, save_weights
from archive_scripts.synthesis.script_negatives import script_negatives
from archive_scripts.synthesis.capture import capture
from archive_scripts.synthesis.tensors import reference_tensors
from functools import partial

SECONDS, OUT = float(sys.argv[1]), Path(sys.argv[2])
CUDA = torch.cuda.is_available()
DEV = torch.device("cuda" if CUDA else "cpu")
BATCH = 512 if CUDA else 32
N = 62
NONE = 62
data = np.load(os.environ.get("INK", HERE / "ink.npz"))
INK, LABEL, PART, KIND, PATH = (data[k] for k in ("ink", "label", "part", "kind", "path"))

def build_material():
    glyphs = [HERE / "fontglyphs", HERE / "glyphs"]
    base = load_material(glyph_folders=glyphs, negative_share=0)
    pictures = [{} for _ in range(N)]
    for i in range(len(INK)):
        pictures[LABEL[i]].setdefault(str(PATH[i]), []).append(i)
    pictures = [list(p.values()) for p in pictures]
    chars = [f.write for forms in base.letterforms for f in forms]
    chars += [WrittenSample(INK[i]).write for i in np.flatnonzero((KIND == "scan") & (PART == "train"))]
    negatives = script_negatives(chars, sorted((HERE / "fonts").glob("*.ttf")))
    return base.letterforms, pictures, negatives

def draw(mat, rng):
    forms, pictures, negatives = mat
    if rng.random() < 0.14:
        return capture(negatives.write, rng), NEGATIVE, 3
    c = int(rng.integers(N))
    share = 0.65 * min(1, len(pictures[c]) / 25)
    if rng.random() < share:
        variants = pictures[c][rng.integers(len(pictures[c]))]
        i = variants[0] if rng.random() < 0.4 or len(variants) == 1 else variants[rng.integers(1, len(variants))]
        strength = 1.0 if rng.random() < 0.75 else 0.3
        aug = strength if KIND[i] == "scan" else 0.6 * strength
        ink = capture(partial(WrittenSample(INK[i]).write, strength=strength), rng, aug)
        return ink, c, 1 if PART[i] == "train" else 2
    f = forms[c][rng.integers(len(forms[c]))]
    return capture(f.write, rng), c, 0

SUBSETS = {"all": (0, 1, 2, 3), "split": (0, 1, 3), "synthetic": (0, 3), "real": (1, 3)}

class Stream(IterableDataset):
    def __init__(self, mat): self.mat = mat
    def __iter__(self):
        w = torch.utils.data.get_worker_info()
        cv2.setNumThreads(0); torch.set_num_threads(1)
        rng = np.random.default_rng((7, w.id if w else 0))
        while True:
            items = [draw(self.mat, rng) for _ in range(BATCH)]
            flags = np.array([i[2] for i in items])
            idx = []
            for allowed in SUBSETS.values():
                ok = np.isin(flags, allowed); k = np.arange(BATCH)
                k[~ok] = rng.choice(np.flatnonzero(ok), (~ok).sum())
                idx.append(k)
            yield (torch.from_numpy(np.stack([i[0] for i in items])), torch.tensor([i[1] for i in items]), torch.from_numpy(np.stack(idx)))

REFS = None

def recognition_loss(net, x, y, extra):
    logits = net(x).float()
    t = torch.where(y == NEGATIVE, NONE, y)
    loss = F.cross_entropy(logits, t, label_smoothing=0.05)
    if extra is not None:
        teacher, weight = extra
        with torch.no_grad():
            target = F.softmax(teacher(x).float() / 2, 1)
        kd = F.kl_div(F.log_softmax(logits / 2, 1), target, reduction="batchmean") * 4
        loss = (1 - weight) * loss + weight * kd
    return loss

def similarity_loss(net, x, y, extra):
    both = F.normalize(net(torch.cat([x, REFS.to(x.dtype)]).contiguous(memory_format=torch.channels_last)).float(), dim=1)
    squared = (2 - 2 * both[:-N] @ both[-N:].T).clamp(min=1e-6)
    known = (y != NEGATIVE).float()
    same = (y[:, None] == torch.arange(N, device=y.device)[None]).float()
    logits = 12.0 * (0.45 - squared.sqrt())
    pairs = F.binary_cross_entropy_with_logits(logits, same, reduction="none")
    loss = (pairs * same).sum() / same.sum().clamp(min=1) + (pairs * (1 - same)).sum() / len(x)
    ce = F.cross_entropy(-12.0 * squared, y.clamp(min=0), reduction="none")
    return loss + (ce * known).sum() / known.sum().clamp(min=1)

class Trainee:
    def __init__(self, name, network, outputs, loss, subset, peak, teacher=None):
        self.name, self.network_name, self.outputs, self.subset, self.peak = name, network, outputs, list(SUBSETS).index(subset), peak
        torch.manual_seed(0)
        self.net = NETWORKS[network](outputs).to(DEV).train()
        import copy
        self.ema = copy.deepcopy(self.net).eval().requires_grad_(False)
        decay = [p for p in self.net.parameters() if p.ndim > 1]; plain = [p for p in self.net.parameters() if p.ndim <= 1]
        self.lr = torch.tensor(1e-5, device=DEV)
        self.opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}], lr=self.lr, fused=CUDA, capturable=CUDA)
        self.loss_fn = loss
        self.kd = torch.tensor(0.0, device=DEV)
        self.extra = (teacher.ema, self.kd) if teacher else None
        self.decay = torch.tensor(0.0, device=DEV)
        self.x = torch.zeros(BATCH, 1, 64, 64, device=DEV).contiguous(memory_format=torch.channels_last)
        self.y = torch.zeros(BATCH, dtype=torch.long, device=DEV)
        self.loss = torch.zeros((), device=DEV)
        self.ep = [t for t in self.ema.state_dict().values() if t.is_floating_point()]
        self.np = [t for t in self.net.state_dict().values() if t.is_floating_point()]
        self.graph = None
    def _step(self):
        with torch.autocast(DEV.type, torch.bfloat16, cache_enabled=False):
            loss = self.loss_fn(self.net, self.x, self.y, self.extra)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0, foreach=CUDA or None)
        self.opt.step()
        self.opt.zero_grad(set_to_none=False)
        with torch.no_grad():
            self._ema()
        self.loss.copy_(loss.detach())
    def _ema(self):
        torch._foreach_mul_(self.ep, self.decay)
        torch._foreach_add_(self.ep, torch._foreach_mul(self.np, 1 - self.decay))
    def feed(self, images, labels, idx, lr, decay, kd):
        k = idx[self.subset]
        self.x.copy_(images[k].unsqueeze(1).float() / 255); self.y.copy_(labels[k])
        self.lr.fill_(lr * self.peak); self.decay.fill_(decay); self.kd.fill_(kd)
    def step(self):
        if self.graph is not None: self.graph.replay()
        else: self._step()
    def capture(self):
        side = torch.cuda.Stream(); side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3): self._step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph): self._step()
        self.graph = graph

def main():
    OUT.mkdir(parents=True, exist_ok=True)
    t0 = time.time()
    torch.backends.cuda.matmul.allow_tf32 = True; torch.backends.cudnn.allow_tf32 = True; torch.backends.cudnn.benchmark = True
    mat = build_material(); print("material", time.time() - t0, flush=True)
    workers = max(1, (os.cpu_count() or 2) - 1) if CUDA else 1
    loader = DataLoader(Stream(mat), batch_size=None, num_workers=workers, prefetch_factor=4, pin_memory=CUDA)
    it = iter(loader)
    first = next(it); print("first batch", time.time() - t0, flush=True)
    global REFS
    REFS = reference_tensors(HERE / "references").to(DEV)
    eff_all = Trainee("rec_eff_all", "efficientnet_b0", 63, recognition_loss, "all", 3e-3)
    eff_split = Trainee("rec_eff_split", "efficientnet_b0", 63, recognition_loss, "split", 3e-3)
    T = [eff_all, eff_split,
         Trainee("rec_small_all", "small", 63, recognition_loss, "all", 4e-3, eff_all),
         Trainee("rec_small_split", "small", 63, recognition_loss, "split", 4e-3, eff_split),
         Trainee("small_both", "small", 63, recognition_loss, "split", 4e-3),
         Trainee("small_synthetic", "small", 63, recognition_loss, "synthetic", 4e-3),
         Trainee("small_real", "small", 63, recognition_loss, "real", 4e-3),
         Trainee("sim_eff_all", "efficientnet_b0", 127, similarity_loss, "all", 3e-3),
         Trainee("sim_eff_split", "efficientnet_b0", 127, similarity_loss, "split", 3e-3)]
    images, labels, idx = first
    images, labels, idx = images.to(DEV), labels.to(DEV), idx.to(DEV)
    for t in T:
        t.feed(images, labels, idx, 1e-3, 0.0, 0.0)
        if CUDA:
            try: t.capture()
            except Exception:
                traceback.print_exc(); print("EAGER", t.name, flush=True); t.graph = None
    print("captured", time.time() - t0, flush=True)
    start, step, wait = time.time(), 0, 0.0
    log = []
    while True:
        p = (time.time() - start) / SECONDS
        if p >= 1: break
        a = time.time(); images, labels, idx = next(it); wait += time.time() - a
        images, labels, idx = images.to(DEV, non_blocking=True), labels.to(DEV, non_blocking=True), idx.to(DEV, non_blocking=True)
        lr = p / 0.03 if p < 0.03 else 0.5 * (1 + math.cos(math.pi * (p - 0.03) / 0.97))
        decay = min(0.999, (1 + step) / (10 + step)) if p < .9 else min(0.998, (1 + step) / (10 + step))
        kd = 0.0 if p < 0.12 else 0.6
        for t in T:
            t.feed(images, labels, idx, max(lr, 1e-3), decay, kd); t.step()
        step += 1
        if CUDA and step % 10 == 0: torch.cuda.synchronize()
        if step % 100 == 0 or step < 3:
            if CUDA: torch.cuda.synchronize()
            row = {"step": step, "s": round(time.time() - start, 1), "wait": round(wait, 1), **{t.name: round(float(t.loss), 4) for t in T}}
            log.append(row); print(row, flush=True)
    print("steps", step, "images", step * BATCH, time.time() - t0, flush=True)
    keep = np.flatnonzero(PART != "train")
    result = {"keep": keep}
    with torch.no_grad():
        for t in T:
            parts = []
            for i in range(0, len(keep), 1024):
                x = torch.from_numpy(INK[keep[i:i + 1024]]).to(DEV).unsqueeze(1).float() / 255
                parts.append(t.ema(x.contiguous(memory_format=torch.channels_last)).float().cpu())
            out = torch.cat(parts)
            if t.name.startswith("sim"):
                e = F.normalize(out, dim=1); r = F.normalize(t.ema(REFS.contiguous(memory_format=torch.channels_last)).float().cpu(), dim=1)
                out = (2 - 2 * e @ r.T).clamp(min=0).sqrt()
            result[t.name] = out.half().numpy()
            save_weights(t.ema.cpu().to(memory_format=torch.contiguous_format), Weights(t.network_name, t.outputs), OUT / f"{t.name}.safetensors")
    np.savez_compressed(OUT / "logits.npz", **result)
    for name in ("rec_eff_split", "rec_eff_all", "rec_small_split", "small_both", "small_synthetic", "small_real", "sim_eff_split"):
        o = result[name].astype(np.float32); lab = LABEL[keep]
        guess = o.argmin(1) if name.startswith("sim") else o[:, :N].argmax(1)
        for part in ("test", "valid", "ranjana_handwriting", "ranjana_handwriting_b"):
            for kind in ("scan", "photo", "table"):
                m = (PART[keep] == part) & (KIND[keep] == kind)
                if m.any(): print(name, part, kind, int(m.sum()), round(float((guess[m] == lab[m]).mean()), 4), flush=True)
    for name, m in (("ink_train", PART == "train"), ("ink_other", PART != "train")):
        np.savez_compressed(OUT / f"{name}.npz", ink=INK[m], label=LABEL[m], part=PART[m], kind=KIND[m], path=PATH[m])
    import zipfile
    with zipfile.ZipFile(OUT / "small.zip", "w") as z:
        for f in OUT.glob("*small*.safetensors"): z.write(f, f.name); f.unlink()
    print("done", time.time() - t0, flush=True); os._exit(0)

main()
