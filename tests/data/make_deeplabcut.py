"""Write deeplabcut_*.h5.xz as DeepLabCut does, by pandas and the package tables; both were 3.x.

PYTHONPATH=tests python tests/data/make_deeplabcut.py
"""

import lzma
from pathlib import Path

import numpy as np
import pandas as pd
from keypoint_files import COCO_PARTS, coco_person

HERE = Path(__file__).parent
NAMES = ("scorer", "individuals", "bodyparts", "coords")
ONE, TWO = {"": coco_person()}, {"one": coco_person(), "two": coco_person(to_the_right=0.8)}

for name, people in {"deeplabcut_one": ONE, "deeplabcut_two": TWO}.items():
    several = len(people) > 1
    columns = [
        ("net", *([person] if several else []), part, coordinate)
        for person in people
        for part in COCO_PARTS
        for coordinate in ("x", "y", "likelihood")
    ]
    names = [level for level in NAMES if several or level != "individuals"]
    values = np.concatenate([person.reshape(len(person), -1) for person in people.values()], axis=1)
    table = pd.DataFrame(values, columns=pd.MultiIndex.from_tuples(columns, names=names))
    path = HERE / f"{name}.h5"
    table.to_hdf(path, key="df_with_missing", format="table", mode="w")
    (HERE / f"{name}.h5.xz").write_bytes(lzma.compress(path.read_bytes(), preset=9))
    path.unlink()
