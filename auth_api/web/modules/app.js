// Begins: language, who is signed in, frame, view.

import { startFrame, showFrame } from "./frame.js";
import { go, render, startRouter } from "./router.js";
import { onExpired, onSessionChange, resume } from "./session.js";
import { loadStrings, startLanguage } from "./strings.js";

await startLanguage();
await Promise.all([loadStrings("common"), loadStrings("learn"), resume()]);
startFrame();
onSessionChange(() => {
  showFrame();
  render();
});
onExpired(() => go("/sign-in", { expired: "yes" }));
await startRouter();
