// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.model.IpAddress;
import io.sluice.config.model.Service;
import io.sluice.config.model.Weights;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BalancingAnnotationsTest {
  private static final String STRATEGY = "lb.projectcalico.org/external-traffic-strategy: ";
  private static final String WEIGHTS = "sluice.io/weights: ";

  private static String manifest(String... annotations) {
    return Manifests.SERVICE.replace(
        "  name: web\n",
        "  name: web\n  annotations:\n    " + String.join("\n    ", annotations) + "\n");
  }

  private static Service read(String text) {
    return (Service) Manifests.parse(text).get(0).resource().orElseThrow();
  }

  @Test
  void aServiceAsksForMaglevInAnyCase() {
    for (String word : new String[] {"maglev", "Maglev", "\" MAGLEV \""}) {
      String text = manifest(STRATEGY + word);
      assertThat(read(text).maglev()).isTrue();
      assertThat(Manifests.problems(text)).isEmpty();
    }
    assertThat(read(Manifests.SERVICE).maglev()).isFalse();
    assertThat(read(Manifests.SERVICE).weights()).isEqualTo(Weights.NONE);
  }

  @Test
  void backendsHaveWeights() {
    String text = manifest(STRATEGY + "maglev", WEIGHTS + "'{\"10.0.0.1\": 2, \"fd00::1\": 100}'");
    Weights weights = read(text).weights();
    assertThat(weights.weight(IpAddress.parse("10.0.0.1"))).isEqualTo(2);
    assertThat(weights.weight(IpAddress.parse("fd00::1"))).isEqualTo(100);
    assertThat(weights.weight(IpAddress.parse("10.0.0.2"))).isEqualTo(1);
    assertThat(Manifests.problems(text)).isEmpty();
  }

  @Test
  void anUnknownStrategyIsToldAndNotFollowed() {
    String text = manifest(STRATEGY + "random");
    assertThat(read(text).maglev()).isFalse();
    assertThat(Manifests.problems(text))
        .singleElement()
        .asString()
        .endsWith("there is no strategy \"random\", only maglev: backends are chosen at random");
  }

  @Test
  void weightsNeedNoMaglev() {
    String text = manifest(WEIGHTS + "'{\"10.0.0.1\": 7}'");
    assertThat(read(text).maglev()).isFalse();
    assertThat(read(text).weights().weight(IpAddress.parse("10.0.0.1"))).isEqualTo(7);
    assertThat(Manifests.problems(text)).isEmpty();
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
