// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.text;

/** Text from outside, made fit for a message of one line. */
public final class Text {
  private static final int LONGEST = 60;
  private static final int LONGEST_LINE = 400;

  private Text() {}

  /** The first line of it, without control characters, shortened where it is long. */
  public static String firstLine(String raw) {
    StringBuilder out = new StringBuilder();
    raw.codePoints()
        .takeWhile(c -> c != '\n')
        .limit(LONGEST_LINE)
        .forEach(c -> out.appendCodePoint(isInvisible(c) ? ' ' : c));
    return out.toString();
  }

  private static boolean isInvisible(int codePoint) {
    return Character.isISOControl(codePoint) || Character.getType(codePoint) == Character.FORMAT;
  }

  /** In double quotes, without control characters, shortened where it is long. */
  public static String quote(String raw) {
    StringBuilder out = new StringBuilder("\"");
    raw.codePoints()
        .limit(LONGEST)
        .forEach(
            c -> {
              if (isInvisible(c)) {
                out.append(String.format("\\u%04x", c));
              } else {
                out.appendCodePoint(c);
              }
            });
    return out.append(raw.codePointCount(0, raw.length()) > LONGEST ? "…\"" : "\"").toString();
  }
}
