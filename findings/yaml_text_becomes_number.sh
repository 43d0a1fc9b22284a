#!/usr/bin/env bash
# A short commit hash such as 1234e56 is a text. PyYAML 6.0.3 writes it without quotes, because in YAML
# 1.1 a number with an exponent needs a point. ruamel.yaml 0.19.1, which DVC reads params.yaml and
# dvc.lock with, follows YAML 1.2, where it is a number: the hash comes back as a float, and as
# infinity where the exponent is large. PyYAML reads its own text back unharmed, so a test of the
# writer alone sees nothing. Seen: '1234e56' -> 1.234e+59, '12e4567' -> inf, '0e12345' -> 0.0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check PyYAML==6.0.3 ruamel.yaml==0.19.1
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import yaml
from ruamel.yaml import YAML

seen = {}
for text in ("1234e56", "12e4567", "0e12345", "1234f56"):
    written = yaml.safe_dump({"commit": text})
    assert yaml.safe_load(written)["commit"] == text, "PyYAML reads its own text back"
    seen[text] = YAML(typ="safe").load(written)["commit"]
    print(f"{written.strip()}  ->  {seen[text]!r}")
expected = {"1234e56": 1.234e59, "12e4567": float("inf"), "0e12345": 0.0, "1234f56": "1234f56"}
assert seen == expected, f"behaviour changed: {seen}"
PYTHON
