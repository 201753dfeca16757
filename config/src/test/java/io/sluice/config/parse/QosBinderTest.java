// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.model.Pod;
import io.sluice.config.model.QosControls;
import io.sluice.config.model.QosControls.Limits;
import io.sluice.config.model.WorkloadEndpoint;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Limits and marks: names, units, what counts where nobody says. */
class QosBinderTest {
  private static ParsedDocument parse(String text) {
    return Manifests.parse(text).get(0);
  }

  private static QosControls ofPod(String annotations) {
    String text =
        Manifests.POD.replaceFirst(
            "  name: web-a", "  name: web-a\n  annotations:\n" + annotations);
    ParsedDocument document = parse(text);
    assertThat(document.problems()).isEmpty();
    return ((Pod) document.resource().orElseThrow()).qos();
  }

  private static String annotation(String name, String value) {
    return "    qos.projectcalico.org/" + name + ": '" + value + "'\n";
  }

  @Test
  void aPodsAnnotations() {
    assertThat(
            ofPod(
                annotation("ingressBandwidth", "10M")
                    + annotation("ingressBurst", "1Mi")
                    + annotation("egressPacketRate", "2k")
                    + annotation("egressPacketBurst", "20")
                    + annotation("ingressMaxConnections", "4294967295")
                    + annotation("dscp", "ef")))
        .isEqualTo(
            new QosControls(
                new Limits(10_000_000, 1_048_576, 0, 0, 4294967295L),
                new Limits(0, 0, 2000, 20, 0),
                OptionalInt.of(46)));
  }

  @Test
  void whatNobodySays() {
    assertThat(ofPod(annotation("egressBandwidth", "1G") + annotation("egressPacketRate", "9")))
        .isEqualTo(
            new QosControls(
                Limits.NONE,
                new Limits(1_000_000_000, 34_359_738_360L, 9, 5, 0),
                OptionalInt.empty()));
    assertThat(ofPod("    other: x\n")).isEqualTo(QosControls.NONE);
  }

  @Test
  void calicosAnnotationGoesBeforeThatOfKubernetes() {
    String kubernetes = "    kubernetes.io/ingress-bandwidth: 1M\n";
    assertThat(ofPod(kubernetes).ingress().bandwidth()).isEqualTo(1_000_000);
    assertThat(ofPod(annotation("ingressBandwidth", "2M") + kubernetes).ingress().bandwidth())
        .isEqualTo(2_000_000);
  }

  @Test
  void anEndpointsFields() {
    ParsedDocument document =
        parse(
            Manifests.ENDPOINT.replaceFirst(
                "  node: node1",
                "  node: node1\n  qosControls: {egressMaxConnections: 7, dscp: 10}"));
    assertThat(document.problems()).isEmpty();
    assertThat(((WorkloadEndpoint) document.resource().orElseThrow()).qos())
        .isEqualTo(new QosControls(Limits.NONE, new Limits(0, 0, 0, 0, 7), OptionalInt.of(10)));
  }

  @ParameterizedTest
  @CsvSource({
    "1000, 1000",
    "1k, 1000",
    "1.5k, 1500",
    "1Ki, 1024",
    "2e3, 2000",
    "3E3, 3000",
    "1500000m, 1500",
    "1000100m, 1001",
    ".5M, 500000",
    "1P, 1000000000000000"
  })
  void quantities(String text, long value) {
    assertThat(ofPod(annotation("ingressBandwidth", text)).ingress().bandwidth()).isEqualTo(value);
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "63, 63", "DF, 0", "CS7, 56", "AF11, 10", "af43, 38", "VA, 44"})
  void dscp(String text, int value) {
    assertThat(ofPod(annotation("dscp", text)).dscp()).hasValue(value);
  }
}
