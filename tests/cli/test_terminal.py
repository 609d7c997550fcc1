from __future__ import annotations

import io

import pytest

from zerotrust.cli.demo.terminal import Terminal


class Tty(io.StringIO):
    encoding = "UTF-8"

    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_plain_text_and_all_of_it() -> None:
    stream = io.StringIO()
    terminal = Terminal.of(stream, {})
    terminal.progress("working")
    terminal.clear()
    terminal.line(terminal.paint("done", "bold", "green"))
    assert stream.getvalue() == "done\n"
    assert terminal.width is None


def test_a_terminal_gets_colours_and_a_line_of_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    stream = Tty()
    terminal = Terminal.of(stream, {"TERM": "xterm"})
    assert (terminal.width, terminal.symbols) == (20, True)
    terminal.progress("a step with a very long title")
    assert stream.getvalue() == "\r\x1b[Ka step with a very…"
    terminal.clear()
    assert stream.getvalue().endswith("\r\x1b[K")
    assert terminal.paint("done", "bold", "green") == "\x1b[1;32mdone\x1b[0m"
    assert terminal.paint("plain") == "plain"


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colours_where_they_are_not_wanted(environ: dict[str, str]) -> None:
    terminal = Terminal.of(Tty(), environ)
    assert terminal.paint("done", "bold") == "done"
    assert terminal.live is ("TERM" not in environ)


def test_an_empty_no_color_does_not_count() -> None:
    assert Terminal.of(Tty(), {"NO_COLOR": ""}).colour


@pytest.mark.parametrize(
    ("width", "symbols", "text"),
    [(7, True, "request"), (6, True, "reque…"), (6, False, "req..."), (2, False, ".."), (0, True, "")],
)
def test_text_is_cut_to_fit(width: int, symbols: bool, text: str) -> None:
    assert Terminal(io.StringIO(), symbols=symbols).fit("request", width) == text
