"""The application in a browser: a page, a terminal in it, and a process for each that is open."""
