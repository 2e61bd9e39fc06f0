"""The tasks of one look at the files, in the order in which they are carried out."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from monitor.instant import Instant
from monitor.sources.position import Position
from monitor.sources.recognise import Task
from monitor.sources.survey import Survey

_Entry: TypeAlias = tuple[int, Instant, str, str, Task]
_READ = 3  # the rank of a plain reading


class Agenda:
    """Copies first, then losses, then the file that is furthest behind in event time.

    Parameters
    ----------
    reached: returns the event time that a task's file was read up to.
    """

    def __init__(self, survey: Survey, reached: Callable[[Task], Instant]) -> None:
        self.survey = survey
        self._reached = reached
        self._heap = [self._entry(task) for task in survey.tasks]
        heapq.heapify(self._heap)

    def _entry(self, task: Task) -> _Entry:
        return (task.rank, self._reached(task), task.position.path, task.key, task)

    def put_if(self, ready: Callable[[Task, Survey], bool], task: Task) -> None:
        """Add a task, if there is something to read."""
        if ready(task, self.survey):
            heapq.heappush(self._heap, self._entry(task))

    def take(self) -> Task | None:
        """Return the next task, and forget it."""
        return heapq.heappop(self._heap)[-1] if self._heap else None

    def hold(self) -> Instant | None:
        """Return the lowest event time that a file to be read has reached; ``None`` without one."""
        if self._heap and self._heap[0][0] == _READ:
            return self._heap[0][1]
        return min((reached for _, reached, _, _, task in self._heap if task.seen), default=None)


def is_kept(position: Position | None, given: Position) -> bool:
    """Tell whether a position that was given back is the one that is kept; its newest may have been lowered."""
    return position is not None and replace(position, newest=given.newest) == given
