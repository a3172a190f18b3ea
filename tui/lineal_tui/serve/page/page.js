// The rest is textual.js: it opens a terminal in #terminal and connects it to the socket named there.
document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("again").addEventListener("click", () => window.location.reload());
});
window.addEventListener("load", () => document.querySelector(".xterm-helper-textarea")?.focus());
