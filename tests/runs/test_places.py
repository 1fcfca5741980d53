"""Where the store lies, and what is said when it cannot lie where it was wanted."""

from pathlib import Path

import pytest

from resnet_viz.runs import StoreError, locate, open_runs, places, store_directory


@pytest.fixture(autouse=True)
def forget():
    places._locate.cache_clear()
    yield
    places._locate.cache_clear()


def test_the_variable_names_the_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_VIZ_HOME", str(tmp_path / "mine"))
    assert store_directory() == tmp_path / "mine"
    assert (tmp_path / "mine").is_dir()
    assert list((tmp_path / "mine").iterdir()) == []


def test_without_it_the_users_own_directory_is_taken(tmp_path, monkeypatch):
    monkeypatch.delenv("RESNET_VIZ_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("platformdirs.user_data_dir", lambda name, appauthor: str(tmp_path / name))
    assert locate() == places.Place(tmp_path / "resnet-viz")


@pytest.mark.parametrize("folder", ["Dropbox", "OneDrive", "OneDrive - A School", "Google Drive"])
def test_a_synced_folder_is_not_used_and_that_is_said(tmp_path, monkeypatch, folder):
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name, appauthor: str(tmp_path / "cache"))
    wanted = tmp_path / folder / "runs"
    monkeypatch.setenv("RESNET_VIZ_HOME", str(wanted))
    place = locate()
    local = tmp_path / "cache" / "runs"
    assert place.directory == local
    assert place.reason == f"{wanted} lies in a synced folder ({folder}), so the runs are kept in {local}."
    assert not wanted.exists()


def test_a_directory_that_was_named_is_refused_and_never_replaced(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    for wanted, why in (
        (file, "cannot be written (File exists)"),
        (tmp_path / "Dropbox", "lies in a synced folder (Dropbox)"),
    ):
        with pytest.raises(StoreError) as refused:
            open_runs(wanted)
        assert str(refused.value) == f"{wanted} {why}: choose another directory."
        assert isinstance(refused.value, ValueError) and isinstance(refused.value, OSError)
    assert file.read_text() == "mine"


def test_a_network_file_system_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name, appauthor: str(tmp_path / "cache"))
    home = tmp_path / "home"
    monkeypatch.setattr(places, "file_system", lambda path: "nfs4" if home in path.parents else "ext4")
    monkeypatch.setenv("RESNET_VIZ_HOME", str(home / "runs"))
    place = locate()
    local = tmp_path / "cache" / "runs"
    assert place.reason == f"{home / 'runs'} lies on a network file system (nfs4), so the runs are kept in {local}."


def test_the_cache_on_the_same_network_leads_to_the_temporary_directory(tmp_path, monkeypatch):
    home = tmp_path / "home"
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name, appauthor: str(home / "cache"))
    monkeypatch.setattr(places, "file_system", lambda path: "nfs" if home in path.parents else "ext4")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setenv("RESNET_VIZ_HOME", str(home / "runs"))
    place = locate()
    assert place.directory.parent == tmp_path
    assert place.directory.stat().st_mode & 0o077 == 0


def test_a_temporary_directory_that_others_can_write_is_not_trusted(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    (own,) = [place for place in places._local_directories() if place.parent == tmp_path]
    own.chmod(0o777)
    assert own not in places._local_directories()


def test_where_wal_does_not_work_is_found_by_trial(tmp_path, monkeypatch):
    real = places.connect

    def refuse(path):
        if "bad" in str(path):
            raise StoreError("no WAL here")
        return real(path)

    monkeypatch.setattr(places, "connect", refuse)
    assert places.objection(tmp_path / "bad") == "cannot hold a database in WAL mode"
    assert places.objection(tmp_path / "good") is None


def test_nothing_to_fall_back_to_is_an_error(tmp_path, monkeypatch):
    wanted = tmp_path / "Dropbox"
    monkeypatch.setattr(places, "_local_directories", list)
    monkeypatch.setenv("RESNET_VIZ_HOME", str(wanted))
    with pytest.raises(StoreError) as refused:
        locate()
    assert str(refused.value) == (
        f"{wanted} lies in a synced folder (Dropbox), and no local directory can be written either: "
        "set RESNET_VIZ_HOME to one that can."
    )


def test_the_file_system_of_a_directory_that_is_yet_to_be_made_is_known(tmp_path):
    assert places.file_system(tmp_path / "not" / "yet") == places.file_system(tmp_path) != ""
    assert places.file_system(Path("/proc/self")) == "proc"
