// Recognising and practising.
export default {
  "recognise.title": "Which character is it?",
  "recognise.pad": "Draw a character here",
  "recognise.model": "What to read",
  "recognise.model.ranjana": "Characters",
  "recognise.model.digits": "Western digits 0-9",
  "recognise.model.version": "Read by the model {name}, version {version}.",
  "recognise.hint.ranjana":
    "Draw one of the 62 Ranjana characters, a consonant, a vowel or a digit, with finger, pen or mouse. It is read as soon as you pause.",
  "recognise.hint.digits":
    "Draw a Western digit, 0 to 9. It is read as soon as you pause. Ranjana digits are read among the characters; Devanagari digits are not read.",
  "recognise.drop": "Pictures can be dropped or pasted anywhere on this page, several at once too.",
  "recognise.top": "The five most likely",
  "recognise.digits": "All ten digits",
  "recognise.allClasses": "All others",
  "recognise.compare": "Compare with the reference",
  "recognise.notIsolated":
    "No single character stood out, so the whole picture was read. More light or a closer crop helps.",
  "recognise.others": {
    one: "One more character was seen: show both",
    other: "{count} more characters were seen: show all",
  },
  "recognise.characters": { one: "{count} character", other: "{count} characters" },
  "recognise.choose": "Choose a character in the picture.",
  "recognise.place": "{number} of {count}",
  "recognise.seen": "What the model saw",
  "recognise.yours": "Your picture",
  "recognise.ink": "The ink that was found in it",

  "sure.very": "Very sure",
  "sure.quite": "Quite sure",
  "sure.little": "Not sure",

  "feedback.isRight": "That is right",
  "feedback.isWrong": "This is wrong",
  "feedback.which": "Which one is it?",
  "feedback.right": "Thank you. Good to know.",
  "feedback.thanks": "Thank you. The right character is noted.",
  "feedback.signIn": "to keep this, and to say when it is wrong.",

  "several.title": { one: "{count} picture", other: "{count} pictures" },
  "several.progress": "Pictures read",
  "several.noPicture": "This is not a picture.",

  "pictures.choose": "Choose pictures",
  "pictures.chooseOne": "Choose a picture",
  "pictures.camera": "Camera",
  "pictures.none": {
    one: "{names} is not a picture. JPEG, PNG, WebP, HEIC, AVIF, BMP and GIF are read.",
    other:
      "None of these is a picture: {names}. JPEG, PNG, WebP, HEIC, AVIF, BMP and GIF are read.",
  },
  "camera.title": "Photograph a character",
  "camera.view": "What the camera sees",
  "camera.take": "Take the picture",
  "camera.refused": "The camera cannot be used here. Choose a picture instead.",

  "pad.kind": "drawing area",
  "pad.keys":
    "Arrow keys move the pen, with Shift in small steps. Space puts it down and lifts it. Control Z undoes a stroke, Control Y redoes it, Delete clears them all.",
  "pad.tools": "Drawing",
  "pad.pen": "Pen",
  "pad.pen.kind": "Kind of pen",
  "pad.pen.nib": "Nib",
  "pad.pen.round": "Round",
  "pad.pen.width": "Width",
  "pad.pen.angle": "Angle",
  "pad.degrees": "{count}°",
  "pad.lines": "Guide lines",
  "pad.leftHanded": "I write with the left hand",
  "pad.undo": "Undo",
  "pad.redo": "Redo",
  "pad.clear": "Clear",
  "pad.tooMuch":
    "This is too much for one character: at most {strokes} strokes of {points} points are read.",
};
