// The confidence interval of a fraction.

const Z = 1.96;

/** Wilson's 95 % interval of `share` (0 to 1) of `count` independent samples: `[low, high]`. */
export function wilson(share, count) {
  const z2 = Z * Z;
  const centre = share + z2 / (2 * count);
  const margin = Z * Math.sqrt((share * (1 - share)) / count + z2 / (4 * count * count));
  const scale = 1 + z2 / count;
  return [Math.max(0, (centre - margin) / scale), Math.min(1, (centre + margin) / scale)];
}
