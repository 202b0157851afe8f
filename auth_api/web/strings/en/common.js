// Strings of every view.
export default {
  "nav.label": "Main",
  "nav.skip": "Skip to the content",
  "nav.recognise": "Recognise",
  "nav.practise": "Practise",
  "nav.worksheets": "Paper",
  "nav.progress": "Progress",
  "nav.operate": "Operate",
  "nav.further": "More",
  "nav.models": "How well it reads",
  "nav.jobs": "Many pictures at once",
  "nav.api": "For programs",
  "nav.language": "Language",
  "nav.theme": "Light or dark",
  "nav.settings": "Display and account",
  "nav.signIn": "Sign in",
  "nav.signUp": "Sign up",

  "group.consonant": "Consonants",
  "group.vowel": "Vowels",
  "group.digit": "Digits of the script",

  "action.again": "Try again",
  "action.cancel": "Cancel",
  "action.close": "Close",
  "action.delete": "Delete",
  "action.more": "Show more",
  "action.save": "Save",
  "action.download": "Download",

  "keepsake.save": "Save the picture",
  "keepsake.share": "Share",
  "keepsake.print": "Print",

  "state.loading": "Loading …",
  "state.looking": "Recognising …",
  "state.empty": "Nothing here yet.",
  "state.missing": "There is no such page.",
  "state.notAllowed": "Not for this account",
  "state.notAllowedRole": "This page is for the role “{role}” and above.",

  "signInFirst.title": "Please sign in",
  "signInFirst.why": "Then your drawings are kept, and you can follow your progress.",

  "role.user": "learner",
  "role.analyst": "analyst",
  "role.data-scientist": "data scientist",
  "role.ml-engineer": "ML engineer",
  "role.admin": "administrator",

  "export.as": "Download {name}",
  "export.doing": "Collecting your history …",
  "export.done": "Saved as {name}.",

  "duration.second": { one: "{count} second", other: "{count} seconds" },
  "duration.minute": { one: "{count} minute", other: "{count} minutes" },
  "duration.hour": { one: "{count} hour", other: "{count} hours" },

  months: "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",

  "connection.offline":
    "You are offline. You can practise: what you write is kept, and sent later.",
  "connection.waiting": {
    one: "{count} attempt waits to be sent.",
    other: "{count} attempts wait to be sent.",
  },
  "connection.needed": "This needs the network, and you are offline.",
  "connection.busy": {
    one: "The service is busy: trying again in {count} second.",
    other: "The service is busy: trying again in {count} seconds.",
  },
  "connection.unreachable": "The service cannot be reached at the moment.",

  "error.unexpected": "Something went wrong here. Please try again.",
  "error.unreachable": "The service cannot be reached. Please try again in a moment.",
};
