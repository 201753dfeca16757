// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.model.IpAddress;
import io.sluice.config.model.Weights;
import io.sluice.kernel.layout.Family;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WeightingTest {
  private static List<Endpoint> backends(Family family, int count) {
    return IntStream.range(0, count).mapToObj(i -> TestNode.pod(family, i + 1)).toList();
  }

  private static Weights weights(List<Endpoint> backends, IntUnaryOperator weight) {
    Map<IpAddress, Integer> weights = new HashMap<>();
    for (int i = 0; i < backends.size(); i++) {
      weights.put(Luts.address(backends.get(i)).address(), weight.applyAsInt(i));
    }
    return new Weights(weights);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void asFewElementsAsTheWeightsTake(Family family) {
    List<Endpoint> backends = backends(family, 3);
    assertThat(Weighting.of(backends, weights(backends, i -> 50)).elements()).isEqualTo(backends);
    Weighting weighting = Weighting.of(backends, weights(backends, i -> 20 * (i + 1)));
    assertThat(weighting.elements()).hasSize(6);
    assertThat(Collections.frequency(weighting.elements(), backends.get(2))).isEqualTo(3);
    assertThat(weighting.rounded()).isFalse();
    assertThat(Weighting.of(List.of(), Weights.NONE).elements()).isEmpty();
  }

  /** An address that the annotation does not name weighs 1. */
  @Test
  void unnamedBackendsWeighOne() {
    List<Endpoint> backends = backends(Family.IPV4, 2);
    Weights weights = weights(backends.subList(0, 1), i -> 3);
    assertThat(Weighting.of(backends, weights).elements())
        .containsExactly(backends.get(0), backends.get(0), backends.get(0), backends.get(1));
  }

  @Test
  void tooManyElementsAreRoundedAndEveryBackendStays() {
    List<Endpoint> backends = backends(Family.IPV4, 200);
    Weighting weighting = Weighting.of(backends, weights(backends, i -> i == 0 ? 1 : 99));
    assertThat(weighting.rounded()).isTrue();
    assertThat(weighting.elements()).hasSizeLessThanOrEqualTo(Weighting.MOST).containsAll(backends);
    int heavy = Collections.frequency(weighting.elements(), backends.get(1));
    assertThat(heavy).isBetween(18, 20);

    List<Endpoint> many = backends(Family.IPV4, 5000);
    assertThat(Weighting.of(many, weights(many, i -> 1 + i % 2)).elements()).isEqualTo(many);
  }
}
