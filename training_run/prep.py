"""Ink of real handwriting: scans, photographs of them, photographs of sheets on tables."""
import sys; HERE=__import__('pathlib').Path(__file__).parent; sys.path.insert(0,str(HERE/'code'))
from pathlib import Path
from multiprocessing import Pool
import numpy as np, cv2
cv2.setNumThreads(1)
from handlers.preprocessing import preprocess
from handlers.errors import ImageRefused
from archive_scripts.synthesis.photographs import photograph
from archive_scripts.synthesis.tables import lay_on_table
D=HERE/'data'
def ink(data):
    try: return preprocess(data).ink
    except ImageRefused: return None
def enc(p,q=90): return cv2.imencode('.jpg',p,[1,q])[1].tobytes()
def one(job):
    path,label,part,seed,np_,nt=job
    rng=np.random.default_rng((seed,label,abs(hash(path.stem))%1 if False else sum(map(ord,str(path)[len(str(D)):]))))
    out=[]
    a=ink(path.read_bytes()); out.append((a,label,part,'scan',str(path)))
    if a is None: return out
    for k in range(np_+nt):
        size=[(480,360),(640,480),(800,600)][int(rng.integers(3))]
        p=photograph(a,rng,size=size)
        kind='photo'
        if k>=np_: p=lay_on_table(p,rng); kind='table'
        out.append((ink(enc(p,int(rng.integers(60,95)))),label,part,kind,str(path)))
    return out
jobs=[]
for c in range(62):
    fs=sorted((D/f'ranjana_lipi/class_{c}').glob('*.png'))
    n=len(fs)
    for i,f in enumerate(fs):
        x=(i+.5)/n
        part='valid' if .20<=x<.28 else 'test' if .55<=x<.70 else 'train'
        jobs.append((f,c,part,1,3,1 if part=='train' else 2))
for s in ('ranjana_handwriting','ranjana_handwriting_b'):
    for f in sorted((D/s).glob('class_*.png')): jobs.append((f,int(f.stem[6:]),s,1,3,2))
if __name__=='__main__':
    with Pool(__import__('os').cpu_count()) as p: res=[r for rs in p.imap(one,jobs,chunksize=16) for r in rs]
    bad=[(r[1],r[2],r[3],r[4]) for r in res if r[0] is None]
    print(len(res),'refused',len(bad),bad[:20])
    res=[r for r in res if r[0] is not None]
    np.savez('/dev/shm/ink.npz',ink=np.stack([r[0] for r in res]),label=np.array([r[1] for r in res],np.int16),part=np.array([r[2] for r in res]),kind=np.array([r[3] for r in res]),path=np.array([r[4][len(str(D))+1:] for r in res]))
