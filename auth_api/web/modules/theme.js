// Sets the theme and the writing hand before the first paint. Not a module, because modules run later.
"use strict";
{
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    let theme = null;
    let hand = null;
    try {
      theme = localStorage.getItem("ranjana-theme");
      hand = localStorage.getItem("ranjana-hand");
    } catch {
      // Storage is disabled: the system decides.
    }
    document.documentElement.dataset.theme = theme ?? (dark.matches ? "dark" : "light");
    document.documentElement.dataset.hand = hand ?? "right";
  };
  show();
  dark.addEventListener("change", show);
  addEventListener("storage", show); // a choice in another tab
}
