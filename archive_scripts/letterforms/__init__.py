"""Letterforms: the ways to write each character, and the reference pictures.

glyphs             printed glyphs from a font file or a folder of pictures
splines            Catmull-Rom curves
writer_style       how a writer bends a whole letter
nib                pens and the ink that they leave
strokes            letterforms described stroke by stroke, from letterforms.json
pictured           letterforms known only from a picture
references         draws the reference pictures with a font
part_names         names of the strokes, for learners
reference_forms    the forms that a learner's writing is compared with
font_subsets       fonts with fewer glyphs
web_font           the web font of the page
worksheet_fonts    the fonts of worksheets
worksheet_marks    the pictures of the marks of worksheets
reference_strokes  strokes.json: the strokes that the web page shows one after another
"""
