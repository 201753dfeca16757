// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import java.util.Arrays;
import java.util.Locale;

/** Kinds of maps, by the kernel's numbers (enum bpf_map_type). */
public enum MapType {
  HASH(1),
  ARRAY(2),
  PROG_ARRAY(3),
  PERCPU_HASH(5),
  PERCPU_ARRAY(6),
  LRU_HASH(9),
  LRU_PERCPU_HASH(10),
  LPM_TRIE(11),
  ARRAY_OF_MAPS(12),
  HASH_OF_MAPS(13),
  RINGBUF(27),
  OTHER(-1);

  private final int number;

  MapType(int number) {
    this.number = number;
  }

  public static MapType of(int number) {
    return Arrays.stream(values()).filter(t -> t.number == number).findFirst().orElse(OTHER);
  }

  public int number() {
    return number;
  }

  /** Keys are indices below max_entries, whose elements always exist. */
  public boolean isArray() {
    return this == ARRAY || this == PERCPU_ARRAY || this == PROG_ARRAY || this == ARRAY_OF_MAPS;
  }

  /** Each CPU has a value of its own. */
  public boolean isPerCpu() {
    return this == PERCPU_ARRAY || this == PERCPU_HASH || this == LRU_PERCPU_HASH;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
