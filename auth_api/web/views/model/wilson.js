// How far a share of few pictures may be from that of many.

const Z = 1.96;

/** Wilson's 95 % interval of `share` (0-1) of `count` that are independent. */
export function wilson(share, count) {
  const z2 = Z * Z;
  const middle = share + z2 / (2 * count);
  const reach = Z * Math.sqrt((share * (1 - share)) / count + z2 / (4 * count * count));
  const scale = 1 + z2 / count;
  return [Math.max(0, (middle - reach) / scale), Math.min(1, (middle + reach) / scale)];
}
