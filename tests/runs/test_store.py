"""The bus: order, atomicity, several writers and readers, refusals."""

import sqlite3
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from resnet_viz.runs import Store, StoreError
from resnet_viz.runs.database import SCHEMA_VERSION
from resnet_viz.runs.liveness import process_identity


def test_importing_runs_does_not_import_torch():
    code = "import sys, resnet_viz.runs as r; r.Run, r.RunData, r.save_recording; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_database_is_in_wal_mode_and_has_its_version(store):
    db = sqlite3.connect(store.path)
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert db.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
    db.close()


def test_frames_come_back_as_they_were_in_the_order_of_writing(store, experiment):
    run = store.create(experiment)
    rng = np.random.default_rng(0)
    parts = [rng.standard_normal((n, 5)).astype(np.float32) for n in (1, 4, 2)]
    parts[1][0, 0] = np.nan
    numbers = [store.append(run, "plain", first, part) for first, part in zip((0, 1, 5), parts, strict=True)]
    store.append(run, "residual", 0, parts[0])
    found = store.frames(run, contestant="plain")
    assert [frame.seq for frame in found] == sorted(numbers)
    assert [frame.first for frame in found] == [0, 1, 5]
    assert all(np.array_equal(f.values, part, equal_nan=True) for f, part in zip(found, parts, strict=True))
    assert [frame.first for frame in store.frames(run, after=numbers[1], contestant="plain")] == [5]
    assert len(store.frames(run)) == 4


def test_a_run_is_claimed_once_however_many_try(store, experiment):
    run = store.create(experiment)
    won = []
    barrier = threading.Barrier(8)

    def claim(number):
        barrier.wait()
        if store.claim(run, number, 1.0):
            won.append(number)

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.row(run).worker_pid == won[0]
    assert [event.data["state"] for event in store.events(run, kind="state")] == ["running"]


WRITER = """
import sys, numpy as np
from resnet_viz.runs import Store
store = Store(sys.argv[1])
for step in range(60):
    store.append(sys.argv[2], sys.argv[3], step, np.full((1, 3), step, np.float32))
    store.add_event(sys.argv[2], "eval", {"n": step}, contestant=sys.argv[3], step=step)
"""


def test_processes_write_at_once_while_others_read(store, experiment):
    run = store.create(experiment)
    names = ("a", "b", "c")
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(store.directory), run, name]) for name in names]
    seen, after = [], 0
    while any(writer.poll() is None for writer in writers):
        for frame in store.frames(run, after):
            seen.append((frame.contestant, frame.first))
            after = frame.seq
        time.sleep(0.005)
    seen += [(frame.contestant, frame.first) for frame in store.frames(run, after)]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    for name in names:
        assert [first for contestant, first in seen if contestant == name] == list(range(60))
    assert len(store.events(run, kind="eval")) == 180


def test_many_open_a_new_store_at_once(tmp_path):
    code = "import sys; from resnet_viz.runs import Store; Store(sys.argv[1]).rows()"
    opened = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "new")]) for _ in range(6)]
    assert [process.wait(60) for process in opened] == [0] * 6


def test_a_paused_run_has_its_command_before_anybody_can_take_it(store, experiment):
    run = store.create(experiment, paused=True)
    assert [command.kind for command in store.take_commands(run)] == ["pause"]
    assert store.take_commands(run) == []


def test_a_run_with_an_owner_never_waits_in_the_queue(store, experiment):
    waiting, owned = store.create(experiment), store.create(experiment, owner=(7, 1.5))
    assert store.queued() == [waiting]
    row = store.row(owned)
    assert (row.state, row.worker_pid, row.worker_started) == ("running", 7, 1.5)
    assert time.time() - row.heartbeat < 5


def test_the_bin_can_be_emptied_and_undone(store, experiment):
    kept, gone = store.create(experiment), store.create(experiment)
    store.append(gone, "plain", 0, np.zeros((1, 2), np.float32))
    store.delete(gone)
    assert [row.id for row in store.rows()] == [kept]
    assert store.queued() == [kept]
    store.restore(gone)
    assert {row.id for row in store.rows()} == {kept, gone}
    store.delete(gone)
    assert store.purge(older_than=60) == 0
    assert store.purge() == 1
    assert store.frames(gone) == []
    with pytest.raises(KeyError):
        store.row(gone)


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "two\nlines"])
def test_a_name_that_cannot_be_shown_is_refused(store, experiment, name):
    run = store.create(experiment)
    with pytest.raises(ValueError) as refused:
        store.rename(run, name)
    assert str(refused.value) == "A run's name has 1 to 200 printable characters."
    assert store.row(run).name == "plain / residual"


def test_a_writer_that_fails_leaves_nothing_behind(store, experiment):
    run = store.create(experiment)
    with pytest.raises(TypeError):
        store.set_state(run, "failed", b"SQLite takes bytes, JSON does not")  # type: ignore[arg-type]
    assert store.row(run).state == "queued"


def test_no_database_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "runs.sqlite3").write_bytes(b"this is a letter, not a database" * 200)
    with pytest.raises(StoreError) as refused:
        Store(tmp_path)
    expected = f"{tmp_path} cannot hold the runs (file is not a database): choose another directory."
    assert str(refused.value) == expected


def test_a_store_of_a_newer_version_is_refused(tmp_path):
    Store(tmp_path).close()
    db = sqlite3.connect(tmp_path / "runs.sqlite3")
    db.execute("PRAGMA user_version = 99")
    db.commit()
    db.close()
    with pytest.raises(StoreError) as refused:
        Store(tmp_path)
    path = tmp_path / "runs.sqlite3"
    expected = f"A newer version of ResNet Viz wrote {path}: update this one, or choose another directory."
    assert str(refused.value) == expected


def test_a_file_where_the_directory_should_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as refused:
        Store(tmp_path / "file")
    assert str(refused.value) == f"{tmp_path / 'file'} cannot be made (File exists): choose another directory."


def test_estimates_are_begun_once_and_answered(store, experiment):
    store.ask_estimate("k", experiment)
    store.ask_estimate("k", experiment)
    assert [key for key, _ in store.open_estimates()] == ["k"]
    assert store.take_estimate(*process_identity())[0] == "k"
    assert store.take_estimate(*process_identity()) is None and store.estimate("k") is None
    store.answer_estimate("k", {"seconds": 1.5, "contestants": [{}]})
    assert store.estimate("k") == {"seconds": 1.5, "contestants": [{}]}
    store.ask_estimate("k", experiment)
    assert store.open_estimates() == []


def test_an_estimate_that_ended_its_worker_says_so_and_is_not_asked_again_by_itself(store, experiment, monkeypatch):
    store.ask_estimate("k", experiment)
    store.take_estimate(2**22 + 1, 1.0)
    ended = {"error": "Measuring ended the worker; use a smaller network or batch."}
    assert store.estimate("k") == ended
    now = time.time()
    for later in (61, 1800):
        monkeypatch.setattr(time, "time", lambda later=later: now + later)
        store.ask_estimate("k", experiment)
        assert store.open_estimates() == [] and store.estimate("k") == ended


def test_a_question_that_is_being_measured_stays_with_its_worker_until_that_gives_it_back(
    store, experiment, monkeypatch
):
    store.ask_estimate("k", experiment)
    store.take_estimate(*process_identity())
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 300)
    store.ask_estimate("k", experiment)
    assert store.open_estimates() == [] and store.estimate("k") is None
    store.release_estimate("k")
    assert [key for key, _ in store.open_estimates()] == ["k"]


def test_another_error_may_be_asked_again_after_a_minute(store, experiment, monkeypatch):
    store.ask_estimate("k", experiment)
    store.take_estimate(*process_identity())
    store.answer_estimate("k", {"error": "This takes too much."})
    store.ask_estimate("k", experiment)
    assert store.open_estimates() == []
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    store.ask_estimate("k", experiment)
    assert [key for key, _ in store.open_estimates()] == ["k"]


def test_a_run_that_is_being_trained_is_not_purged(store, experiment):
    run = store.create(experiment, owner=process_identity())
    dead = store.create(experiment, owner=(2**22 + 1, 1.0))
    store._db.execute("UPDATE runs SET heartbeat = 0 WHERE id = ?", (dead,))
    store.append(run, "plain", 0, np.zeros((1, 2), np.float32))
    store.delete(run)
    store.delete(dead)
    time.sleep(0.01)
    assert store.purge() == 1
    assert [row.id for row in store.rows(deleted=True)] == [run] and len(store.frames(run)) == 1
    store.set_state(run, "stopped")
    assert store.purge() == 1 and store.rows(deleted=True) == []


def test_nothing_is_kept_for_a_run_that_is_gone(store):
    assert store.append("gone", "plain", 0, np.zeros((1, 2), np.float32)) == 0
    assert store.add_event("gone", "eval", {}) == 0
    assert store.command("gone", "stop") == 0
    assert not store.beat("gone")
    store.set_state("gone", "failed")
    assert (store.frames("gone"), store.events("gone"), store.take_commands("gone")) == ([], [], [])


def test_a_worker_joins_alone_and_never_leaves_work_behind(store, experiment):
    living = {1}
    alive = lambda pid, started: pid in living  # noqa: E731
    assert store.worker_joins(1, 1.0, alive)
    assert not store.worker_joins(2, 1.0, alive)
    living.clear()
    assert store.worker_joins(2, 1.0, alive)
    assert [pid for pid, _, _ in store.workers()] == [2]
    run = store.create(experiment)
    assert not store.worker_leaves(2, 1.0)
    store.claim(run, 2, 1.0)
    assert store.worker_leaves(2, 1.0)
    assert store.workers() == []


def test_a_write_that_fails_as_it_is_committed_leaves_the_connection_usable(store, experiment):
    """Some errors at COMMIT (a full disk) leave the transaction open, others have ended it."""

    class Failing:
        def __init__(self, db, *, ended):
            self.db, self.ended = db, ended

        @property
        def in_transaction(self):
            return self.db.in_transaction

        def execute(self, sql, *args):
            if sql == "COMMIT":
                if self.ended:
                    self.db.execute("ROLLBACK")
                raise sqlite3.OperationalError("database or disk is full")
            return self.db.execute(sql, *args)

    run = store.create(experiment)
    whole = store._db
    for ended in (False, True):
        store._local.db = Failing(whole, ended=ended)
        with pytest.raises(sqlite3.OperationalError, match=r"^database or disk is full$"):
            store.rename(run, "never")
        store._local.db = whole
        store.rename(run, f"after {ended}")
        assert store.row(run).name == f"after {ended}"


def test_a_run_that_waits_is_cancelled_at_once_and_another_is_not(store, experiment):
    waiting, going = store.create(experiment), store.create(experiment, owner=process_identity())
    assert store.cancel(waiting) and not store.cancel(waiting) and not store.cancel(going)
    row = store.row(waiting)
    assert (row.state, row.reason) == ("stopped", "Cancelled while it waited for its turn.")
    assert store.events(waiting)[-1].data == {"state": "stopped", "reason": row.reason}
    assert store.queued() == [] and not store.claim(waiting, *process_identity())
    assert store.again(waiting) and store.queued() == [waiting]


def test_the_same_experiment_is_found_with_the_same_versions_and_unsteered(store, experiment):
    versions = {"torch": "2"}

    def ended(made=experiment, state="finished", **header):
        run = store.create(made)
        store.set_header(run, {"versions": versions} | header)
        store.add_event(run, "pace", {"value": 5}, step=3)
        store.set_state(run, state)
        return run

    assert store.same(experiment, versions) is None
    older, newer = ended(), ended()
    ended(state="stopped")
    ended(versions={"torch": "3"})
    ended(experiment.model_copy(update={"recipe": experiment.recipe.model_copy(update={"seed": 1})}))
    store.add_event(ended(), "lr", {"value": 0.2}, step=3)
    assert store.same(experiment, versions).id == newer
    store.delete(newer)
    assert store.same(experiment, versions).id == older


def test_a_database_of_the_version_before_gets_its_new_columns(tmp_path, experiment):
    made = Store(tmp_path)
    old = [made.create(experiment, name=name) for name in ("first", "second")]
    made.close()
    with sqlite3.connect(made.path) as db:
        for column in ("visitor", "place"):
            db.execute(f"ALTER TABLE runs DROP COLUMN {column}")
        db.execute("PRAGMA user_version = 2")
    store = Store(tmp_path)
    new = store.create(experiment, visitor="a")
    assert [(row.id, row.visitor) for row in store.waiting()] == [(old[0], ""), (new, "a"), (old[1], "")]
    assert store._db.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
    store.close()
