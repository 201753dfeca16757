// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.config.model.Weights;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * From backends and their weights to the elements of a span, of which programs pick one with equal
 * chances: a backend has as many as it weighs, divided by what divides all weights.
 *
 * @param elements in the order of the backends
 * @param rounded whether there would have been too many, and the weights are met roughly
 */
record Weighting(List<Endpoint> elements, boolean rounded) {
  /** The most elements of one part of a span, unless it has more backends than that. */
  static final int MOST = 4096;

  static Weighting of(List<Endpoint> backends, Weights weights) {
    if (weights.of().isEmpty() || backends.isEmpty()) {
      return new Weighting(backends, false);
    }
    int[] times =
        backends.stream()
            .map(Luts::address)
            .mapToInt(member -> weights.weight(member.address()))
            .toArray();
    BigInteger divisor = BigInteger.ZERO;
    long sum = 0;
    for (int time : times) {
      divisor = divisor.gcd(BigInteger.valueOf(time));
      sum += time;
    }
    sum /= divisor.intValue();
    // Each has one element at least; the weights share what is left.
    long most = Math.max(MOST - backends.size(), 0);
    List<Endpoint> elements = new ArrayList<>();
    for (int i = 0; i < times.length; i++) {
      long time = times[i] / divisor.intValue();
      long scaled = sum <= MOST ? time : Math.max(1, time * most / sum);
      elements.addAll(Collections.nCopies((int) scaled, backends.get(i)));
    }
    return new Weighting(List.copyOf(elements), sum > MOST);
  }
}
