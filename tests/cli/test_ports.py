"""Which ports a stack takes."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from azure_emulator.testing import free_port

from noon.local.ports import PREFERRED, choose_ports


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_the_preferred_port_is_taken_when_it_is_free() -> None:
    """People know 7071 and 10000, so a stack uses them when it can."""
    wanted = free_port()
    assert choose_ports({}, {"functions": wanted})["functions"] == wanted


def test_the_port_of_the_last_time_comes_first() -> None:
    """Addresses stay the same over restarts, also when another port was preferred."""
    before, preferred = free_port(), free_port()
    assert choose_ports({"blob": before}, {"blob": preferred})["blob"] == before


def test_a_port_in_use_is_left_alone(taken_port: int) -> None:
    """A stack starts beside whatever else runs on the machine."""
    chosen = choose_ports({"blob": taken_port}, {"blob": taken_port, "queue": taken_port})
    assert taken_port not in chosen.values()


def test_every_service_gets_a_port_of_its_own() -> None:
    """One preferred port for all does not make them share it."""
    wanted = free_port()
    chosen = choose_ports({}, dict.fromkeys(PREFERRED, wanted))
    assert len(set(chosen.values())) == len(PREFERRED)
