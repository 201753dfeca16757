// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.btf;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Types of a BPF object or of a map in the kernel, as their BTF tells them (see "BPF Type Format"
 * in the kernel's documentation). Depends on nothing, since the build-time generator of the codecs
 * uses it, too.
 */
public final class Btf {
  private static final int MAGIC = 0xeb9f;

  /** A type. Offsets and sizes are bytes. */
  public sealed interface Type {
    /** The name in C; empty if it has none. */
    String name();
  }

  /** An integer. {@code signed} as C has it; chars count as signed or not by their architecture. */
  public record Int(String name, int size, boolean signed) implements Type {}

  /** A structure or union. */
  public record Struct(String name, int size, boolean union, List<Member> members)
      implements Type {}

  /** A member. {@code bitfield} is the width in bits, 0 for ordinary members. */
  public record Member(String name, int type, int offset, int bitfield) {}

  /** An array. */
  public record Array(int element, int length) implements Type {
    @Override
    public String name() {
      return "";
    }
  }

  /** An enumeration of {@code size} bytes. */
  public record Enum(String name, int size, List<Enumerator> values) implements Type {}

  /** A constant of an enumeration. */
  public record Enumerator(String name, long value) {}

  /** Another name for a type. */
  public record Typedef(String name, int target) implements Type {}

  /** const, volatile, restrict or a tag: means what its target means. */
  public record Qualifier(String name, int target) implements Type {}

  /** A global variable. */
  public record Variable(String name, int type) implements Type {}

  /** A section of global variables. */
  public record Section(String name, List<Placed> variables) implements Type {}

  /**
   * A variable's place in its section. An object file may leave the offset to the loader: take it
   * from what libbpf has read.
   */
  public record Placed(int variable, int offset, int size) {}

  /** Anything that data which programs share with user space does not consist of. */
  public record Other(String name, int kind) implements Type {}

  private final List<Type> types;

  private Btf(List<Type> types) {
    this.types = types;
  }

  /**
   * From the .BTF section of an ELF object.
   *
   * @throws IllegalArgumentException if this is no ELF object with BTF
   */
  public static Btf ofObject(byte[] elf) {
    if (elf.length < 64 || elf[0] != 0x7f || elf[1] != 'E' || elf[2] != 'L' || elf[3] != 'F') {
      throw new IllegalArgumentException("not an ELF object");
    }
    if (elf[4] != 2) {
      throw new IllegalArgumentException("not a 64-bit ELF object");
    }
    ByteBuffer b =
        ByteBuffer.wrap(elf).order(elf[5] == 1 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    try {
      int sections = Math.toIntExact(b.getLong(0x28));
      int entry = Short.toUnsignedInt(b.getShort(0x3a));
      int count = Short.toUnsignedInt(b.getShort(0x3c));
      int names = sections + entry * Short.toUnsignedInt(b.getShort(0x3e));
      int nameTable = Math.toIntExact(b.getLong(names + 0x18));
      for (int i = 0; i < count; i++) {
        int section = sections + entry * i;
        if (".BTF".equals(string(b, nameTable + b.getInt(section)))) {
          int offset = Math.toIntExact(b.getLong(section + 0x18));
          int size = Math.toIntExact(b.getLong(section + 0x20));
          byte[] data = new byte[size];
          b.get(offset, data);
          return parse(data);
        }
      }
    } catch (IndexOutOfBoundsException | ArithmeticException e) {
      throw new IllegalArgumentException("a broken ELF object: " + e.getMessage(), e);
    }
    throw new IllegalArgumentException("the object has no .BTF section; compile it with -g");
  }

  /**
   * From raw BTF, of either byte order.
   *
   * @throws IllegalArgumentException if this is no BTF or cut off
   */
  public static Btf parse(byte[] data) {
    ByteBuffer b = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    try {
      if (Short.toUnsignedInt(b.getShort(0)) != MAGIC) {
        b.order(ByteOrder.BIG_ENDIAN);
      }
      if (Short.toUnsignedInt(b.getShort(0)) != MAGIC) {
        throw new IllegalArgumentException("not BTF: bad magic number");
      }
      int header = b.getInt(4);
      int typeStart = header + b.getInt(8);
      int typeEnd = typeStart + b.getInt(12);
      int strings = header + b.getInt(16);
      List<Type> types = new ArrayList<>();
      types.add(new Other("void", 0));
      b.limit(typeEnd).position(typeStart);
      ByteBuffer all = ByteBuffer.wrap(data).order(b.order());
      while (b.hasRemaining()) {
        types.add(readType(b, all, strings));
      }
      return new Btf(List.copyOf(types));
    } catch (IndexOutOfBoundsException | BufferUnderflowException e) {
      throw new IllegalArgumentException("broken BTF: " + e.getMessage(), e);
    }
  }

  private static Type readType(ByteBuffer b, ByteBuffer all, int strings) {
    String name = string(all, strings + b.getInt());
    int info = b.getInt();
    int sizeOrType = b.getInt();
    int kind = info >>> 24 & 0x1f;
    int count = info & 0xffff;
    boolean flag = info < 0;
    switch (kind) {
      case 1: // INT
        return new Int(name, sizeOrType, (b.getInt() >>> 24 & 1) != 0);
      case 3: // ARRAY
        int element = b.getInt();
        b.getInt(); // type of the index
        return new Array(element, b.getInt());
      case 4: // STRUCT
      case 5: // UNION
        List<Member> members = new ArrayList<>();
        for (int i = 0; i < count; i++) {
          members.add(readMember(b, all, strings, flag));
        }
        return new Struct(name, sizeOrType, kind == 5, List.copyOf(members));
      case 6: // ENUM
      case 19: // ENUM64
        List<Enumerator> values = new ArrayList<>();
        for (int i = 0; i < count; i++) {
          String constant = string(all, strings + b.getInt());
          long low = kind == 19 || !flag ? Integer.toUnsignedLong(b.getInt()) : b.getInt();
          values.add(new Enumerator(constant, kind == 19 ? (long) b.getInt() << 32 | low : low));
        }
        return new Enum(name, sizeOrType, List.copyOf(values));
      case 8: // TYPEDEF
        return new Typedef(name, sizeOrType);
      case 9: // VOLATILE
      case 10: // CONST
      case 11: // RESTRICT
      case 18: // TYPE_TAG
        return new Qualifier(name, sizeOrType);
      case 14: // VAR
        b.getInt(); // linkage
        return new Variable(name, sizeOrType);
      case 15: // DATASEC
        List<Placed> placed = new ArrayList<>();
        for (int i = 0; i < count; i++) {
          placed.add(new Placed(b.getInt(), b.getInt(), b.getInt()));
        }
        return new Section(name, List.copyOf(placed));
      default:
        b.position(b.position() + trailer(kind, count));
        return new Other(name, kind);
    }
  }

  private static Member readMember(ByteBuffer b, ByteBuffer all, int strings, boolean bitfields) {
    String name = string(all, strings + b.getInt());
    int type = b.getInt();
    int offset = b.getInt();
    int width = bitfields ? offset >>> 24 : 0;
    int bits = bitfields ? offset & 0xffffff : offset;
    return new Member(name, type, bits / 8, width);
  }

  /** Bytes that follow the common part of a type that is not looked into. */
  private static int trailer(int kind, int count) {
    return switch (kind) {
      case 2, 7, 12, 16 -> 0; // PTR, FWD, FUNC, FLOAT
      case 13 -> 8 * count; // FUNC_PROTO
      case 17 -> 4; // DECL_TAG
      default -> throw new IllegalArgumentException("BTF of an unknown kind: " + kind);
    };
  }

  private static String string(ByteBuffer b, int offset) {
    int end = offset;
    while (b.get(end) != 0) {
      end++;
    }
    byte[] bytes = new byte[end - offset];
    b.get(offset, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** All types; the index is the type's ID, and 0 is void. */
  public List<Type> types() {
    return types;
  }

  /** A type by its ID. */
  public Type type(int id) {
    return types.get(id);
  }

  /** The ID of the structure with this name. */
  public Optional<Integer> struct(String name) {
    for (int id = 0; id < types.size(); id++) {
      if (types.get(id) instanceof Struct s && s.name().equals(name)) {
        return Optional.of(id);
      }
    }
    return Optional.empty();
  }

  /** The size of a value of the type in bytes. */
  public int size(int id) {
    Type type = types.get(id);
    if (type instanceof Int i) {
      return i.size();
    } else if (type instanceof Struct s) {
      return s.size();
    } else if (type instanceof Enum e) {
      return e.size();
    } else if (type instanceof Array a) {
      return size(a.element()) * a.length();
    } else if (type instanceof Typedef t) {
      return size(t.target());
    } else if (type instanceof Qualifier q) {
      return size(q.target());
    }
    throw new IllegalArgumentException("no size is known of type " + id + " " + type);
  }

  /**
   * The layout of a type in words: names, offsets, sizes and typedefs, all the way down. Two types
   * with equal words hold the same data in the same places with the same meaning.
   */
  public String layout(int id) {
    StringBuilder text = new StringBuilder();
    appendLayout(id, text);
    return text.toString();
  }

  private void appendLayout(int id, StringBuilder text) {
    Type type = types.get(id);
    if (type instanceof Int i) {
      text.append(i.signed() ? 's' : 'u').append(8 * i.size());
    } else if (type instanceof Struct s) {
      text.append(s.union() ? "union " : "struct ").append(s.name()).append('{');
      for (Member m : s.members()) {
        text.append(m.name()).append('@').append(m.offset());
        if (m.bitfield() != 0) {
          text.append('.').append(m.bitfield());
        }
        text.append(':');
        appendLayout(m.type(), text);
        text.append(';');
      }
      text.append('}').append(s.size());
    } else if (type instanceof Enum e) {
      text.append("enum ").append(e.name()).append(8 * e.size());
    } else if (type instanceof Array a) {
      text.append('[').append(a.length()).append(']');
      appendLayout(a.element(), text);
    } else if (type instanceof Typedef t) {
      text.append(t.name()).append('=');
      appendLayout(t.target(), text);
    } else if (type instanceof Qualifier q) {
      appendLayout(q.target(), text);
    } else {
      text.append("other");
    }
  }

  /**
   * A stable hash of {@link #layout}: equal for the types of the programs and those of a pinned map
   * unless the map is of another layout.
   */
  public long fingerprint(int id) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(layout(id).getBytes(StandardCharsets.UTF_8));
      return ByteBuffer.wrap(digest).getLong();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
