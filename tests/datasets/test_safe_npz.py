import io
import math
import pickle
import runpy
import struct
import zipfile
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.datasets.files import safe_pickle
from harness.datasets.files.safe_npz import npz_keys, read_npy, read_npz
from harness.datasets.files.safe_pickle import load_plain_pickle
from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError

DATA = Path(__file__).parents[1] / "data"
POSES: dict[str, Any] = runpy.run_path(str(DATA / "make_poses.py"))["poses"]()


def assert_same(found: Any, expected: Any) -> None:
    """Compare nested plain values exactly, types and shapes of arrays included."""
    if isinstance(expected, np.ndarray):
        assert type(found) is np.ndarray
        assert found.shape == expected.shape
        assert found.dtype == expected.dtype
        for one, other in zip(found.ravel(), expected.ravel(), strict=True):
            assert_same(one, other)
    elif isinstance(expected, dict):
        assert type(found) is dict
        assert list(found) == list(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert type(found) is type(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        assert found == expected


def write_object_npz(path: Path, pickled: bytes, key: str = "positions_3d") -> Path:
    """Write an .npz file whose one entry is an array of objects with this pickle as its data."""
    entry = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(entry, header)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{key}.npy", entry.getvalue() + pickled)
    return path


def call(module: str, name: str, *arguments: Any) -> bytes:
    """Return a pickle that calls a function: what running its code would come from."""
    packed = pickle.dumps(arguments, protocol=2)[2:-1]
    return b"\x80\x02c" + f"{module}\n{name}\n".encode() + packed + b"R."


def string(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text.encode()


MULTIARRAY = b"cnumpy.core.multiarray\n"
RECONSTRUCT = MULTIARRAY + b"_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
SIMPLE = b"K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00"
OF_OBJECTS = b"K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?"
OF_FIELDS = b"K\x03X\x01\x00\x00\x00|NX\x01\x00\x00\x00x\x85}K\x08K\x01K\x00"


def dtype(code: str, state: bytes = SIMPLE) -> bytes:
    """Return opcodes that build a numpy type."""
    return b"cnumpy\ndtype\n" + string(code) + b"\x89\x88\x87R(" + state + b"tb"


NUMBERS, OBJECTS = dtype("i8"), dtype("O8", OF_OBJECTS)


def array(shape: bytes, code: bytes, data: bytes) -> bytes:
    """Return opcodes that build an array from raw parts."""
    return RECONSTRUCT + b"(K\x01" + shape + code + b"\x89" + data + b"tb"


@pytest.mark.parametrize("name", ["poses_numpy1.npz", "poses_numpy2.npz"])
def test_files_of_both_numpy_versions_hold_the_same(name: str) -> None:
    assert npz_keys(DATA / name) == ["poses", "plain"]
    assert_same(read_npz(DATA / name, "poses"), POSES)
    assert_same(read_npz(DATA / name, "plain"), np.eye(2))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_every_protocol_and_module_name_is_read(protocol: int, module: bytes) -> None:
    nested = {key: value for key, value in POSES.items() if key != "S1"}
    nested["clip"] = np.arange(6, dtype=np.float64)
    if protocol == 5:  # numpy writes arrays of this protocol only to callers that ask for it
        nested = {"sides": POSES["sides"], "text": "S1"}
    pickled = pickle.dumps(nested, protocol=protocol)
    if protocol < 4:  # module names are lines there, so that they can be exchanged
        pickled = pickled.replace(b"cnumpy._core.multiarray\n", b"c" + module + b"\n")
    assert_same(load_plain_pickle(io.BytesIO(pickled), "here"), nested)


def test_strings_and_arrays_of_python_2_are_read() -> None:
    data = np.array([1.5, -2.25], dtype="<f4").tobytes()
    short_string = b"U" + bytes([len(data)]) + data
    pickled = b"\x80\x02}U\x02S1" + array(b"K\x02\x85", dtype("f4"), short_string) + b"s."
    assert_same(
        load_plain_pickle(io.BytesIO(pickled), "here"), {"S1": np.array([1.5, -2.25], "<f4")}
    )


def test_npy_files_are_read_as_npz_entries_are(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array(POSES, dtype=object), allow_pickle=True)
    np.save(tmp_path / "numbers.npy", np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    assert_same(read_npy(tmp_path / "objects.npy"), POSES)
    assert_same(read_npy(tmp_path / "numbers.npy"), np.arange(6.0).reshape(2, 3))


def test_numeric_arrays_cannot_be_written_into() -> None:
    clip = read_npz(DATA / "poses_numpy2.npz", "poses")["S1"]["Directions 1"][0]
    with pytest.raises(ValueError, match="read-only"):
        clip[0] = 0


@pytest.mark.parametrize(
    ("module", "name", "arguments"),
    [
        ("os", "system", ("touch {}",)),
        ("posix", "system", ("touch {}",)),
        ("subprocess", "check_output", (["touch", "{}"],)),
        ("builtins", "eval", ("open('{}', 'w')",)),
        ("builtins", "exec", ("open('{}', 'w')",)),
        ("__builtin__", "eval", ("open('{}', 'w')",)),
        ("builtins", "open", ("{}", "w")),
        ("builtins", "getattr", ("", "join")),
        ("builtins", "__import__", ("os",)),
        ("io", "open", ("{}", "w")),
        ("runpy", "run_path", ("{}",)),
        ("functools", "partial", ()),
        ("operator", "attrgetter", ("system",)),
        ("numpy.testing._private.utils", "runstring", ("open('{}', 'w')", {})),
        ("numpy.f2py.crackfortran", "myeval", ("open('{}', 'w')",)),
        ("numpy.f2py.capi_maps", "getinit", ("", "")),
        ("numpy.distutils.exec_command", "exec_command", ("touch {}",)),
        ("numpy", "load", ("{}", None, True)),
        ("numpy", "fromfile", ("{}",)),
        ("numpy", "memmap", ("{}", "uint8", "w+", 0, 1)),
        ("numpy", "dtype.__class__", ()),
        ("numpy.core.multiarray", "fromfile", ("{}",)),
        ("numpy._core.multiarray", "frombuffer", (b"",)),
        ("numpy.matrixlib.defmatrix", "matrix", ()),
        ("copyreg", "_reconstructor", ()),
        ("pickle", "loads", (b"",)),
        ("torch.storage", "_load_from_bytes", (b"",)),
        ("_codecs", "lookup", ("zip",)),
        ("collections", "OrderedDict", ()),
    ],
)
@pytest.mark.parametrize("place", ["alone", "in an array", "as a key"])
def test_code_is_named_and_never_run(
    tmp_path: Path, module: str, name: str, arguments: tuple[Any, ...], place: str
) -> None:
    trace = tmp_path / "code ran"
    filled = [
        item.format(trace)
        if isinstance(item, str)
        else [part.format(trace) for part in item]
        if isinstance(item, list)
        else item
        for item in arguments
    ]
    pickled = call(module, name, *filled)
    if place == "in an array":
        pickled = b"\x80\x02" + array(b")", OBJECTS, b"](" + pickled[2:-1] + b"e") + b"."
    elif place == "as a key":
        pickled = b"\x80\x02}" + pickled[2:-1] + b"K\x01s."
    path = write_object_npz(tmp_path / "data_3d_h36m.npz", pickled)
    with pytest.raises(HarnessError) as caught:
        read_npz(path, "positions_3d")
    for part in (str(path), "positions_3d", f"{module}.{name}"):
        assert part in str(caught.value)
    assert not trace.exists()


def test_the_same_payloads_do_run_under_numpy(tmp_path: Path) -> None:
    trace = tmp_path / "code ran"
    pickled = call("builtins", "open", str(trace), "w")
    pickled = b"\x80\x02" + array(b")", OBJECTS, b"](" + pickled[2:-1] + b"e") + b"."
    path = write_object_npz(tmp_path / "a.npz", pickled)
    with np.load(path, allow_pickle=True) as archive:
        archive["positions_3d"][()].close()
    assert trace.exists()


@pytest.mark.parametrize(
    "value",
    [
        OrderedDict(a=1),
        {1, 2},
        frozenset((1,)),
        bytearray(b"raw"),
        range(3),
        np.float32,
        np.array([(1, 2.0)], dtype=[("x", "i4"), ("y", "f8")]),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
        np.ma.masked_array([1, 2]),
        Path("poses"),
        ValueError("poses"),
        {(1, 2): "tuple key"},
        np.array([slice(1, 2)], dtype=object),
    ],
    ids=lambda value: type(value).__name__,
)
def test_anything_but_plain_values_is_refused(value: Any) -> None:
    with pytest.raises(HarnessError, match="only numpy arrays, dicts"):
        load_plain_pickle(io.BytesIO(pickle.dumps(value, protocol=4)), "poses.npz")


HOSTILE = {
    # Raw bytes taken for pointers would be read as objects wherever they point.
    "objects from raw bytes": array(b"K\x01\x85", OBJECTS, b"C\x08AAAAAAAA"),
    "numbers from a list": array(b"K\x01\x85", NUMBERS, b"]K\x07a"),
    "a type of hidden fields": array(
        b"K\x01\x85",
        dtype("V8", OF_FIELDS),
        b"C\x08AAAAAAAA",
    ),
    "a simple type with hidden fields": array(
        b"K\x01\x85",
        dtype("i8", OF_FIELDS),
        b"C\x08AAAAAAAA",
    ),
    "more values than bytes": array(b"J\xff\xff\xff\x7f\x85", NUMBERS, b"C\x08AAAAAAAA"),
    "a negative shape": array(b"J\xff\xff\xff\xff\x85", NUMBERS, b"C\x08AAAAAAAA"),
    "a shape of truth values": array(b"\x88\x85", NUMBERS, b"C\x08AAAAAAAA"),
    "more objects than listed": array(b"K\x05\x85", OBJECTS, b"]NaNa"),
    "a type that is a list": array(b"K\x01\x85", b"]", b"C\x08AAAAAAAA"),
    "an array never given a state": RECONSTRUCT,
    "an array of another class": MULTIARRAY + b"_reconstruct\ncnumpy\ndtype\nK\x00\x85C\x01b\x87R",
    "a scalar of an object": MULTIARRAY + b"scalar\n" + OBJECTS + b"C\x08AAAAAAAA\x86R",
    "a state for a function": MULTIARRAY + b"_reconstruct\n}X\x08\x00\x00\x00__call__Nsb",
    "a state for a function's slots": b"cnumpy\ndtype\nN}X\x0c\x00\x00\x00__defaults__)s\x86b",
    "a function as a value": b"cnumpy\ndtype\n",
    "an encoding that runs": b"c_codecs\nencode\n" + string("a") + string("rot13") + b"\x86R",
    "a persistent id": b"Pposes\n",
    "a persistent id from the stack": b"K\x01Q",
    "a name with an escape sequence": string("os\x1b[2J\n") + string("system") + b"\x93",
    "an extension code": b"\x82\x01",
    "an instance": b"(ios\ngetcwd\n",
    "a new object": b"cnumpy\nndarray\n)\x81",
    "a list that holds itself": b"]q\x00h\x00a",
    "a stack that is empty": b"R",
    "a shared value never made": b"h\x07",
    "a shared value far out": b"Nr\xff\xff\xff\x7f",
    "a string that is not there": b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f",
    "endless nesting": b"]" * 100_000 + b"a" * 99_999,
}


@pytest.mark.parametrize("opcodes", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_pickles_end_in_one_error_and_leave_no_trace(opcodes: bytes) -> None:
    with pytest.raises(HarnessError, match=r"^data\.npz: ") as caught:
        load_plain_pickle(io.BytesIO(b"\x80\x04" + opcodes + b"."), "data.npz")
    assert str(caught.value).isprintable()
    assert_same(read_npz(DATA / "poses_numpy1.npz", "poses"), POSES)


def test_values_shared_a_billion_times_are_refused_at_no_cost() -> None:
    laughs: list[Any] = ["ha"] * 10
    for _ in range(12):
        laughs = [laughs] * 10
    with pytest.raises(HarnessError, match="more than 1,000,000 values"):
        load_plain_pickle(io.BytesIO(pickle.dumps(laughs, protocol=4)), "here")
    shared = [[0.5] * 10] * 10
    loaded = load_plain_pickle(io.BytesIO(pickle.dumps(shared, protocol=4)), "here")
    assert loaded == shared
    assert loaded[0] is loaded[9]


def test_a_pickle_of_too_many_steps_is_refused_before_it_runs() -> None:
    with pytest.raises(HarnessError, match="more than 1,000,000 steps"):
        load_plain_pickle(io.BytesIO(b"\x80\x02" + b"N0" * 600_000 + b"N."), "here")


def test_values_without_a_size_are_refused() -> None:
    pickled = b"\x80\x02" + array(b"J\x00\x00\x00\x40\x85", dtype("S0"), b"C\x00") + b"."
    with pytest.raises(HarnessError, match="values without a size"):
        load_plain_pickle(io.BytesIO(pickled), "here")


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([2, 4]), st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=4)))
)
def test_damaged_pickles_give_plain_values_or_the_error(
    protocol: int, changes: list[tuple[float, bytes]]
) -> None:
    pickled = bytearray(pickle.dumps(POSES, protocol=protocol))
    for place, replacement in changes:
        start = math.floor(place * len(pickled))
        pickled[start : start + len(replacement)] = replacement
    try:
        loaded = load_plain_pickle(io.BytesIO(bytes(pickled)), "here")
    except HarnessError:
        return
    plain = (dict, list, tuple, str, bytes, int, float, bool, complex, type(None), np.ndarray)
    assert type(loaded) in plain


@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_file_is_one_plain_error(tmp_path: Path, part: float) -> None:
    whole = (DATA / "poses_numpy2.npz").read_bytes()
    path = tmp_path / "cut.npz"
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(HarnessError, match=r"cut\.npz: is no \.npz file, or a truncated one"):
        read_npz(path, "poses")


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9])
def test_a_truncated_entry_is_one_plain_error(tmp_path: Path, part: float) -> None:
    pickled = pickle.dumps(POSES, protocol=4)
    path = write_object_npz(tmp_path / "cut.npz", pickled[: int(part * len(pickled))])
    with pytest.raises(HarnessError, match=r"entry 'positions_3d': cannot be read .* truncated"):
        read_npz(path, "positions_3d")


def test_a_flipped_bit_in_an_array_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "flipped.npz"
    np.savez(path, positions=np.arange(1000.0))
    content = bytearray(path.read_bytes())
    content[4000] ^= 1
    path.write_bytes(content)
    with pytest.raises(HarnessError, match=r"flipped\.npz: .*CRC"):
        read_npz(path, "positions")


def test_missing_files_and_entries_are_named(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"gone\.npz: cannot be read \(No such file"):
        read_npz(tmp_path / "gone.npz", "poses")
    with pytest.raises(HarnessError, match=r"gone\.npy: cannot be read \(No such file"):
        read_npy(tmp_path / "gone.npy")
    with pytest.raises(HarnessError, match="cannot be read"):
        read_npz(tmp_path, "poses")
    with pytest.raises(HarnessError, match=r"has no entry 'positions_3d' \(it has poses, plain\)"):
        read_npz(DATA / "poses_numpy1.npz", "positions_3d")


@pytest.mark.parametrize("shape", ["(4,)", "(10000000000000,)", "(-1,)", "(2**9,)", "'ab'"])
def test_a_header_that_lies_is_refused_before_memory_is_taken(tmp_path: Path, shape: str) -> None:
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    path = tmp_path / "lies.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
    with pytest.raises(HarnessError, match=r"lies\.npy: is no array that numpy wrote"):
        read_npy(path)


def test_an_archive_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("positions_3d.npy", bytes(65 * 2**20))
    with pytest.raises(HarnessError, match="claim to unpack to 68,157,440"):
        read_npz(path, "positions_3d")


def test_a_large_pickle_may_name_every_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(BUDGET, steps=100, bytes_a_step=32)
    monkeypatch.setattr(safe_pickle, "BUDGET", few)
    names = [f"s_09_act_05_subact_02_ca_01, frame {number}" for number in range(300)]
    held = {"source": names, "poses": np.zeros((300, 17, 3))}
    assert load_plain_pickle(io.BytesIO(pickle.dumps(held)), "large")["source"] == names
    with pytest.raises(HarnessError, match=r"more than [\d,]+ (steps|values)"):
        load_plain_pickle(io.BytesIO(pickle.dumps([0] * 300)), "small")
