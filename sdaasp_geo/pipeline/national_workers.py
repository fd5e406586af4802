"""Who does the tasks of a national run: this process, a pool of local processes, or a Dask cluster.

Each gives the outcomes as they come, one for each task, whatever happens to a worker. The result does not depend on who
does the work: a worker writes the folder of its département, which every worker and this process must see under the
same path.
"""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from sdaasp_geo.errors import SdaaspError
from sdaasp_geo.french import NBSP
from sdaasp_geo.pipeline.national_task import FAILED, Outcome, Task, build_departement

Work = Callable[[Task], Outcome]

ATTEMPTS = 2
"""How many times a task is given to a local process, when the system kills it."""

PATIENCE_S = 60.0
"""How long a cluster may be without any worker, in seconds."""

CONNECTION_S = 10.0
"""How long a scheduler may take to answer, in seconds."""


def run_here(tasks: Sequence[Task], *, work: Work = build_departement) -> Iterator[Outcome]:
    """Do the tasks in this process, one after the other."""
    for task in tasks:
        yield work(task)


def run_pool(tasks: Sequence[Task], *, jobs: int, work: Work = build_departement) -> Iterator[Outcome]:
    """Do each task in a local process of its own, a few at a time; a process that is killed takes no other with it.

    Parameters
    ----------
    tasks : sequence of Task
        What to do, in this order.
    jobs : int
        How many processes at a time.
    work : callable
        What each process does; importable by its name.

    Yields
    ------
    Outcome
        As they come; a task whose process was killed is done again, `ATTEMPTS` times in all.
    """
    context = multiprocessing.get_context("spawn")
    waiting = [(task, 1) for task in reversed(tasks)]
    running: dict[Connection, tuple[SpawnProcess, Task, int]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                task, attempt = waiting.pop()
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(target=_answer, args=(sender, work, task), daemon=True)
                process.start()
                sender.close()
                running[receiver] = process, task, attempt
            ready = wait(list(running))
            for receiver in [one for one in running if one in ready]:
                process, task, attempt = running.pop(receiver)
                outcome = _received(receiver, process, task)
                if isinstance(outcome, Outcome):
                    yield outcome
                elif attempt < ATTEMPTS:
                    waiting.append((task, attempt + 1))
                else:
                    yield Outcome(task.code, FAILED, _killed(outcome))
    finally:
        for process, _, _ in running.values():
            process.kill()
            process.join()


def _answer(sender: Connection, work: Work, task: Task) -> None:
    """Do a task in a process of the pool, and send what became of it."""
    with sender:
        sender.send(work(task))


def _received(receiver: Connection, process: SpawnProcess, task: Task) -> Outcome | int:
    """Return the outcome that a process sent, or its exit code when it ended without a word."""
    with receiver:
        try:
            outcome = receiver.recv()
        except (EOFError, OSError):
            process.join()
            return process.exitcode or 0
    process.join()
    return outcome if isinstance(outcome, Outcome) else Outcome(task.code, FAILED, _killed(process.exitcode or 0))


def _killed(exit_code: int) -> str:
    how = f"signal {-exit_code}" if exit_code < 0 else f"code {exit_code}"
    return (
        f"Le processus a été arrêté {ATTEMPTS} fois ({how}). "
        "Si la mémoire manque, baissez --jobs, puis relancez la même commande."
    )


def run_cluster(tasks: Sequence[Task], *, address: str, work: Work = build_departement) -> Iterator[Outcome]:
    """Do the tasks on a Dask cluster that is already running.

    A worker that dies is survived: the scheduler gives its task to another one, at most
    ``distributed.scheduler.allowed-failures`` times (3). Tasks and answers are pickled: only a scheduler that one
    trusts may be asked.

    Parameters
    ----------
    tasks : sequence of Task
        What to do.
    address : str
        ``tcp://host:port`` of the scheduler.
    work : callable
        What each worker does; importable by its name there.

    Yields
    ------
    Outcome
        As they come.

    Raises
    ------
    SdaaspError
        No library, no scheduler at this address, or no worker.
    """
    dask = _library()
    with _client(dask, address) as client:
        _wait_for_worker(client, address)
        futures = {client.submit(work, task, pure=False): task for task in tasks}
        yield from _gathered(dask, client, futures)


def _library() -> Any:  # noqa: ANN401 - an optional extra, most of which has no types
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        message = f"--scheduler demande l'extra «{NBSP}cluster{NBSP}»{NBSP}: pip install 'sdaasp_geo[cluster]'."
        raise SdaaspError(message) from error


def _client(dask: Any, address: str) -> Any:  # noqa: ANN401
    try:
        return dask.Client(address, timeout=CONNECTION_S)
    except (OSError, TimeoutError, ValueError) as error:
        message = (
            f"Aucun répartiteur Dask ne répond à {address}. Lancez-le (dask scheduler), puis ses exécutants "
            "(dask worker --nthreads 1), et donnez l'adresse qu'il affiche, comme tcp://127.0.0.1:8786."
        )
        raise SdaaspError(message) from error


def _wait_for_worker(client: Any, address: str) -> None:  # noqa: ANN401
    try:
        client.wait_for_workers(1, timeout=PATIENCE_S)
    except TimeoutError as error:
        message = f"Le répartiteur {address} n'a aucun exécutant. Lancez-en{NBSP}: dask worker {address} --nthreads 1."
        raise SdaaspError(message) from error


def _gathered(dask: Any, client: Any, futures: dict[Any, Task]) -> Iterator[Outcome]:  # noqa: ANN401
    """Give each outcome once it is known; when every worker is gone for long, say so for what is left."""
    left = set(futures)
    while left:
        try:
            done, left = dask.wait(left, timeout=PATIENCE_S, return_when="FIRST_COMPLETED")
        except TimeoutError:
            if client.nthreads():
                continue
            gone = f"Plus aucun exécutant depuis {PATIENCE_S:.0f}{NBSP}secondes. Relancez-en, puis la même commande."
        except (OSError, asyncio.CancelledError):
            gone = "Le répartiteur ne répond plus. Relancez-le, puis la même commande."
        else:
            for future in done:
                yield _outcome(future, futures[future])
            continue
        yield from (Outcome(futures[future].code, FAILED, gone) for future in left)
        return


def _outcome(future: Any, task: Task) -> Outcome:  # noqa: ANN401 - a Dask future has no type of its answer
    try:
        outcome = future.result()
    except Exception as error:  # noqa: BLE001 - a lost worker, an answer that cannot be read: one département, said
        reason = f"Les exécutants ont été perdus, ou n'ont pas compris la demande ({type(error).__name__}). Relancez."
        return Outcome(task.code, FAILED, reason, str(error))
    return outcome if isinstance(outcome, Outcome) else Outcome(task.code, FAILED, "Réponse inattendue d'un exécutant.")
