// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * An object of the log: groups of commits, or one part of a group that is larger than a page.
 *
 * @param number counts on for ever; the same register has others at other times
 * @param group tells parts of one group from those of another at the same place; 0: whole groups
 * @param part from 0
 * @param parts how many the group has
 * @param groups whole groups, or the part alone
 */
record Page(long number, long group, int part, int parts, List<byte[]> groups) {
  private static final byte FORMAT = 1;
  private static final int HEADER = 1 + 8 + 8 + 4 + 4 + 4;

  Page {
    groups = List.copyOf(groups);
  }

  static Page of(long number, List<byte[]> groups) {
    return new Page(number, 0, 0, 1, groups);
  }

  static Page part(long number, long group, int part, int parts, byte[] bytes) {
    return new Page(number, group, part, parts, List.of(bytes));
  }

  boolean isPart() {
    return group != 0;
  }

  boolean isEmpty() {
    return groups.isEmpty();
  }

  Page with(byte[] more) {
    List<byte[]> all = new ArrayList<>(groups);
    all.add(more);
    return of(number, all);
  }

  int size() {
    int size = HEADER;
    for (byte[] bytes : groups) {
      size += 4 + bytes.length;
    }
    return size;
  }

  byte[] toBytes() {
    ByteBuffer buffer = ByteBuffer.allocate(size());
    buffer.put(FORMAT).putLong(number).putLong(group).putInt(part).putInt(parts);
    buffer.putInt(groups.size());
    groups.forEach(bytes -> buffer.putInt(bytes.length).put(bytes));
    return buffer.array();
  }

  /**
   * @throws IllegalArgumentException if a newer version has written it
   */
  static Page of(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    byte format = buffer.get();
    if (format != FORMAT) {
      throw new IllegalArgumentException(
          "a page of format " + format + ": upgrade this node, its cluster has a newer version");
    }
    long number = buffer.getLong();
    long group = buffer.getLong();
    int part = buffer.getInt();
    int parts = buffer.getInt();
    int count = buffer.getInt();
    List<byte[]> groups = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      byte[] one = new byte[buffer.getInt()];
      buffer.get(one);
      groups.add(one);
    }
    return new Page(number, group, part, parts, groups);
  }

  /** The page of that number, if that is what is there. */
  static Optional<Page> of(Registers.Found found, long number) {
    return found.value().map(Page::of).filter(page -> page.number() == number);
  }
}
