"""A membership file is believed whole or not at all."""

from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.audiences.membership_file import MembershipFile
from airflow_provider_rokt.exceptions import RoktAudienceError, RoktStorageError
from airflow_provider_rokt.storage.local_folder import LocalFolder
from airflow_provider_rokt.storage.store_folder import StoreFolder
from tests.audiences.people import address, hashed

Folder = LocalFolder | StoreFolder


def people(count: int) -> list[bytes]:
    return sorted(hashed(address(number)).encode() for number in range(count))


def write(folder: Folder, count: int, **header: object) -> MembershipFile:
    file = MembershipFile(folder, "members")
    file.write({"generation": "1", **header}, iter(people(count)))
    return file


def content(folder: Folder) -> bytes:
    with folder.read("members") as file:
        return file.read()


@pytest.mark.parametrize("count", [0, 1, 2, 4_095, 4_096, 4_097, 10_000])
def test_persons_come_back(folder: Folder, count: int) -> None:
    file = write(folder, count, settings={"audience": "vip"})
    header = file.header()
    assert header is not None
    assert header["settings"] == {"audience": "vip"}
    assert list(file.persons()) == people(count)


def test_it_holds_32_bytes_a_person_and_no_address(folder: Folder) -> None:
    write(folder, 1_000)
    data = content(folder)
    assert len(data) - data.index(b"\n") - 1 == 32 * 1_001
    assert b"@example" not in data
    assert b"jane" not in data


def test_there_may_be_no_file(folder: Folder) -> None:
    assert MembershipFile(folder, "members").header() is None


@given(st.data())
def test_any_damage_is_seen_and_nothing_is_sent(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = LocalFolder(tmp_path_factory.mktemp("damaged"))
    file = write(folder, data.draw(st.integers(0, 5)))
    good = content(folder)
    place = data.draw(st.integers(0, len(good) - 1))
    bad = data.draw(
        st.sampled_from(
            [
                good[:place],
                good[:place] + good[place + 1 :],
                good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :],
                good + b"x",
                good[: place - place % 32] + good[place - place % 32 + 32 :],
            ]
        )
    )
    folder.put("members", bad)
    if bad == good:
        return
    with pytest.raises(
        RoktAudienceError, match=r"cannot be used.*Nothing was sent\. Restore it, or start over .airflow rokt"
    ):
        assert file.header()
        list(file.persons())


@pytest.mark.parametrize(
    "foreign", [b"", b"jane@example.com\n", b"[]\n", b'{"format": "other"}\n', b'{"kind": "report"}']
)
def test_a_foreign_file_is_refused_without_being_quoted(folder: Folder, foreign: bytes) -> None:
    folder.write("members", [foreign])
    with pytest.raises(RoktAudienceError, match="not a membership file of this provider") as refused:
        MembershipFile(folder, "members").header()
    assert "jane" not in str(refused.value)


def test_a_file_of_another_version_is_refused(folder: Folder) -> None:
    folder.write("members", [b'{"format": "rokt-membership", "version": 2}\n'])
    with pytest.raises(RoktAudienceError, match="version 2, this provider reads 1"):
        MembershipFile(folder, "members").header()


def test_the_checksum_is_of_everything_before(folder: Folder) -> None:
    write(folder, 3)
    data = content(folder)
    assert data[-32:] == sha256(data[:-32]).digest()
    persons = [data[-128 + place :][:32] for place in (0, 32, 64)]
    assert all(first < second for first, second in pairwise(persons))


def test_a_storage_that_fails_while_it_is_read_is_told(tmp_path: Path) -> None:
    class Failing(LocalFolder):
        """Its disk fails behind the header."""

        def read(self, name: str) -> BinaryIO:
            file = BytesIO(super().read(name).read())
            file.read = fail  # type: ignore[method-assign]
            return file

    def fail(size: int | None = -1) -> bytes:
        raise OSError(5, "secret")

    folder = Failing(tmp_path)
    MembershipFile(folder, "members").write({}, iter([b"ab" * 32]))
    with pytest.raises(RoktStorageError, match=r"members cannot be read \(OSError: Input/output error\)"):
        list(MembershipFile(folder, "members").persons())
