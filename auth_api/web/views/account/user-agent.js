// The browser and the operating system of a session.

// The order matters, because most browsers also include the names of others.
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

/** `{browser, system}` of a User-Agent header; each is null if unknown. */
export function parseUserAgent(userAgent) {
  const firstMatch = (names) => names.find(([pattern]) => pattern.test(userAgent))?.[1] ?? null;
  return { browser: firstMatch(BROWSERS), system: firstMatch(SYSTEMS) };
}
