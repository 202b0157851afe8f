"""Practice of characters, and the progress of learners.

attempts    stores attempts, and keeps the progress up to date
progress    computes mastery, trend, due dates and streaks
presenting  JSON
characters  the characters to learn: reference pictures and strokes
alphabets   the classes of each recognition model
"""
