// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class SpanAllocatorTest {
  private record Span(int base, int count) {}

  @Test
  void firstFitAndNeighboursJoin() {
    SpanAllocator spans = new SpanAllocator(10);
    assertThat(spans.allocate(4)).hasValue(0);
    assertThat(spans.allocate(3)).hasValue(4);
    assertThat(spans.allocate(3)).hasValue(7);
    assertThat(spans.allocate(1)).isEmpty();
    spans.release(0, 4);
    spans.release(7, 3);
    assertThat(spans.allocate(5)).isEmpty();
    spans.release(4, 3);
    assertThat(spans.used()).isZero();
    assertThat(spans.allocate(10)).hasValue(0);
  }

  @Test
  void releasingWhatIsFreeIsAMistake() {
    SpanAllocator spans = new SpanAllocator(10);
    spans.reserve(2, 3);
    assertThatThrownBy(() -> spans.release(1, 2)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> spans.release(4, 2)).isInstanceOf(IllegalStateException.class);
    spans.release(2, 3);
    assertThatThrownBy(() -> spans.release(2, 3)).isInstanceOf(IllegalStateException.class);
  }

  /** Against a plain set of elements. */
  @Test
  void randomUseAgreesWithABitSet() {
    Random random = new Random(7);
    SpanAllocator spans = new SpanAllocator(200);
    BitSet taken = new BitSet();
    List<Span> held = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      if (random.nextInt(20) == 0) {
        int base = random.nextInt(190);
        int count = random.nextInt(10);
        if (taken.get(base, base + count).isEmpty()) {
          held.add(new Span(base, count));
        }
        spans.reserve(base, count);
        BitSet fresh = new BitSet();
        fresh.set(base, base + count);
        fresh.andNot(taken);
        if (!held.contains(new Span(base, count))) {
          fresh.stream().forEach(element -> held.add(new Span(element, 1)));
        }
        taken.or(fresh);
      } else if (random.nextBoolean() && !held.isEmpty()) {
        Span span = held.remove(random.nextInt(held.size()));
        spans.release(span.base(), span.count());
        taken.clear(span.base(), span.base() + span.count());
      } else {
        int count = 1 + random.nextInt(12);
        OptionalInt base = spans.allocate(count);
        assertThat(base).isEqualTo(firstFit(taken, count));
        base.ifPresent(
            first -> {
              taken.set(first, first + count);
              held.add(new Span(first, count));
            });
      }
      assertThat(spans.used()).isEqualTo(taken.cardinality());
    }
  }

  private static OptionalInt firstFit(BitSet taken, int count) {
    int base = taken.nextClearBit(0);
    while (base + count <= 200) {
      int next = taken.nextSetBit(base);
      if (next < 0 || next >= base + count) {
        return OptionalInt.of(base);
      }
      base = taken.nextClearBit(next);
    }
    return OptionalInt.empty();
  }
}
