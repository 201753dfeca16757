// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.codegen;

/**
 * A member of a C structure that a record component stands for.
 *
 * @param component name of the component
 * @param c the member in C: {@code addr[0]}
 * @param shape what lies there
 * @param offset bytes from the start of the structure
 * @param size bytes
 * @param struct name of the nested structure, if the shape is NESTED; else empty
 */
record Field(String component, String c, Shape shape, int offset, int size, String struct) {

  /** What lies in memory, and what Java makes of it. */
  enum Shape {
    HOST8("int", "a byte"),
    HOST16("int", "host order, unsigned"),
    HOST32("int", "host order, unsigned bits in an int"),
    HOST64("long", "host order, unsigned bits in a long"),
    NET16("int", "network order, unsigned"),
    NET32("int", "network order, unsigned bits in an int"),
    NET64("long", "network order, unsigned bits in a long"),
    IP4("Ip", "an address, network order"),
    IP6("Ip", "an address, network order"),
    CHARS("String", "UTF-8, NUL-terminated"),
    NESTED("", "a structure");

    private final String javaType;
    private final String words;

    Shape(String javaType, String words) {
      this.javaType = javaType;
      this.words = words;
    }

    String javaType() {
      return javaType;
    }

    String words() {
      return words;
    }

    boolean isAddress() {
      return this == IP4 || this == IP6;
    }

    /** Every value of the Java type fits. */
    boolean takesAll() {
      return this == HOST32 || this == HOST64 || this == NET32 || this == NET64;
    }
  }

  String javaType() {
    return shape == Shape.NESTED ? Names.type(Layouts.stem(struct)) : shape.javaType();
  }

  /** Whether the other one is the same member of the other family's structure. */
  boolean matches(Field other) {
    boolean sameShape = shape == other.shape || shape.isAddress() && other.shape.isAddress();
    boolean sameSize = size == other.size || shape.isAddress() || shape == Shape.NESTED;
    return component.equals(other.component)
        && sameShape
        && sameSize
        && Layouts.stem(struct).equals(Layouts.stem(other.struct));
  }
}
