// What is wrong with a field of a form: the service's reasons by its own words.
export default {
  "reason.missing": "This is needed.",
  "reason.must have 3 to 30 characters": "3 to 30 characters, please.",
  "reason.must be letters of one script, Latin a-z or Devanagari, with digits and . _ - besides":
    "Letters of one script, please, Latin a-z or Devanagari, with digits and . _ - besides.",
  "reason.value is not a valid email address": "This is no e-mail address.",
  "reason.must have 8 to 128 characters": "8 to 128 characters, please.",
  "reason.must not be the username or the e-mail address":
    "Your username or e-mail address would be guessed at once.",
  "reason.is one of the most common passwords":
    "This is one of the most common passwords, which are guessed first.",
  "reason.must be the name of a time zone, such as Asia/Kathmandu":
    "There is no such time zone. One is Asia/Kathmandu.",
};
