// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.codegen;

import io.sluice.kernel.btf.Btf;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Writes the Java source of the class of constants that stands for an enumeration. */
final class EnumWriter {
  private EnumWriter() {}

  static String write(Btf.Enum e) {
    List<String> names = e.values().stream().map(Btf.Enumerator::name).toList();
    String prefix = Names.commonPrefix(names);
    // Of names for one value the last is the value's own: bounds come first in these headers.
    Map<Integer, String> shown = new LinkedHashMap<>();
    StringBuilder out = new StringBuilder();
    out.append("// SPDX-License-Identifier: Apache-2.0\npackage io.sluice.kernel.layout;\n\n");
    out.append("/** {@code enum ").append(e.name()).append("}. */\n");
    out.append("public final class ").append(Names.type(e.name())).append(" {\n");
    for (Btf.Enumerator value : e.values()) {
      int number = (int) value.value();
      String name = value.name().substring(prefix.length()).toLowerCase(Locale.ROOT);
      shown.put(number, name);
      out.append("  /** {@code ").append(value.name()).append("}: ");
      out.append(value.value()).append(". */\n");
      out.append("  public static final int ").append(value.name()).append(" = ");
      out.append(isFlags(e) ? "0x" + Integer.toHexString(number) : Integer.toString(number));
      out.append(";\n\n");
    }
    out.append("  private ").append(Names.type(e.name())).append("() {}\n\n");
    appendName(out, shown);
    if (isFlags(e)) {
      appendDescribe(out, shown);
    }
    return out.append("}\n").toString();
  }

  private static void appendName(StringBuilder out, Map<Integer, String> shown) {
    out.append("  /** A constant's name for users; of any other number, its digits. */\n");
    out.append("  public static String name(int value) {\n    return switch (value) {\n");
    shown.forEach(
        (number, name) ->
            out.append("      case ").append(number).append(" -> \"").append(name).append("\";\n"));
    out.append("      default -> Integer.toUnsignedString(value);\n    };\n  }\n");
  }

  private static void appendDescribe(StringBuilder out, Map<Integer, String> shown) {
    out.append("\n  /**\n   * The names of all bits set, separated by commas; empty for none.");
    out.append(" Unknown bits come last, as one\n   * hexadecimal number.\n   */\n");
    out.append("  public static String describe(int flags) {\n");
    out.append("    StringBuilder text = new StringBuilder();\n    int rest = flags;\n");
    out.append("    for (int bit = 1; bit != 0; bit <<= 1) {\n");
    out.append("      if ((flags & bit & ALL) != 0) {\n");
    out.append("        text.append(text.length() == 0 ? \"\" : \",\").append(name(bit));\n");
    out.append("        rest &= ~bit;\n      }\n    }\n");
    out.append("    if (rest != 0) {\n");
    out.append("      text.append(text.length() == 0 ? \"0x\" : \",0x\")");
    out.append(".append(Integer.toHexString(rest));\n    }\n");
    out.append("    return text.toString();\n  }\n\n");
    int all = 0;
    for (int number : shown.keySet()) {
      all |= number;
    }
    out.append("  private static final int ALL = 0x").append(Integer.toHexString(all));
    out.append(";\n");
  }

  /** Every constant is one bit, or all bits together, and the bits leave no gap. */
  private static boolean isFlags(Btf.Enum e) {
    int union = 0;
    for (Btf.Enumerator value : e.values()) {
      if (Long.bitCount(value.value()) == 1) {
        union |= (int) value.value();
      }
    }
    for (Btf.Enumerator value : e.values()) {
      if (Long.bitCount(value.value()) != 1 && (value.value() == 0 || value.value() != union)) {
        return false;
      }
    }
    int lowest = Integer.numberOfTrailingZeros(union);
    return Integer.bitCount(union >>> lowest)
        == 32 - Integer.numberOfLeadingZeros(union >>> lowest);
  }
}
