// What a browser calls itself, in words that its user knows it by.

// The order matters: most call themselves by the names of others too.
const BROWSERS = [
  [/\bEdgA?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:Chrome|CriOS|HeadlessChrome)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];
const SYSTEMS = [
  [/\bAndroid\b/, "Android"],
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

/** `{browser, system}` of a User-Agent, each null if it is not a known one. */
export function browserOf(client) {
  const known = (names) => names.find(([pattern]) => pattern.test(client))?.[1] ?? null;
  return { browser: known(BROWSERS), system: known(SYSTEMS) };
}
