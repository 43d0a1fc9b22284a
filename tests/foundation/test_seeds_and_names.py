"""Seeds with addresses, the nearest name for a mistyped one, nested settings as flat ones."""

import itertools

import pytest

from harness.foundation.dotted import dotted
from harness.foundation.seeds import derive_seed
from harness.foundation.suggest import nearest_name, unknown_name


def test_a_seed_is_the_same_for_ever() -> None:
    # A committed number: results in git depend on it.
    assert derive_seed(0, "order", 1) == 3560704936019802908


def test_seeds_of_different_addresses_differ() -> None:
    addresses = [
        (),
        ("order",),
        ("order", 1),
        ("order", 2),
        ("step", 1, 2),
        ("step", 12),
        ("step", "1", "2", "0"),
        ("init", "dgnet"),
    ]
    seeds = [derive_seed(base, *axes) for base, axes in itertools.product((0, 1, 10), addresses)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_parts_of_an_address_do_not_run_together() -> None:
    assert derive_seed(1, "2", 3) != derive_seed(12, "", 3)
    assert derive_seed(0, "a", "bc") != derive_seed(0, "ab", "c")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("dgnt", "dgnet"), ("semgnc", "semgcn"), ("fsg_fgt", "fsg_ftg"), ("transformer", None)],
)
def test_the_nearest_name_is_offered_where_there_is_one(name: str, nearest: str | None) -> None:
    known = ["dgnet", "semgcn", "fsg", "fsg_ftg"]
    assert nearest_name(name, known) == nearest
    message = str(unknown_name("model", name, known))
    assert message.startswith(f"unknown model '{name}'")
    assert message.endswith("(known: dgnet, fsg, fsg_ftg, semgcn)")
    assert ("did you mean" in message) == (nearest is not None)


def test_of_many_names_the_nearest_are_listed() -> None:
    known = [f"quick/dgnet-seed{seed}" for seed in range(200)]
    message = str(unknown_name("run", "quick/dgnet-seed207", known))
    assert "did you mean 'quick/dgnet-seed27'?" in message
    assert "quick/dgnet-seed20, " in message
    assert message.endswith(" and 192 more)")
    assert message.count("quick/") == 10


def test_nested_settings_get_dotted_names() -> None:
    nested = {"network": {"channels": 8, "unit": ["FSG"]}, "training": {"rate": {"first": 0.1}}}
    assert dotted(nested) == {
        "network.channels": 8,
        "network.unit": ["FSG"],
        "training.rate.first": 0.1,
    }
    assert dotted({}) == {}
