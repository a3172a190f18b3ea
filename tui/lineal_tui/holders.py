"""Which version others are measured by: the live one, by the rule that the library has too."""

from __future__ import annotations

from lineal.model.live import HOLDERS as HOLDERS
from lineal.model.live import holder as holder
from lineal.model.live import live as live
