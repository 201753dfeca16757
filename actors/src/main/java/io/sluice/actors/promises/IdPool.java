// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.promises;

import java.util.BitSet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Numbers from 1 to a limit, each given to one key. They are handed out upward from the last one,
 * and begin anew only at the limit, so that a released number rests for as long as possible.
 */
final class IdPool {
  private final int limit;
  private final Map<String, Integer> byKey = new LinkedHashMap<>();
  private final BitSet used = new BitSet();
  private int last;

  /**
   * @param limit the highest number
   */
  IdPool(int limit) {
    this.limit = limit;
  }

  Map<String, Integer> byKey() {
    return Collections.unmodifiableMap(byKey);
  }

  int last() {
    return last;
  }

  /** The next numbers begin after this one. */
  void last(int id) {
    last = id;
  }

  int limit() {
    return limit;
  }

  /**
   * The number that comes next after another one.
   *
   * @param after the one that was last
   * @param taken numbers that are not to be given out, though no key has them
   * @return 0 if there is none
   */
  int next(int after, BitSet taken) {
    int id = free(after + 1, taken);
    if (id > limit) {
      id = free(1, taken);
    }
    return id > limit ? 0 : id;
  }

  private int free(int from, BitSet taken) {
    int id = used.nextClearBit(Math.max(1, from));
    while (taken.get(id)) {
      id = used.nextClearBit(taken.nextClearBit(id));
    }
    return id;
  }

  void assign(String key, int id) {
    release(key);
    byKey.put(key, id);
    used.set(id);
    last = id;
  }

  void release(String key) {
    Integer id = byKey.remove(key);
    if (id != null) {
      used.clear(id);
    }
  }
}
