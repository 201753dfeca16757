// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.codegen;

import io.sluice.kernel.codegen.Field.Shape;
import io.sluice.kernel.codegen.Layouts.Layout;
import io.sluice.kernel.codegen.Layouts.Unit;
import java.util.List;
import java.util.stream.Collectors;

/** Writes the Java source of the record, with its codecs, that stands for a structure or a pair. */
final class RecordWriter {
  private final Unit unit;
  private final StringBuilder out = new StringBuilder();

  private RecordWriter(Unit unit) {
    this.unit = unit;
  }

  static String write(Unit unit) {
    return new RecordWriter(unit).source();
  }

  private String source() {
    List<Field> fields = unit.four().fields();
    line("// SPDX-License-Identifier: Apache-2.0");
    line("package io.sluice.kernel.layout;");
    line("");
    line("import java.nio.ByteBuffer;");
    line("");
    line("/**");
    if (unit.isPair()) {
      line(
          " * {@code struct %s} (%d bytes) and {@code struct %s} (%d bytes).",
          unit.four().c(), unit.four().size(), unit.six().c(), unit.six().size());
    } else {
      line(" * {@code struct %s}, %d bytes.", unit.four().c(), unit.four().size());
    }
    line(" *");
    for (Field f : fields) {
      line(" * @param %s {@code %s}: %s, %s", f.component(), f.c(), bytes(f), f.shape().words());
    }
    line(" */");
    String components =
        fields.stream()
            .map(f -> f.javaType() + " " + f.component())
            .collect(Collectors.joining(", "));
    line("public record %s(%s) {", unit.javaName(), components);
    if (unit.isPair()) {
      constants(unit.four(), "4");
      constants(unit.six(), "6");
      line("  private static final Codec<%s> CODEC4 = new Codec4();", unit.javaName());
      line("  private static final Codec<%s> CODEC6 = new Codec6();", unit.javaName());
      line("");
      line("  /** The codec for the structure of a family. */");
      line("  public static Codec<%s> codec(Family family) {", unit.javaName());
      line("    return family == Family.IPV4 ? CODEC4 : CODEC6;");
      line("  }");
      functions(unit.four(), "4");
      functions(unit.six(), "6");
      codec("4");
      codec("6");
    } else {
      constants(unit.four(), "");
      line("  /** Between values of this record and bytes. */");
      line("  public static final Codec<%s> CODEC = new Codec0();", unit.javaName());
      line("");
      line("  /** The codec. */");
      line("  public static Codec<%s> codec() {", unit.javaName());
      line("    return CODEC;");
      line("  }");
      functions(unit.four(), "");
      codec("");
    }
    line("}");
    return out.toString();
  }

  private String bytes(Field f) {
    if (unit.isPair()) {
      int six = unit.six().fields().get(unit.four().fields().indexOf(f)).size();
      if (six != f.size()) {
        return f.size() + " or " + six + " bytes";
      }
    }
    return f.size() == 1 ? "1 byte" : f.size() + " bytes";
  }

  private void constants(Layout layout, String suffix) {
    line("  /** Bytes of {@code struct %s}. */", layout.c());
    line("  public static final int SIZE%s = %d;", suffix, layout.size());
    line("");
    line("  /** Hash of the layout of {@code struct %s}: see Btf.fingerprint. */", layout.c());
    line("  public static final long FINGERPRINT%s = 0x%016xL;", suffix, layout.fingerprint());
    line("");
    for (Field f : layout.fields()) {
      line("  /** Offset of {@code %s} in {@code struct %s}, bytes. */", f.c(), layout.c());
      line(
          "  public static final int OFFSET%s_%s = %d;",
          suffix, Names.constant(f.component()), f.offset());
      line("");
    }
  }

  private void functions(Layout layout, String suffix) {
    String name = unit.javaName();
    line("");
    line("  static void write%s(%s value, ByteBuffer target, int at) {", suffix, name);
    for (Field f : layout.fields()) {
      line("    %s;", put(f));
    }
    line("  }");
    line("");
    line("  static %s read%s(ByteBuffer source, int at) {", name, suffix);
    line("    return new %s(", name);
    int last = layout.fields().size() - 1;
    for (int i = 0; i <= last; i++) {
      line("        %s%s", get(layout.fields().get(i)), i == last ? ");" : ",");
    }
    line("  }");
  }

  private String put(Field f) {
    String what = ", \"" + unit.javaName() + "." + f.component() + "\"";
    String args = "target, at + " + f.offset() + ", value." + f.component() + "()";
    return switch (f.shape()) {
      case NESTED ->
          f.javaType()
              + ".write"
              + suffix(f)
              + "(value."
              + f.component()
              + "(), target, at + "
              + f.offset()
              + ")";
      case CHARS ->
          "Wire.putChars(target, at + "
              + f.offset()
              + ", "
              + f.size()
              + ", value."
              + f.component()
              + "()"
              + what
              + ")";
      default ->
          "Wire.put" + accessor(f.shape()) + "(" + args + (f.shape().takesAll() ? "" : what) + ")";
    };
  }

  private static String get(Field f) {
    String at = "(source, at + " + f.offset();
    return switch (f.shape()) {
      case NESTED -> f.javaType() + ".read" + suffix(f) + at + ")";
      case CHARS -> "Wire.getChars" + at + ", " + f.size() + ")";
      default -> "Wire.get" + accessor(f.shape()) + at + ")";
    };
  }

  private static String suffix(Field f) {
    return f.struct().substring(Layouts.stem(f.struct()).length());
  }

  private static String accessor(Shape shape) {
    String name = shape.name();
    return name.charAt(0) + name.substring(1).toLowerCase(java.util.Locale.ROOT);
  }

  private void codec(String suffix) {
    String name = unit.javaName();
    line("");
    line(
        "  private static final class Codec%s implements Codec<%s> {",
        suffix.isEmpty() ? "0" : suffix, name);
    line("    @Override");
    line("    public int size() {");
    line("      return SIZE%s;", suffix);
    line("    }");
    line("");
    line("    @Override");
    line("    public void encode(%s value, ByteBuffer buffer, int offset) {", name);
    line("      Wire.zero(buffer, offset, SIZE%s);", suffix);
    line("      write%s(value, buffer, offset);", suffix);
    line("    }");
    line("");
    line("    @Override");
    line("    public %s decode(ByteBuffer buffer, int offset) {", name);
    line("      return read%s(buffer, offset);", suffix);
    line("    }");
    line("  }");
  }

  private void line(String format, Object... args) {
    out.append(args.length == 0 ? format : String.format(java.util.Locale.ROOT, format, args))
        .append('\n');
  }
}
