// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.kernel.layout.Codec;
import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.testing.RequiresKernel;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@RequiresKernel
class MapTest {
  /** As much as fills several batches, and not the last of them. */
  private static final int MANY = 3 * BpfMap.BATCH + 17;

  private static BpfMap<Integer, Long> open(MapType type, int entries) {
    MapSpec spec = new MapSpec(type, "test_map", 4, 8, entries, 0);
    return new BpfMap<>("test_map", spec.create(), Codec.U32, Codec.U64);
  }

  private static <K, V> Map<K, V> all(TypedMap<K, V> map) {
    Map<K, V> all = new HashMap<>();
    map.forEach((key, value) -> assertThat(all.put(key, value)).isNull());
    return all;
  }

  private static Map<Integer, Long> numbers(int from, int to) {
    Map<Integer, Long> numbers = new HashMap<>();
    for (int i = from; i < to; i++) {
      numbers.put(i, i + 1_000_000_000_000L);
    }
    return numbers;
  }

  @ParameterizedTest
  @EnumSource(names = {"HASH", "LRU_HASH"})
  void hashesTakeAndGiveManyBatches(MapType type) {
    // An LRU hash evicts before it is full, so give it room.
    try (BpfMap<Integer, Long> map = open(type, 4 * MANY)) {
      assertThat(all(map)).isEmpty();
      Map<Integer, Long> entries = numbers(0, MANY);
      map.putAll(entries);
      assertThat(all(map)).isEqualTo(entries);
      map.removeAll(numbers(MANY / 2, 2 * MANY).keySet()); // half of them absent
      assertThat(all(map)).isEqualTo(numbers(0, MANY / 2));
      assertThat(map.get(3)).contains(1_000_000_000_003L);
      assertThat(map.get(MANY)).isEmpty();
      map.put(MANY, 5L);
      assertThat(map.get(MANY)).contains(5L);
    }
  }

  @Test
  void absentKeysBetweenPresentOnesDoNotStopDeletion() {
    try (BpfMap<Integer, Long> map = open(MapType.HASH, MANY)) {
      map.putAll(numbers(0, MANY));
      List<Integer> keys = new ArrayList<>();
      for (int i = 0; i < MANY; i += 2) {
        keys.add(i);
        keys.add(-1 - i);
      }
      map.removeAll(keys);
      assertThat(all(map)).hasSize(MANY / 2).containsKey(1).doesNotContainKey(0);
    }
  }

  @Test
  void arraysVisitOnlyWhatIsNotZero() {
    try (BpfMap<Integer, Long> map = open(MapType.ARRAY, MANY)) {
      assertThat(all(map)).isEmpty();
      map.putAll(numbers(0, MANY));
      assertThat(all(map)).isEqualTo(numbers(0, MANY));
      map.removeAll(numbers(10, MANY).keySet());
      assertThat(all(map)).isEqualTo(numbers(0, 10));
      assertThat(map.get(11)).contains(0L);
      assertThatExceptionOfType(KernelException.class)
          .isThrownBy(() -> map.put(MANY, 1L))
          .withMessageContaining("test_map")
          .withMessageContaining("beyond its " + MANY + " elements")
          .matches(e -> e.errno() == Errno.E2BIG);
    }
  }

  @Test
  void tries() {
    record Prefix(int length, int address) {}
    Codec<Prefix> codec =
        new Codec<>() {
          @Override
          public int size() {
            return 8;
          }

          @Override
          public void encode(Prefix value, ByteBuffer buffer, int offset) {
            buffer.putInt(offset, value.length());
            buffer.putInt(offset + 4, Integer.reverseBytes(value.address()));
          }

          @Override
          public Prefix decode(ByteBuffer buffer, int offset) {
            return new Prefix(
                buffer.getInt(offset), Integer.reverseBytes(buffer.getInt(offset + 4)));
          }
        };
    MapSpec spec = new MapSpec(MapType.LPM_TRIE, "trie", 8, 8, 2 * MANY, MapSpec.NO_PREALLOC);
    try (BpfMap<Prefix, Long> map = new BpfMap<>("trie", spec.create(), codec, Codec.U64)) {
      Map<Prefix, Long> entries = new HashMap<>();
      for (int i = 0; i < MANY; i++) {
        entries.put(new Prefix(32, 0x0a000000 + i), (long) i);
      }
      entries.put(new Prefix(8, 0x0a000000), 77L);
      map.putAll(entries);
      assertThat(all(map)).isEqualTo(entries);
      assertThat(map.get(new Prefix(32, 0x0aff0000))).as("longest match").contains(77L);
      map.removeAll(entries.keySet());
      assertThat(all(map)).isEmpty();
    }
  }

  @Test
  void fullMapSaysSo() {
    try (BpfMap<Integer, Long> map = open(MapType.HASH, 600)) {
      assertThatExceptionOfType(KernelException.class)
          .isThrownBy(() -> map.putAll(numbers(0, 700)))
          .withMessageContaining("write map test_map: E2BIG")
          .withMessageContaining("it is full, with 600 entries")
          .matches(e -> e.errno() == Errno.E2BIG);
      assertThat(all(map)).hasSize(600);
    }
  }

  @Test
  void codecOfAnotherSizeIsRefused() {
    MapSpec spec = new MapSpec(MapType.HASH, "other", 4, 4, 10, 0);
    try (Fd fd = spec.create()) {
      assertThatExceptionOfType(KernelException.class)
          .isThrownBy(() -> new BpfMap<>("other", fd, Codec.U32, Codec.U64))
          .withMessageContaining("its key and value have 4 and 4 bytes, not 4 and 8");
    }
  }

  @Test
  void valuesOfEveryCpu() {
    MapSpec spec = new MapSpec(MapType.PERCPU_ARRAY, "percpu", 4, 4, 3, 0);
    try (PerCpuArray<Integer> map = new PerCpuArray<>("percpu", spec.create(), Codec.U32)) {
      int cpus = PerCpuArray.possibleCpus();
      List<Integer> values = new ArrayList<>();
      for (int cpu = 0; cpu < cpus; cpu++) {
        values.add(100 + cpu);
      }
      map.set(1, values);
      assertThat(map.get(1)).isEqualTo(values);
      assertThat(map.get(2)).isEqualTo(Collections.nCopies(cpus, 0));
      assertThat(map.size()).isEqualTo(3);
    }
  }

  @Test
  void programArrays() {
    MapSpec spec = new MapSpec(MapType.PROG_ARRAY, "progs", 4, 4, 8, 0);
    try (ProgramArray array = new ProgramArray("progs", spec.create());
        Fd program = Programs.load(Programs.SCHED_CLS, "one", Code.returning(1), List.of())) {
      array.set(5, program);
      assertThat(array.programIds()).isEqualTo(Map.of(5, ProgramInfo.of(program).id()));
      assertThatExceptionOfType(KernelException.class)
          .isThrownBy(() -> array.set(8, program))
          .withMessageContaining("progs[8]")
          .withMessageContaining("it has 8 slots");
      array.clear(5);
      array.clear(5);
      assertThat(array.programIds()).isEmpty();
    }
  }

  @Test
  void closedMapIsNobodyElsesDescriptor() {
    BpfMap<Integer, Long> map = open(MapType.HASH, 10);
    map.close();
    map.close();
    assertThatExceptionOfType(IllegalStateException.class).isThrownBy(() -> map.get(1));
  }
}
