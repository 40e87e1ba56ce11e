// A stored choice of theme has to stand before the first paint, and modules run after it.
try {
  const theme = localStorage.getItem("sluice-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset["theme"] = theme;
} catch {
  // Storage may be forbidden; then the system's theme holds.
}
