"""The policy of a project: what must hold before an alias moves, judged without side effects and with reasons."""
