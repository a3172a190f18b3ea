"""`lineal serve`: who may, what a page gets, what it asks for, and that nothing outlives it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from lineal_tui.serve.access import Access, is_loopback
from lineal_tui.serve.children import size_of, surroundings
from tests.sources.checkpoints import trainer
from tests.tui.serving import CHROMIUM, ROOT, Page, Server, chromium, page_of, served, until


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home, and beside it a workspace."""
    top = tmp_path_factory.mktemp("serve")
    (top / "home").mkdir()
    trainer(top / "work" / "runs" / "bert", steps=(2, 4))
    return top / "home"


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    """A server that changes nothing. Tests leave it running."""
    with served(home.parent / "work", home, TMUX="/tmp/of-the-server", NOBODY_SEES="me") as made:
        yield made


def alive(pid: int) -> bool:
    """Say whether a process still runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# --- who may ---


@pytest.mark.parametrize(
    ("host", "origin", "refused"),
    [
        ("127.0.0.1:8765", None, False),
        ("localhost:9000", "http://localhost:9000", False),  # through `ssh -L 9000:localhost:8765`
        ("[::1]:8765", "http://[::1]:8765", False),
        ("192.168.1.7:8765", None, False),
        ("models.lan:8765", "http://models.lan:8765", False),
        ("evil.example:8765", None, True),  # a name of others, made to point here
        ("evil.example:8765", "http://evil.example:8765", True),
        ("localhost:8765", "http://evil.example", True),
        ("localhost:8765", "http://localhost:8766", True),
        ("localhost:8765", "null", True),
        ("localhost@evil.example", None, True),
        ("localhost/evil.example", None, True),
        ("", None, True),
        ("[", None, True),
    ],
)
def test_only_its_own_names_and_its_own_pages_are_answered(host: str, origin: str | None, refused: bool) -> None:
    access = Access("token", "cookie", "models.lan")
    assert bool(access.refusal(host, origin)) is refused


def test_secrets_are_long_fresh_and_compared_whole() -> None:
    one, other = Access.fresh("localhost"), Access.fresh("localhost")
    assert len({one.token, one.cookie, other.token, other.cookie}) == 4
    assert min(len(one.token), len(one.cookie)) >= 43  # 256 bits
    assert one.opens(one.token)
    assert one.knows(one.cookie)
    for wrong in ("", one.token[:-1], one.token + "x", one.cookie, "é\ud800"):
        assert not one.opens(wrong)
    assert not one.knows(one.token)


def test_loopback_is_told_from_the_rest() -> None:
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.7", "models.lan"))


def test_sizes_stay_within_reason() -> None:
    assert size_of("100", 30) == (100, 30)
    assert size_of(10**9, -5) == (1000, 1)
    assert size_of("x", None) == size_of(float("inf"), 1) == (80, 24)


def test_pages_know_nothing_of_the_terminal_of_the_server() -> None:
    given = {"TMUX": "x", "SSH_CONNECTION": "x", "LC_ALL": "C", "PATH": "/bin", "HF_TOKEN": "t"}
    made = surroundings(given, write=False)
    assert not {"TMUX", "SSH_CONNECTION", "LC_ALL"} & set(made)
    assert (made["PATH"], made["HF_TOKEN"], made["LANG"], made["LINEAL_READ_ONLY"]) == ("/bin", "t", "C.UTF-8", "page")
    assert "LINEAL_READ_ONLY" not in surroundings(given, write=True)


async def test_nothing_is_answered_without_the_token(server: Server) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("/", "/?token=wrong", "/?token=", "/ws", "/static/js/textual.js", "/page/page.css", "/nowhere"):
            async with session.get(server.base + path, allow_redirects=False) as answer:
                assert answer.status == 403, path
                assert "Set-Cookie" not in answer.headers
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(f"{server.base}/ws")
        cookies = {f"lineal-{server.port}": "wrong"}
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(f"{server.base}/ws", headers={"Cookie": "=".join(*cookies.items())})
    assert server.pages() == set()


async def test_the_token_is_changed_for_a_cookie_and_other_sites_are_refused(server: Server) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(server.url, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/")
            said = answer.headers["Set-Cookie"]
            assert "HttpOnly" in said
            assert "SameSite=Lax" in said
            assert server.token not in said
        async with session.get(server.base + "/") as answer:
            page = await answer.text()
            assert answer.status == 200
            assert "://" not in page.replace(f"ws://127.0.0.1:{server.port}/ws", "")  # nothing from elsewhere
            assert server.token not in page
            for header in ("Referrer-Policy", "X-Frame-Options", "Cache-Control", "X-Content-Type-Options"):
                assert header in answer.headers
        for path in ("/static/js/textual.js", "/static/css/xterm.css", "/page/page.js", "/page/page.css"):
            async with session.get(server.base + path) as answer:
                assert answer.status == 200, path
        for path in ("/static/", "/static/../server.py", "/page/%2e%2e/site.py"):
            async with session.get(server.base + path) as answer:
                assert answer.status in (403, 404), path
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            async with session.get(server.base + "/", headers=headers) as answer:
                assert answer.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(f"{server.base}/ws", origin="http://evil.example")
    assert server.pages() == set()


# --- what a page gets ---


async def browse(session: aiohttp.ClientSession, page: Page, server: Server) -> None:
    """Look at something, send junk, and look again."""
    await page.see("everything", "checkpoint", "[RO]")
    assert len(server.pages()) == 1
    await page.tell("stdin", "2")
    await page.see("lineage")
    await page.tell("ping", "17")
    await until(lambda: ["pong", "17"] in page.said, "pong")
    bad = ("", "{", "[" * 5000, '["stdin"]', '["stdin", 5]', '["resize", {}]', '["quit"]', '["stdin", "\\ud800"]')
    for junk in bad:
        await page.socket.send_str(junk)
    await page.socket.send_bytes(b"\x00\xff")
    await page.tell("resize", {"width": "wide", "height": 10**30})
    await page.tell("resize", {"width": 90, "height": 28})
    await page.tell("blur")
    await page.tell("focus")
    await page.tell("stdin", "1")
    await page.see("everything")
    await page.tell("stdin", "P")  # nothing may be changed: it is said, and no plan is made
    await page.see("lets pages change")


async def test_a_page_is_the_application_and_its_process_ends_with_it(server: Server) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        async with page_of(session, server) as page:
            await browse(session, page, server)
            (pid,) = server.pages()
            environ = dict(one.split(b"=", 1) for one in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") if one)
            assert b"TMUX" not in environ
            assert environ[b"NOBODY_SEES"] == b"me"
            assert server.token.encode() not in b"".join(environ.values()) + Path(f"/proc/{pid}/cmdline").read_bytes()
        await until(lambda: not alive(pid), "the end of the page's process")

        async with page_of(session, server) as page:  # one that is left by its own key
            await page.see("everything", "checkpoint")
            await page.tell("stdin", "\x11")
            await page.closed()
        await until(lambda: server.pages() == set(), "the end of the second")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_no_page_outlives_its_server(home: Path, number: signal.Signals) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    with served(home.parent / "work", home, "--write") as server:
        async with aiohttp.ClientSession(cookie_jar=jar) as session, page_of(session, server) as page:
            await page.see("everything", "checkpoint", "[RW]")
            (pid,) = server.pages()
            code = await asyncio.to_thread(server.end, number)
            assert code == (0 if number is signal.SIGTERM else -number)
            await page.closed()
        await until(lambda: not alive(pid), "the end of the page's process")
        assert server.process.stderr is not None
        said = server.process.stderr.read()
        assert "may act as you" in said
        assert "Traceback" not in said


async def test_no_more_pages_than_a_machine_bears(monkeypatch: pytest.MonkeyPatch) -> None:
    from lineal_tui.serve import site

    monkeypatch.setattr(site, "_MOST", 0)
    runner = web.AppRunner(site.Site(Access("t", "c"), "/", {}, "w").application())
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            async with session.get(f"{base}/?token=t") as answer:
                assert answer.status == 200
            async with session.get(f"{base}/ws") as answer:
                assert (answer.status, await answer.text()) == (403, "Refused: 0 pages are open; close one.\n")
    finally:
        await runner.cleanup()


# --- what stops it before it starts ---


def refused(*words: str, home: Path, code: str = "") -> str:
    """Run `lineal serve` where it must not start, and return what it says."""
    path = os.pathsep.join(str(ROOT / part) for part in ("core", "tui"))
    command = ["-c", code] if code else ["-m", "lineal_tui.main", "serve", *words]
    done = subprocess.run(
        [sys.executable, *command], cwd=home.parent / "work", capture_output=True, text=True, timeout=60,
        env={"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode not in (0, 70), done.stderr
    assert done.stdout == ""
    return done.stderr


def test_other_machines_are_served_only_when_that_is_said_aloud(home: Path) -> None:
    said = refused("--host", "0.0.0.0", home=home)
    assert "not encrypted" in said
    assert "--open-to-others" in said
    with served(home.parent / "work", home, "--host", "0.0.0.0", "--open-to-others") as server:
        server.end()
        assert server.process.stderr is not None
        assert "warning: 0.0.0.0 is reached from other machines" in server.process.stderr.read()


def test_a_port_that_is_taken_is_said_with_the_way_out(home: Path, server: Server) -> None:
    assert "--port 0 takes any that is free" in refused("--port", server.port, home=home)


def test_without_the_extra_the_command_to_install_it_is_said(home: Path) -> None:
    code = "import sys; sys.modules['aiohttp'] = None; from lineal_tui.main import main; sys.exit(main(['serve']))"
    assert "pip install 'lineal[serve]'" in refused(home=home, code=code)


# --- in a browser ---


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")
async def test_in_chromium_the_page_shows_versions_and_asks_no_other_host(server: Server, tmp_path: Path) -> None:
    async with chromium(tmp_path / "profile") as browser:
        await browser.do("Page.navigate", url=server.url)
        await until(lambda: b"checkpoint" in browser.drawn, "versions in the page")
        assert await browser.value("document.body.classList.contains('-first-byte')")
        await asyncio.sleep(1)
        shown = await browser.picture()
        assert shown.startswith(b"\x89PNG")
        assert len(shown) > 20_000  # text all over, not one ground
        assert await browser.value("location.href") == server.base + "/"
        assert await browser.value("document.activeElement.className") == "xterm-helper-textarea"
        assert await browser.value("document.fonts.check('15px \"Roboto Mono\"')")
        await browser.do("Input.dispatchKeyEvent", type="keyDown", text="7", key="7")
        await until(lambda: b"sources" in browser.drawn, "another screen by a key")
        await asyncio.sleep(1)
        assert await browser.picture() != shown
        here = (server.base + "/", server.base.replace("http", "ws", 1) + "/", "data:")
        assert [url for url in browser.requested if not url.startswith(here)] == []
        assert any(url.startswith("ws://") for url in browser.requested)
        assert [text for text in browser.refused if "Content Security Policy" in text] == []

        await browser.value("void fetch('http://localhost:1/', {mode: 'no-cors'}).catch(() => 0)")
        await asyncio.sleep(0.3)
        assert any("Content Security Policy" in text for text in browser.refused)  # the policy is in force
    await until(lambda: server.pages() == set(), "the end of the page's process")
