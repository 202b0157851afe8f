// Light or dark, before the first paint: the one script that is no module, which would come late.
"use strict";
{
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    let chosen = null;
    try {
      chosen = localStorage.getItem("ranjana-theme");
    } catch {
      // Storage may be switched off; then the system's choice it is.
    }
    document.documentElement.dataset.theme = chosen ?? (dark.matches ? "dark" : "light");
  };
  show();
  dark.addEventListener("change", show);
  addEventListener("storage", show); // chosen in another tab
}
