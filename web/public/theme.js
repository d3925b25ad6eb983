// Runs before the first paint, which a module cannot: otherwise a chosen theme would flash in the other one.
try {
  const theme = localStorage.getItem("streamforge.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is forbidden here: the theme of the system stays.
}
