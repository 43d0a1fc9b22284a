"""Downloading what may be downloaded: files of the CMU mocap database, checked.

The database's site serves every file by itself, subjects/02/02.asf and subjects/02/02_01.amc; that
layout is public, and its pages link to it. Sums of some files ship with the code. A file without a
known sum must be a skeleton or a motion that the importer can read; its sum is then kept in
SHA256SUMS beside the files, and holds from then on.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.datasets.cmu.acclaim import read_amc, read_asf
from harness.datasets.cmu.splits import split_called
from harness.datasets.cmu.sums import parsed_sums, shipped_sums
from harness.datasets.cmu.trials import ACTIONS
from harness.foundation.errors import HarnessError
from harness.foundation.files import Unwritable, atomic_file, sha256_of_file

CMU_URL = "http://mocap.cs.cmu.edu/subjects"
SUMS = "SHA256SUMS"
_TIMEOUT_SECONDS = 30
# Trials are numbered from 1 with few gaps; after so many numbers that the site does not have, a
# subject has no more.
_GAP = 3


@dataclass
class Fetched:
    """How many files were downloaded, and how many were there already and right."""

    downloaded: int = 0
    kept: int = 0


def fetch_cmu(
    folder: Path,
    *,
    subjects: Sequence[str] = (),
    trials: Sequence[str] = (),
    split: str | None = None,
    base_url: str = CMU_URL,
    say: Callable[[str], None] = print,
) -> Fetched:
    """Download subjects and trials of the CMU database into `folder`/subjects/NN.

    Args:
        folder: what `harness data prepare cmu --raw` takes afterwards.
        subjects: subjects to download with all their trials, such as "02".
        trials: single trials, such as "02_04"; their subject's skeleton comes with them.
        split: all trials of a split: the name of one that ships or the path of a CSV file.
        base_url: where the folders of the subjects are.
        say: told each file that is downloaded, and why where one was there.

    Returns:
        The numbers of files downloaded and kept.

    Raises:
        HarnessError: nothing was asked for, a name is no subject or trial, the site cannot be
            reached or lacks a file, a file is not what it should be. Files that were right stay.
    """
    if split is not None:
        of_split = split_called(split)
        of_split.check_subjects({name: name.partition("_")[0] for name in of_split.trials})
        trials = [*trials, *of_split.trials]
    for name, pattern in [(s, r"\d\d+") for s in subjects] + [(t, r"\d\d+_\d\d+") for t in trials]:
        if not re.fullmatch(pattern, name):
            raise HarnessError(
                f"'{name}' names no subject or trial; give --subjects like 01,02 and --trials "
                "like 05_01"
            )
    if not (subjects or trials):
        raise HarnessError(
            "say what to download with --split cmu26, --subjects 01,02 or --trials 05_01"
        )
    download = _Download(folder, base_url.rstrip("/"), say)
    for subject in subjects:
        download.skeleton(subject)
        listed = [trial for trial in ACTIONS if trial.startswith(f"{subject}_")]
        if listed:
            for trial in listed:
                download.motion(trial)
        else:
            download.motions_until_gap(subject)
    for trial in trials:
        download.skeleton(trial.partition("_")[0])
        download.motion(trial)
    return download.fetched


class _NotThere(HarnessError):
    """The site has no such file."""


class _Download:
    """One download: where from, where to, and the sums that files must have."""

    def __init__(self, folder: Path, base_url: str, say: Callable[[str], None]) -> None:
        self.folder, self.base_url, self.say = folder, base_url, say
        self.fetched = Fetched()
        self.recorded = dict(_sums_in(folder / SUMS))
        self.known = self.recorded | {
            f"subjects/{name}": digest for name, digest in shipped_sums().items()
        }
        self.done: set[str] = set()

    def skeleton(self, subject: str) -> None:
        self._get(f"{subject}/{subject}.asf", lambda path: read_asf(path))

    def motion(self, trial: str) -> None:
        subject = trial.partition("_")[0]
        skeleton = self.folder / "subjects" / subject / f"{subject}.asf"
        self._get(f"{subject}/{trial}.amc", lambda path: read_amc(path, read_asf(skeleton)))

    def motions_until_gap(self, subject: str) -> None:
        number, missing = 1, 0
        while missing < _GAP:
            try:
                self.motion(f"{subject}_{number:02d}")
                missing = 0
            except _NotThere:
                missing += 1
            number += 1
        self.say(f"{subject}: no trials {number - _GAP:02d} to {number - 1:02d}, so it is complete")

    def _get(self, name: str, read: Callable[[Path], object]) -> None:
        """Have one file, right, under `folder`/subjects."""
        key, path = f"subjects/{name}", self.folder / "subjects" / name
        if key in self.done:
            return
        digest = self.known.get(key)
        problem = _problem(path, digest, read) if path.exists() else None
        if path.exists() and problem is None:
            self.fetched.kept += 1
        else:
            reason = "" if problem is None else f" again: {problem}"
            self.say(f"downloading {name}{reason}")
            self._retrieve(name, path, digest, read)
            self.fetched.downloaded += 1
        self.done.add(key)
        self._record(key, path)

    def _retrieve(
        self, name: str, path: Path, digest: str | None, read: Callable[[Path], object]
    ) -> None:
        """Download one file beside `path`, which it replaces once it is found right."""
        import pooch
        import requests

        url, new = f"{self.base_url}/{name}", path.with_name(f".{path.name}.new")
        pooch.get_logger().setLevel("WARNING")
        try:
            new.unlink(missing_ok=True)
            pooch.retrieve(
                url,
                known_hash=digest,
                fname=new.name,
                path=new.parent,
                downloader=pooch.HTTPDownloader(timeout=_TIMEOUT_SECONDS),
            )
        except requests.HTTPError as error:
            status = None if error.response is None else error.response.status_code
            if status == 404:
                raise _NotThere(
                    f"{url}: the site has no such file; check the number, or look at the site"
                ) from error
            raise HarnessError(f"{url}: the site answers {status}; try again later") from error
        except requests.RequestException as error:
            raise HarnessError(
                f"{url}: the site cannot be reached, or hung up ({type(error).__name__}); check "
                f"the network and run the same command again, or put the file at {path} yourself"
            ) from error
        except ValueError as error:
            found = re.search(r"but got ([0-9a-f]+)", str(error))
            raise HarnessError(
                f"{url}: the file's SHA-256 is not the known {digest} but "
                f"{found[1] if found else 'another'}: it was damaged on the way or changed on the "
                "site; run the same command again, and if that ends in the same way, put a file "
                f"with the known sum, from another copy, at {path}"
            ) from error
        except OSError as error:
            raise Unwritable(path, error) from error
        problem = _problem(new, digest, read)
        if problem is not None:
            new.unlink()
            raise HarnessError(f"{url}: is not what it should be: {problem}")
        new.replace(path)

    def _record(self, key: str, path: Path) -> None:
        digest = sha256_of_file(path)
        if self.recorded.get(key) != digest:
            self.recorded[key] = digest
            with atomic_file(self.folder / SUMS) as stream:
                for name, value in sorted(self.recorded.items()):
                    stream.write(f"{value}  {name}\n")


def _problem(path: Path, digest: str | None, read: Callable[[Path], object]) -> str | None:
    """Say what is wrong with a file that is there; without a known sum it must be readable."""
    if digest is not None:
        return None if sha256_of_file(path) == digest else f"its SHA-256 is not {digest}"
    try:
        read(path)
    except HarnessError as error:
        return str(error)
    return None


def _sums_in(path: Path) -> Iterator[tuple[str, str]]:
    try:
        return parsed_sums(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return iter(())
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessError(f"{path}: cannot be read ({error}); remove it") from error
