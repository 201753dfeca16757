// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * Which elements of a backends array are free. First fit, so that the array fills from its
 * beginning; neighbouring free elements become one span again when they are freed.
 */
final class SpanAllocator {
  private final int size;

  /** First element of each free span, and its length; no two touch each other. */
  private final TreeMap<Integer, Integer> free = new TreeMap<>();

  private int used;

  SpanAllocator(int size) {
    this.size = size;
    free.put(0, size);
  }

  int size() {
    return size;
  }

  /** Elements that are not free. */
  int used() {
    return used;
  }

  /**
   * Takes a span.
   *
   * @param count at least 1
   * @return its first element; nothing if no free span is that long
   */
  OptionalInt allocate(int count) {
    return allocateBelow(count, size);
  }

  /** The same, of spans that begin before {@code limit}. */
  OptionalInt allocateBelow(int count, int limit) {
    for (Map.Entry<Integer, Integer> span : free.headMap(limit).entrySet()) {
      if (span.getValue() >= count) {
        int base = span.getKey();
        reserve(base, count);
        return OptionalInt.of(base);
      }
    }
    return OptionalInt.empty();
  }

  /** Takes these elements, of which some may be taken already. */
  void reserve(int base, int count) {
    if (count == 0) {
      return;
    }
    int end = base + count;
    Map.Entry<Integer, Integer> span = free.floorEntry(base);
    if (span == null || span.getKey() + span.getValue() <= base) {
      span = free.higherEntry(base);
    }
    while (span != null && span.getKey() < end) {
      int first = span.getKey();
      int last = first + span.getValue();
      free.remove(first);
      if (first < base) {
        free.put(first, base - first);
      }
      if (last > end) {
        free.put(end, last - end);
      }
      used += Math.min(last, end) - Math.max(first, base);
      span = free.higherEntry(Math.max(first, base));
    }
  }

  /** Gives a span back that is taken as a whole. */
  void release(int base, int count) {
    if (count == 0) {
      return;
    }
    int first = base;
    int end = base + count;
    Map.Entry<Integer, Integer> before = free.floorEntry(base);
    if (before != null && before.getKey() + before.getValue() > base) {
      throw new IllegalStateException("element " + base + " is free already");
    }
    Map.Entry<Integer, Integer> after = free.ceilingEntry(base);
    if (after != null && after.getKey() < end) {
      throw new IllegalStateException("element " + after.getKey() + " is free already");
    }
    if (before != null && before.getKey() + before.getValue() == base) {
      first = before.getKey();
    }
    if (after != null && after.getKey() == end) {
      end += after.getValue();
      free.remove(after.getKey());
    }
    free.put(first, end - first);
    used -= count;
  }
}
