/**
 * Exact decimals. Amounts arrive as strings and leave as strings; in between they are whole millionths in a BigInt,
 * because inputs may carry six decimals. A float appears only where a length on the screen is drawn.
 */
const PLACES = 6;
const FORM = /^(-?)(\d+)(?:\.(\d{1,6}))?$/;

/** Whole millionths of a decimal string (or whole number). Throws when it is neither. */
export function units(text) {
  const match = FORM.exec(String(text));
  if (!match) throw new RangeError(`"${text}" is not a decimal of at most ${PLACES} places`);
  const [, sign, whole, fraction = ""] = match;
  const magnitude = BigInt(whole + fraction.padEnd(PLACES, "0"));
  return sign ? -magnitude : magnitude;
}

/** The decimal string of whole millionths, with exactly `places` decimals; what lies beyond is cut off. */
export function decimal(millionths, places = 2) {
  const sign = millionths < 0n ? "-" : "";
  const digits = String(millionths < 0n ? -millionths : millionths).padStart(PLACES + 1, "0");
  const whole = digits.slice(0, -PLACES);
  return places === 0 ? sign + whole : `${sign}${whole}.${digits.slice(-PLACES).slice(0, places)}`;
}

/** Decimals a string shows: 2 of "1350.00", 0 of "1350". */
export function places(text) {
  const point = String(text).indexOf(".");
  return point < 0 ? 0 : String(text).length - point - 1;
}

/** Negative, zero or positive, as `a` is below, equal to or above `b`. */
export function compare(a, b) {
  const difference = units(a) - units(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export const isZero = (text) => text == null || units(text) === 0n;

/** A length for drawing: loses precision beyond 15 digits, so it is never shown as a figure. */
export const length = (text) => (text == null ? 0 : Number(text));
