"""Files that are whole or not there."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from allears.outputs import OutputError, write_whole


def test_what_was_there_stays_where_nothing_can_be_written(tmp_path):
    path = tmp_path / "file"
    write_whole(path, b"whole")
    with pytest.raises(OutputError, match="file/below: cannot be written"):
        write_whole(path / "below", b"")
    with pytest.raises(OutputError, match="none/below: cannot be written"):
        write_whole(tmp_path / "none" / "below", b"")
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_way_leaves_nothing_aside(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="folder: cannot be written"):
        write_whole(tmp_path / "folder", b"some")
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


def test_many_who_write_one_file_leave_it_whole(tmp_path):
    path, texts = tmp_path / "file", [bytes([number]) * 50_000 for number in range(8)]

    def write(text):
        for _ in range(40):
            write_whole(path, text)

    with ThreadPoolExecutor(len(texts)) as pool:
        for done in [pool.submit(write, text) for text in texts]:
            done.result()
    assert path.read_bytes() in texts
    assert list(tmp_path.iterdir()) == [path]
