// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.model.IpAddress;
import io.sluice.config.model.Maglev;
import io.sluice.config.model.Service;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MaglevAnnotationsTest {
  private static final String STRATEGY = "lb.projectcalico.org/external-traffic-strategy: ";
  private static final String WEIGHTS = "sluice.io/weights: ";

  private static String manifest(String... annotations) {
    return Manifests.SERVICE.replace(
        "  name: web\n",
        "  name: web\n  annotations:\n    " + String.join("\n    ", annotations) + "\n");
  }

  private static Optional<Maglev> read(String text) {
    return ((Service) Manifests.parse(text).get(0).resource().orElseThrow()).maglev();
  }

  @Test
  void aServiceAsksForMaglevInAnyCase() {
    for (String word : new String[] {"maglev", "Maglev", "\" MAGLEV \""}) {
      String text = manifest(STRATEGY + word);
      assertThat(read(text)).contains(new Maglev(Map.of()));
      assertThat(Manifests.problems(text)).isEmpty();
    }
    assertThat(read(Manifests.SERVICE)).isEmpty();
  }

  @Test
  void backendsHaveWeights() {
    String text = manifest(STRATEGY + "maglev", WEIGHTS + "'{\"10.0.0.1\": 2, \"fd00::1\": 100}'");
    Maglev maglev = read(text).orElseThrow();
    assertThat(maglev.weight(IpAddress.parse("10.0.0.1"))).isEqualTo(2);
    assertThat(maglev.weight(IpAddress.parse("fd00::1"))).isEqualTo(100);
    assertThat(maglev.weight(IpAddress.parse("10.0.0.2"))).isEqualTo(1);
    assertThat(Manifests.problems(text)).isEmpty();
  }

  @Test
  void anUnknownStrategyIsToldAndNotFollowed() {
    String text = manifest(STRATEGY + "random");
    assertThat(read(text)).isEmpty();
    assertThat(Manifests.problems(text))
        .singleElement()
        .asString()
        .endsWith("there is no strategy \"random\", only maglev: backends are chosen at random");
  }

  @Test
  void weightsAloneHaveNoEffect() {
    assertThat(Manifests.problems(manifest(WEIGHTS + "'{}'")))
        .singleElement()
        .asString()
        .contains("has no effect without");
  }

  @Test
  void badWeightsAreRefused() {
    Map<String, String> bad =
        Map.of(
            "'{\"10.0.0.1\": 0}'", "the weight of 10.0.0.1 is 0, want 1 to 100",
            "'{\"10.0.0.1\": 101}'", "the weight of 10.0.0.1 is 101, want 1 to 100",
            "'{\"10.0.0.1\": \"2\"}'", "the weight of 10.0.0.1 is \"2\", want 1 to 100",
            "'{\"ten\": 2}'", "\"ten\" is not an IP address",
            "'[1]'", "\"[1]\" is not JSON of the form {\"10.0.0.1\": 2}",
            "'10.0.0.1=2'", "\"10.0.0.1=2\" is not JSON of the form {\"10.0.0.1\": 2}",
            "''", "\"\" is not JSON of the form {\"10.0.0.1\": 2}");
    bad.forEach(
        (weights, reason) ->
            assertThat(Manifests.problems(manifest(STRATEGY + "maglev", WEIGHTS + weights)))
                .as(weights)
                .singleElement()
                .asString()
                .endsWith("metadata.annotations: sluice.io/weights: " + reason));
  }
}
