// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

/** Text from outside, made fit for a message of one line. */
public final class Text {
  private static final int LONGEST = 60;

  private Text() {}

  /** In double quotes, without control characters, shortened where it is long. */
  public static String quote(String raw) {
    StringBuilder out = new StringBuilder("\"");
    raw.codePoints()
        .limit(LONGEST)
        .forEach(
            c -> {
              if (Character.isISOControl(c) || Character.getType(c) == Character.FORMAT) {
                out.append(String.format("\\u%04x", c));
              } else {
                out.appendCodePoint(c);
              }
            });
    return out.append(raw.codePointCount(0, raw.length()) > LONGEST ? "…\"" : "\"").toString();
  }
}
