// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.codegen;

import io.sluice.kernel.btf.Btf;
import io.sluice.kernel.codegen.Field.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** The structures of an object, sorted into pairs and single ones, with their members read. */
final class Layouts {
  /** Longer arrays would make records that nobody wants to construct. */
  private static final int LONGEST_ARRAY = 16;

  private final Btf btf;

  Layouts(Btf btf) {
    this.btf = btf;
  }

  /** One structure. */
  record Layout(String c, int size, long fingerprint, List<Field> fields) {}

  /**
   * What becomes one record: a structure, or the two of a pair whose names end in 4 and 6.
   *
   * @param six null for a single one
   */
  record Unit(String javaName, Layout four, Layout six) {
    boolean isPair() {
      return six != null;
    }
  }

  /** A structure's name without the suffix of its family. Not for addr4 and addr6. */
  static String stem(String c) {
    return c.endsWith("4") || c.endsWith("6") ? c.substring(0, c.length() - 1) : c;
  }

  private static boolean isAddress(String c) {
    return c.equals("addr4") || c.equals("addr6");
  }

  /** Programs' own: the kernel hides it from everybody else. */
  private static boolean isLock(Btf.Type type) {
    return type instanceof Btf.Struct s && s.name().equals("bpf_spin_lock");
  }

  /**
   * All structures but the addresses and locks, by name.
   *
   * @throws IllegalArgumentException if the two of a pair differ in more than sizes, or a member is
   *     of a type that records have no component for
   */
  List<Unit> units() {
    TreeMap<String, Layout> layouts = new TreeMap<>();
    for (int id = 1; id < btf.types().size(); id++) {
      if (btf.type(id) instanceof Btf.Struct s
          && !s.name().isEmpty()
          && !isAddress(s.name())
          && !isLock(s)) {
        layouts.put(s.name(), read(s, id));
      }
    }
    List<Unit> units = new ArrayList<>();
    for (Layout layout : layouts.values()) {
      String stem = stem(layout.c());
      if (stem.equals(layout.c())) {
        units.add(new Unit(Names.type(stem), layout, null));
        continue;
      }
      Layout four = layouts.get(stem + "4");
      Layout six = layouts.get(stem + "6");
      if (four == null || six == null) {
        throw new IllegalArgumentException(
            "struct " + layout.c() + " has no twin in the other family");
      }
      if (layout == four) {
        requireTwins(four, six);
        units.add(new Unit(Names.type(stem), four, six));
      }
    }
    return units;
  }

  private static void requireTwins(Layout four, Layout six) {
    String both = "struct " + four.c() + " and struct " + six.c();
    if (four.fields().size() != six.fields().size()) {
      throw new IllegalArgumentException(both + " have different members");
    }
    for (int i = 0; i < four.fields().size(); i++) {
      Field a = four.fields().get(i);
      Field b = six.fields().get(i);
      if (!a.matches(b)) {
        throw new IllegalArgumentException(
            both
                + " differ: "
                + a.c()
                + " ("
                + a.shape()
                + ") against "
                + b.c()
                + " ("
                + b.shape()
                + ")");
      }
    }
  }

  private Layout read(Btf.Struct struct, int id) {
    if (struct.union()) {
      throw new IllegalArgumentException("union " + struct.name() + " has no record");
    }
    List<Field> fields = new ArrayList<>();
    for (Btf.Member member : struct.members()) {
      if (!member.name().matches("(pad|rsvd)[0-9]*") && !isLock(btf.type(member.type()))) {
        readMember(struct, member, fields);
      }
    }
    return new Layout(struct.name(), struct.size(), btf.fingerprint(id), fields);
  }

  private void readMember(Btf.Struct struct, Btf.Member member, List<Field> fields) {
    String where = "struct " + struct.name() + ", member " + member.name();
    if (member.bitfield() != 0) {
      throw new IllegalArgumentException(where + ": bit-fields have no fixed layout");
    }
    String component = Names.component(member.name());
    if (!(btf.type(unqualified(member.type())) instanceof Btf.Array array)) {
      fields.add(field(where, component, member.name(), member.type(), member.offset()));
      return;
    }
    if (btf.type(unqualified(array.element())) instanceof Btf.Int i && i.name().equals("char")) {
      fields.add(
          new Field(component, member.name(), Shape.CHARS, member.offset(), array.length(), ""));
      return;
    }
    if (array.length() > LONGEST_ARRAY) {
      throw new IllegalArgumentException(where + ": arrays are for up to " + LONGEST_ARRAY);
    }
    for (int i = 0; i < array.length(); i++) {
      int offset = member.offset() + i * btf.size(array.element());
      String c = member.name() + "[" + i + "]";
      fields.add(field(where, component + i, c, array.element(), offset));
    }
  }

  private int unqualified(int id) {
    return btf.type(id) instanceof Btf.Qualifier q ? unqualified(q.target()) : id;
  }

  private Field field(String where, String component, String c, int type, int offset) {
    boolean network = false;
    int at = type;
    while (true) {
      Btf.Type t = btf.type(at);
      if (t instanceof Btf.Typedef def) {
        network |= def.name().matches("__be[0-9]+");
        at = def.target();
      } else if (t instanceof Btf.Qualifier q) {
        at = q.target();
      } else if (t instanceof Btf.Struct s && !s.union() && !s.name().isEmpty()) {
        if (isAddress(s.name())) {
          Shape shape = s.name().equals("addr4") ? Shape.IP4 : Shape.IP6;
          return new Field(component, c, shape, offset, btf.size(type), "");
        }
        return new Field(component, c, Shape.NESTED, offset, btf.size(type), s.name());
      } else if (t instanceof Btf.Enum || t instanceof Btf.Int i && !i.signed()) {
        int size = btf.size(type);
        return new Field(component, c, scalar(where, size, network), offset, size, "");
      } else {
        throw new IllegalArgumentException(where + ": a type that records have no component for");
      }
    }
  }

  private static Shape scalar(String where, int size, boolean network) {
    return switch (size) {
      case 1 -> Shape.HOST8;
      case 2 -> network ? Shape.NET16 : Shape.HOST16;
      case 4 -> network ? Shape.NET32 : Shape.HOST32;
      case 8 -> network ? Shape.NET64 : Shape.HOST64;
      default -> throw new IllegalArgumentException(where + ": " + size + " bytes wide");
    };
  }
}
