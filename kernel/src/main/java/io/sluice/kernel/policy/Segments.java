// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * All numbers, cut where something begins or ends.
 *
 * @param from the first number of each segment, ascending, from zero on; the last one has no end
 * @param items by segment: which items have its numbers, ascending
 */
record Segments(List<Num> from, List<List<Integer>> items) {
  /**
   * Cuts by the ranges of items.
   *
   * @param ranges by item, merged
   * @param most the greatest number that there is
   * @param last items after which no other is asked, in the segments that they have
   * @param bound how many items all segments together may have
   * @return empty if they have more
   */
  static Optional<Segments> cut(
      List<List<Range>> ranges, Num most, TreeSet<Integer> last, int bound) {
    TreeMap<Num, List<Integer>> begins = new TreeMap<>();
    Map<Num, List<Integer>> ends = new HashMap<>();
    begins.put(Num.ZERO, new ArrayList<>());
    for (int item = 0; item < ranges.size(); item++) {
      for (Range range : ranges.get(item)) {
        begins.computeIfAbsent(range.first(), n -> new ArrayList<>()).add(item);
        if (!range.last().equals(most)) {
          Num next = range.last().next();
          begins.computeIfAbsent(next, n -> new ArrayList<>());
          ends.computeIfAbsent(next, n -> new ArrayList<>()).add(item);
        }
      }
    }
    List<Num> from = new ArrayList<>();
    List<List<Integer>> items = new ArrayList<>();
    TreeSet<Integer> active = new TreeSet<>();
    int total = 0;
    for (Map.Entry<Num, List<Integer>> place : begins.entrySet()) {
      active.removeAll(ends.getOrDefault(place.getKey(), List.of()));
      active.addAll(place.getValue());
      List<Integer> asked = upTo(active, last);
      if (items.isEmpty() || !items.get(items.size() - 1).equals(asked)) {
        from.add(place.getKey());
        items.add(asked);
        total += asked.size();
        if (total > bound) {
          return Optional.empty();
        }
      }
    }
    return Optional.of(new Segments(from, items));
  }

  private static List<Integer> upTo(TreeSet<Integer> active, TreeSet<Integer> last) {
    List<Integer> asked = new ArrayList<>();
    for (int item : active) {
      asked.add(item);
      if (last.contains(item)) {
        break;
      }
    }
    return asked;
  }

  int size() {
    return from.size();
  }
}
