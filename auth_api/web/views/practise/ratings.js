// Marks in words.

// Lowest mark of each rating, as in auth_api/practice/progress.py.
const RATINGS = [
  [90, "easy"],
  [70, "good"],
  [50, "hard"],
  [0, "again"],
];

/** The rating of a mark, 0-100: `easy`, `good`, `hard` or `again`. */
export const ratingOf = (score) => RATINGS.find(([from]) => score >= from)[1];
