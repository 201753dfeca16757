// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.parse.Tree.Type;
import java.util.regex.Pattern;

/** What an unquoted scalar of YAML is (its 1.2 core schema, which JSON agrees with). */
final class Scalars {
  private static final Pattern INT =
      Pattern.compile("[-+]?(0|[1-9][0-9]{0,29})|0x[0-9a-fA-F]{1,15}|0o[0-7]{1,20}");
  private static final Pattern FLOAT =
      Pattern.compile("[-+]?(\\.[0-9]{1,30}|[0-9]{1,30}(\\.[0-9]{0,30})?)([eE][-+]?[0-9]{1,4})?");

  private Scalars() {}

  static Type type(String plain) {
    switch (plain) {
      case "", "~", "null", "Null", "NULL":
        return Type.NULL;
      case "true", "True", "TRUE", "false", "False", "FALSE":
        return Type.BOOL;
      default:
        char first = plain.charAt(0);
        boolean number =
            first >= '0' && first <= '9' || first == '-' || first == '+' || first == '.';
        if (!number || plain.length() > 100) {
          return Type.TEXT;
        }
        if (INT.matcher(plain).matches()) {
          return Type.INT;
        }
        boolean padded = plain.matches("[-+]?0[0-9]+");
        return !padded && FLOAT.matcher(plain).matches() ? Type.FLOAT : Type.TEXT;
    }
  }
}
