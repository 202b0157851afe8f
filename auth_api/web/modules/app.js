// Starts the page: language, session, frame, first view.

import { showFrame, startFrame } from "./frame.js";
import { startServiceWorker } from "./offline.js";
import { startOutbox } from "./outbox.js";
import { currentAddress, go, render, startRouter } from "./router.js";
import { onExpired, onProfileChange, onSessionChange, resume } from "./session.js";
import { loadStrings, startLanguage } from "./strings.js";

await startLanguage();
await Promise.all([loadStrings("common"), loadStrings("learn"), resume()]);
startFrame();
onSessionChange(() => {
  showFrame();
  render();
});
onProfileChange(showFrame);
onExpired(() => go("/sign-in", { expired: "yes", next: currentAddress() }));
startOutbox();
startServiceWorker();
await startRouter();
