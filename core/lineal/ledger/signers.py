"""Who may sign: a file of allowed signers as `ssh-keygen -Y verify` and git read it, and keys that were revoked.

    alice@example.com,Alice* valid-before="20270101Z" ssh-ed25519 AAAA...   # principals, options, key
    *@ci.example.com namespaces="lineal-*" ssh-ed25519 AAAA...

Principals are patterns with `*`, `?` and `!`. Times are those of the reader's zone, without its summer time, unless
they end in Z: a file that must mean the same everywhere says Z. Certificate authorities are refused: whom they vouch
for, a file cannot tell.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from calendar import timegm
from collections.abc import Iterable

import msgspec

from lineal.errors import BadFormat, ConfigError
from lineal.ledger import sshsig

_MOST = 1 << 20  # characters of a file
_TIME = re.compile(r"([0-9]{8}|[0-9]{12}|[0-9]{14})(Z|UTC)?", re.IGNORECASE | re.ASCII)
_FORMATS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_PRINCIPALS = re.compile(rf"(?:{_QUOTED}|(\S+))[ \t]+")
_OPTION = re.compile(rf"([A-Za-z-]+)(?:={_QUOTED})?")
_KEY = re.compile(r"([a-z0-9][a-z0-9@.-]+)[ \t]+([A-Za-z0-9+/]+={0,2})(?=[ \t]|$)")
_VALUED = ("namespaces", "valid-after", "valid-before")
_EXAMPLE = "a line is: alice@example.com ssh-ed25519 AAAA..."
_PERSON = re.compile(r"([^<>]*)<([^<>]+)>")


class Signer(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the file: whom a key speaks for, in which namespaces, and when. Times in Unix seconds, inclusive."""

    principals: str  # patterns, separated by commas
    key: bytes  # the public key's blob
    namespaces: str = ""  # patterns; "" for all
    after: float | None = None
    before: float | None = None
    line: int = 0

    def principal(self, candidates: Iterable[str]) -> str | None:
        """Return the first of the candidates that the principals match; None where one of them is excluded."""
        answers = [(one, matches(one, self.principals)) for one in candidates if one]
        if any(answer is None for _, answer in answers):
            return None
        return next((one for one, answer in answers if answer), None)

    def names(self, candidate: str) -> bool:
        """Say whether the line names the candidate outright, not by a pattern."""
        return candidate in self.principals.split(",")


class AllowedSigners(msgspec.Struct, frozen=True):
    """Whose signatures count."""

    signers: tuple[Signer, ...] = ()
    revoked: frozenset[str] = frozenset()  # fingerprints

    @classmethod
    def parse(cls, text: str, revoked: str = "") -> AllowedSigners:
        """Read a file of allowed signers, and one of revoked keys: public keys or `SHA256:` fingerprints, one a line.

        Raises:
            ConfigError: a line is not what it should be; its number is said.
        """
        return cls(
            tuple(_signer(line, number) for number, line in _lines(text)),
            frozenset(_revoked(line, number) for number, line in _lines(revoked)),
        )

    def of(self, key: bytes) -> tuple[Signer, ...]:
        """Return the lines that allow a key, in the order of the file."""
        return tuple(one for one in self.signers if one.key == key)

    def is_revoked(self, key: bytes) -> bool:
        """Say whether a key is revoked, which takes back all that it ever signed."""
        return sshsig.fingerprint(key) in self.revoked


def matches(text: str, patterns: str) -> bool | None:
    """Match a text against ssh's comma-separated patterns, case counts; None where a `!pattern` excludes it."""
    found = False
    for pattern in patterns.split(","):
        if _like(text, pattern.removeprefix("!")):
            if pattern.startswith("!"):
                return None
            found = True
    return found


def candidates(by: str) -> tuple[str, ...]:
    """Return what somebody written `Name <mail>`, or with a bare name, may be matched by: mail, all of it, name."""
    person = _PERSON.fullmatch(by.strip())
    found = (person[2].strip(), by, person[1].strip()) if person else (by,)
    return tuple(dict.fromkeys(one for one in found if one))


def _like(text: str, pattern: str) -> bool:
    """Match `*` and `?` without going back more than once a star, so that no pattern takes long."""
    at = place = 0
    star, mark = -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "*":
            star, mark = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", text[at]):
            at, place = at + 1, place + 1
        elif star >= 0:
            mark += 1
            at, place = mark, star + 1
        else:
            return False
    return pattern[place:].strip("*") == ""


def _lines(text: str) -> Iterable[tuple[int, str]]:
    if len(text) > _MOST:
        raise ConfigError(f"a file of keys has more than {_MOST >> 20} MiB", hint="is it the right file?")
    if text.startswith("SSHKRL"):
        raise ConfigError("binary lists of revoked keys are not read", hint="write the public keys, one a line")
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip(" \t\r")
        if stripped and not stripped.startswith("#"):
            yield number, stripped


def _signer(line: str, number: int) -> Signer:
    start = _PRINCIPALS.match(line)
    principals = (start[1] if start[1] is not None else start[2]) if start else ""
    if start is None or not principals or '"' in (start[2] or ""):
        raise _wrong(number, "no principals and key")
    rest = line[start.end() :]
    if _KEY.match(rest):
        return Signer(principals=principals, key=_key(rest, number), line=number)
    options, end = _options(rest, number)
    after, before = (_time(options.get(name), number) for name in ("valid-after", "valid-before"))
    if after is not None and before is not None and after > before:
        raise _wrong(number, "valid-after is later than valid-before")
    return Signer(
        principals=principals,
        key=_key(rest[end:].lstrip(" \t"), number),
        namespaces=options.get("namespaces", ""),
        after=after,
        before=before,
        line=number,
    )


def _options(text: str, number: int) -> tuple[dict[str, str], int]:
    """Return the options that `text` begins with, and where they end."""
    found: dict[str, str] = {}
    at = 0
    while option := _OPTION.match(text, at):
        name, value = option[1].lower(), option[2]
        if name == "cert-authority":
            raise _wrong(number, "certificate authorities are not supported", "list the keys that may sign")
        if name not in _VALUED:
            raise _wrong(number, f"the option {name[:40]!r} is not known", f"known are {', '.join(_VALUED)}")
        if not value:
            raise _wrong(number, f"{name} has no value in quotation marks", f'write {name}="..."')
        if name in found:
            raise _wrong(number, f"{name} is there twice")
        found[name] = re.sub(r'\\(")', r"\1", value)
        at = option.end()
        if text[at : at + 1] != ",":
            break
        at += 1
    if text[at : at + 1] not in (" ", "\t"):
        raise _wrong(number, "the options do not end in a space and a key")
    return found, at


def _key(text: str, number: int) -> bytes:
    found = _KEY.match(text)
    if found is None:
        raise _wrong(number, "no public key where one should be")
    try:
        blob = base64.b64decode(found[2], validate=True)
        kind = sshsig.kind_of(blob)
    except (binascii.Error, ValueError, BadFormat) as error:
        raise _wrong(number, "the public key is damaged", "copy it again from the .pub file") from error
    if kind != found[1]:
        raise _wrong(number, f"the key says {kind[:40]!r}, the line {found[1][:40]!r}")
    if "-cert-v" in kind:
        raise _wrong(number, "certificates are not supported", "list the key itself")
    return blob


def _revoked(line: str, number: int) -> str:
    if re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", line.split()[0]):
        return line.split()[0]
    return sshsig.fingerprint(_key(line, number))


def _time(text: str | None, number: int) -> float | None:
    """Return Unix seconds of YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, in UTC with a Z, else in the reader's zone."""
    if text is None:
        return None
    found = _TIME.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        parts = time.strptime(found[1], _FORMATS[len(found[1])])
        return float(timegm(parts) if found[2] else time.mktime((*parts[:8], 0)))  # 0: ssh knows no summer time
    except (ValueError, OverflowError) as error:
        hint = 'write valid-before="20271231Z" or "202712312359Z"'
        raise _wrong(number, f"{text[:40]!r} is no date", hint) from error


def _wrong(number: int, what: str, hint: str = _EXAMPLE) -> ConfigError:
    return ConfigError(f"line {number} of the keys: {what}", hint=hint)
