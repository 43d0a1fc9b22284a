from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field

from harness.foundation.errors import HarnessError
from harness.foundation.settings import load_settings, validated

PARAMS = """
profile: quick
seeds: [0, 1]
models: [dgnet, fsg, martinez]
shared:
  models: &models
    dgnet:
      network: {channels: 16}
      training: {learning_rate: 1e-3, epochs: 2}
    martinez: {}
profiles:
  quick:
    dataset: {name: synthetic, options: {takes: 2}}
    input_2d: detected
    flip_test: true
    protocols: [h36m17-actionwise]
    models:
      <<: *models
      martinez: {training: {epochs: 3}}
  cmu:
    dataset: {name: cmu}
    input_2d: detected
    flip_test: false
    protocols: [h36m17-actionwise]
    models: *models
"""


@pytest.fixture
def params(tmp_path: Path) -> Path:
    path = tmp_path / "params.yaml"
    path.write_text(PARAMS)
    return path


def refusal(params: Path, old: str, new: str) -> str:
    """Return the plain error after `old` in params.yaml became `new`."""
    text = params.read_text()
    assert old in text
    params.write_text(text.replace(old, new, 1))
    with pytest.raises(HarnessError) as caught:
        load_settings(params)
    return str(caught.value)


def test_a_whole_file_is_read(params: Path) -> None:
    settings = load_settings(params)
    assert settings.models == ["dgnet", "fsg", "martinez"]
    quick = settings.profile_called()
    assert quick.dataset.options == {"takes": 2}
    assert quick.model_called("dgnet").training == {"learning_rate": 0.001, "epochs": 2}
    assert settings.profile_called("cmu").dataset.name == "cmu"


def test_merged_keys_give_way_to_the_profile_s_own(params: Path) -> None:
    settings = load_settings(params)
    assert settings.profile_called("quick").model_called("martinez").training == {"epochs": 3}
    assert settings.profile_called("cmu").model_called("martinez").training == {}


def test_an_unknown_key_is_named_with_the_nearest_valid_one(params: Path) -> None:
    message = refusal(params, "      network:", "      netwrok:")
    # The anchor is merged by both profiles: each use is named.
    first, second = message.split("; unknown key ")
    assert first.startswith(f"{params}: unknown key 'profiles.quick.models.dgnet.netwrok'")
    assert "did you mean 'network'? (known: network, training)" in first
    assert "profiles.cmu.models.dgnet.netwrok" in second


def test_an_unknown_key_at_the_top_is_named(params: Path) -> None:
    assert "unknown key 'seed'; did you mean 'seeds'?" in refusal(params, "shared:", "seed:")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[0, 1]", "[0, one]", """'seeds.1': found "one", expected a valid integer"""),
        ("[0, 1]", "[0, true]", "'seeds.1': found true, expected a valid integer"),
        ("[0, 1]", "[-1]", "'seeds.0': found -1, expected greater than or equal to 0"),
        ("[0, 1]", "[0, .nan]", "'seeds.1': found NaN, expected a finite number"),
        (
            "epochs: 3",
            "epochs: .inf",
            "'profiles.quick.models.martinez.training.epochs': found Inf",
        ),
        ("[0, 1]", "[]", "'seeds': found [], expected at least 1 item"),
        ("[0, 1]", "[3, 3]", "seeds: 3 listed twice"),
        ("[dgnet, fsg, martinez]", "[dgnet, dgnet]", "models: dgnet listed twice"),
        ("flip_test: true", "flip_test: 1", "'profiles.quick.flip_test': found 1, expected a val"),
        ("input_2d: detected", "", "key 'profiles.quick.input_2d' is missing"),
        ("name: synthetic", "name: ../x", """'profiles.quick.dataset.name': found "../x", exp"""),
        ("profile: quick", "profile: quik", "unknown profile 'quik'; did you mean 'quick'?"),
        ("  cmu:", "  quick:", "line 20: key 'quick' is given twice"),
        ("seeds: [0, 1]", "seeds: [0, 1", "is not valid YAML: line 4"),
        ("  cmu:", "  a/b:", "'profiles': name 'a/b': "),
    ],
)
def test_each_mistake_is_one_plain_line(params: Path, old: str, new: str, words: str) -> None:
    message = refusal(params, old, new)
    assert words in message
    assert len(message.splitlines()) == 1


def test_all_mistakes_are_listed_at_once(params: Path) -> None:
    params.write_text(PARAMS.replace("[0, 1]", "[x]").replace("flip_test: false", "flip: false"))
    with pytest.raises(HarnessError) as caught:
        load_settings(params)
    message = str(caught.value)
    for problem in ("'seeds.0': found \"x\"", "unknown key 'profiles.cmu.flip'", "is missing"):
        assert problem in message
    assert "\n" not in message


def test_files_that_are_no_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="no such file; run from the folder"):
        load_settings(tmp_path / "params.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(HarnessError, match="holds list, expected keys"):
        load_settings(tmp_path / "list.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00\x00\x80")
    with pytest.raises(HarnessError, match="not UTF-8"):
        load_settings(tmp_path / "bytes.yaml")


def test_yaml_cannot_run_code(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(f"profile: !!python/object/apply:os.mkdir ['{tmp_path / 'made'}']\n")
    with pytest.raises(HarnessError, match="is not valid YAML"):
        load_settings(path)
    assert not (tmp_path / "made").exists()


class _Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    width: int = 1


class _Network(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sizes: tuple[int, ...] = (1,)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    inner: _Inner | None = None
    parts: list[_Inner] = []


def test_a_list_becomes_the_tuple_a_field_asks_for_but_text_no_number() -> None:
    assert validated(_Network, {"sizes": [2, 3], "dropout": 0}, "x").sizes == (2, 3)
    with pytest.raises(HarnessError, match=r"'dropout': found \"0\.1\", exp"):
        validated(_Network, {"dropout": "0.1"}, "x")


def test_unknown_keys_are_explained_in_optional_and_repeated_sections() -> None:
    for values, key in (
        ({"inner": {"widht": 2}}, "inner.widht"),
        ({"parts": [{}, {"widht": 2}]}, "parts.1.widht"),
    ):
        with pytest.raises(HarnessError) as caught:
            validated(_Network, values, "x")
        assert f"unknown key '{key}'; did you mean 'width'?" in str(caught.value)
