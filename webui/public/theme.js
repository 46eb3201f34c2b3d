// Before anything is drawn: the theme that was chosen here, so that the page never flashes.
try {
  const theme = localStorage.getItem("noon.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is blocked: the system's theme is used.
}
