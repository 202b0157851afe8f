// Light or dark, before the first paint: the one script that is no module, which would come late.
"use strict";
{
  let chosen = null;
  try {
    chosen = localStorage.getItem("ranjana-theme");
  } catch {
    // Storage may be switched off; then the system's choice it is.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
