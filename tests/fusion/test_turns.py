"""One at a time has a model; some wait, and the others are told at once."""

import threading

import pytest

from fusion.errors import BusyModelError, LanguageModelError
from fusion.turns import Turns


def test_no_more_wait_than_may() -> None:
    turns, waiting, told = Turns(waiting=1), threading.Event(), list[str]()

    def wait() -> None:
        waiting.set()
        with turns:
            told.append("waited")

    def turned_away() -> None:
        try:
            with turns:
                told.append("had a turn")
        except BusyModelError as error:
            told.append(str(error))

    with turns:
        first = threading.Thread(target=wait)
        first.start()
        waiting.wait()
        while not turns._waiting:
            pass
        second = threading.Thread(target=turned_away)
        second.start()
        second.join()
        assert told == ["The language model answers another question and 1 wait for it; ask again in some seconds."]
    first.join()
    assert told[1:] == ["waited"]
    with turns:
        assert turns._waiting == 0


def test_who_asks_within_an_answer_is_told() -> None:
    turns = Turns()
    with turns:
        with pytest.raises(LanguageModelError, match="read that to its end, or close it"), turns:
            raise AssertionError
        thread = threading.Thread(target=turns.__exit__, args=(None, None, None))  # as when a stream is collected
        thread.start()
        thread.join()
        turns.__enter__()
    with turns:  # it was given back
        pass


def test_what_means_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="waiting"):
        Turns(waiting=-1)
