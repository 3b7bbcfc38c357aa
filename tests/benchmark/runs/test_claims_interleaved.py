"""The real code of claims, one file operation at a time, in whatever order hypothesis thinks of.

Simulated processes on two machines work on one folder. Each runs the code of
`benchmark.runs.claims` in a thread that stops before every file operation, until it is its turn;
it can be killed at each of these places, after which nothing it does reaches the folder. Their
clocks are simulated too.
"""

import builtins
import functools
import io
import itertools
import os
import shutil
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from disentanglement_bench.benchmark.runs import claims
from disentanglement_bench.benchmark.runs.claims import ClaimLost, Observer, acquire

HOSTS = ("near", "near", "far")
INDICES = st.integers(0, len(HOSTS) - 1)
STALE = 100.0
# How many file operations a process makes before another may have its turn; or all of a call.
TURNS = (1, 2, 3, 5, 8, 1000)
ATOMIC = {
    os: ("stat", "lstat", "unlink", "mkdir", "listdir", "scandir", "replace", "rename", "link"),
    io: ("open",),
    builtins: ("open",),
}
here = threading.local()


class Killed(BaseException):
    """Unwinds the code of a killed process, in which no file operation works any more."""


class Process:
    """A simulated process: real code in a thread that makes one file operation at a turn.

    Attributes
    ----------
    host : str
    pid : int
    observer : Observer
    claim : Claim or None
        What it holds, from the end of `acquire` to the beginning of `release`.
    since : int or None
        When it got the claim, as a number that only grows.
    doing : str or None
        The call that it is in.
    result : object
        What the last call returned, or the `ClaimLost` that it raised.
    """

    def __init__(self, host, pid, clock):
        self.host, self.pid = host, pid
        self.observer = Observer(clock, STALE)
        self.claim = self.since = self.doing = self.result = None
        self.killed = False
        self._turn, self._over = threading.Semaphore(0), threading.Semaphore(0)

    def begin(self, doing, function):
        """Start a call; it stops before its first file operation."""
        self.doing = doing
        threading.Thread(target=self._run, args=(function,), daemon=True).start()
        self._over.acquire()

    def step(self):
        """Make one file operation."""
        self._turn.release()
        self._over.acquire()

    def kill(self):
        """End the process where it is."""
        self.killed = True
        if self.doing:
            self.step()

    def wait(self):
        """Called in the thread: wait for the next turn."""
        if not self.killed:
            self._over.release()
            self._turn.acquire()
        if self.killed:
            raise Killed

    def _run(self, function):
        here.process = self
        try:
            self.result = function()
        except ClaimLost as error:
            self.result = error
        except Killed:
            self.result = None
        except BaseException as error:
            self.result = error
        here.process = None
        self.doing = None
        self._over.release()


class StillClaim(claims.Claim):
    """A claim that counts up only when it is told to."""

    def _keep_beating(self):
        pass


def atomic(function):
    """A file operation before and after which other processes may have their turns."""

    @functools.wraps(function)
    def turn(*arguments, **options):
        process = getattr(here, "process", None)
        if process is None:
            return function(*arguments, **options)
        process.wait()
        result = function(*arguments, **options)
        if "x" in arguments[1:]:  # made, and still empty
            process.wait()
        # The order of names in a folder depends on more than the order of turns.
        return sorted(result) if isinstance(result, list) else result

    return turn


def identify(function, name):
    """The host or process id of the simulated process; that of the true one outside of any."""

    def identity():
        process = getattr(here, "process", None)
        return function() if process is None else getattr(process, name)

    return identity


class World(RuleBasedStateMachine):
    """A folder, and processes that claim it."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.now = 0.0
        self.order = itertools.count(1)
        self.pids = itertools.count(1)
        self.patch = pytest.MonkeyPatch()
        for module, names in ATOMIC.items():
            for name in names:
                self.patch.setattr(module, name, atomic(getattr(module, name)))
        tokens = itertools.count(1)
        self.patch.setattr(os, "fsync", lambda descriptor: None)
        self.patch.setattr(os, "getpid", identify(os.getpid, "pid"))
        self.patch.setattr(claims, "host_name", identify(claims.host_name, "host"))
        self.patch.setattr(claims, "process_start", self.find_start)
        self.patch.setattr(claims, "Claim", StillClaim)
        self.patch.setattr(claims.secrets, "token_hex", lambda size: f"t{next(tokens)}")
        self.processes = [self.start(host) for host in HOSTS]

    def start(self, host):
        return Process(host, next(self.pids), lambda: self.now)

    def find_start(self, pid):
        """What the process table of the asking process's host says."""
        asking = here.process
        there = [p for p in self.processes if p.host == asking.host and p.pid == pid]
        return "started" if there and not there[0].killed else None

    def teardown(self):
        for process in self.processes:
            process.kill()
        self.patch.undo()
        shutil.rmtree(self.folder)

    @rule(
        index=st.integers(0, len(HOSTS) - 1), turns=st.sampled_from(TURNS), choice=st.integers(0, 5)
    )
    def go_on(self, index, turns, choice):
        process = self.processes[index]
        if process.doing:
            self.turn(process, turns)
        elif process.claim is None:
            process.begin("acquire", lambda: self.attempt(process))
        elif choice < 2:
            claim, process.claim = process.claim, None
            process.begin("release", claim.release)
        elif choice == 2:
            process.begin("beat", process.claim._beat)
        else:
            process.begin("check", process.claim.check)
            process.asked = next(self.order)

    def attempt(self, process):
        """What a worker does: see who owns the run, and claim it if nobody does."""
        claimed, dead = process.observer.observe(self.folder)
        return None if claimed else acquire(self.folder, dead)

    def turn(self, process, turns):
        """Let a process make some file operations."""
        for _ in range(turns):
            doing = process.doing
            process.step()
            if not process.doing:
                self.end(process, doing)
                return

    def end(self, process, doing):
        if isinstance(process.result, BaseException) and not isinstance(process.result, ClaimLost):
            raise process.result
        if doing == "acquire" and process.result is not None:
            process.claim, process.since = process.result, next(self.order)
        if doing == "check":
            self.judge(process, isinstance(process.result, ClaimLost))

    @rule(index=INDICES)
    def kill(self, index):
        self.processes[index].kill()
        self.processes[index] = self.start(self.processes[index].host)

    def finish(self):
        """Everybody ends what it does, and gives up what it has."""
        for process in self.processes:
            while process.doing:
                self.turn(process, 1)
            if process.claim is not None:
                claim, process.claim = process.claim, None
                process.begin("release", claim.release)
            while process.doing:
                self.turn(process, 1)

    @rule()
    def nothing_is_blocked(self):
        """Whoever comes when all others have gone gets the run, and leaves nothing behind."""
        self.finish()
        late = Process("late", next(self.pids), lambda: self.now)
        self.processes.append(late)
        for _ in range(3):
            late.begin("acquire", lambda: self.attempt(late))
            while late.doing:
                late.step()
            if late.result is not None:
                break
            self.now += STALE + 1
        assert late.result is not None, sorted(self.folder.iterdir())
        late.begin("release", late.result.release)
        while late.doing:
            late.step()
        self.processes.remove(late)
        assert not list(self.folder.glob("claim-*")), sorted(self.folder.iterdir())


class NobodyIsTakenForDead(World):
    """Time only passes while every owner counts up, so only the killed are found dead."""

    @precondition(lambda self: not any(process.doing for process in self.processes))
    @rule()
    def tick(self):
        self.now += STALE + 1
        for process in self.processes:
            if process.claim is not None:
                process.claim._beat()

    def judge(self, process, lost):
        assert not lost, "an owner that is alive lost its claim"

    @invariant()
    def at_most_one_owns(self):
        assert sum(process.claim is not None for process in self.processes) <= 1


class AnybodySleeps(World):
    """Any process may stand still for as long as it likes, and be taken for dead."""

    @rule()
    def tick(self):
        self.now += STALE + 1

    def end(self, process, doing):
        super().end(process, doing)
        if doing == "acquire" and process.claim is not None:
            self.last = process.since

    def judge(self, process, lost):
        """Whoever was followed by another owner before it asks must be told so."""
        followed = process.since < getattr(self, "last", 0) < process.asked
        assert lost or not followed, "an owner that was followed may publish"


def explore(machine, examples, steps):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=(Phase.generate,),  # to shrink hundreds of turns takes many minutes
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("machine", [NobodyIsTakenForDead, AnybodySleeps])
def test_no_order_of_file_operations_gives_a_run_to_two(machine):
    explore(machine, 20, 40)


@pytest.mark.slow
@pytest.mark.parametrize("machine", [NobodyIsTakenForDead, AnybodySleeps])
def test_no_order_of_many_file_operations_gives_a_run_to_two(machine):
    explore(machine, int(os.environ.get("EX", "500")), 100)
