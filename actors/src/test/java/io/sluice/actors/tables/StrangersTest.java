// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.tables;

import static io.sluice.actors.testing.Resources.node;
import static io.sluice.actors.testing.Resources.pod;
import static io.sluice.actors.testing.Resources.snapshot;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.ObjectMeta;
import io.sluice.config.model.Resource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StrangersTest {
  private static Resource slice(Map<String, String> labels, String address) {
    IpAddress ip = IpAddress.parse(address);
    ObjectMeta meta =
        new ObjectMeta("slice", "default", labels, Map.of(), "", "", Optional.empty());
    return new EndpointSlice(
        meta,
        ip.family(),
        List.of(
            new EndpointSlice.Endpoint(
                List.of(ip), true, true, false, "", "", List.of(), List.of(), Optional.empty())),
        List.of());
  }

  private static boolean any(Resource slice) {
    return Strangers.any(
        snapshot(
            true,
            node("node1", "192.168.1.2", "10.244.1.0/24"),
            node("node2", "fd00:100:2::2", "fd00:244:2::/64"),
            pod("stray", "node2", "10.9.9.9"),
            slice));
  }

  @ParameterizedTest
  @CsvSource({
    "10.244.1.7, false",
    "192.168.1.2, false",
    "fd00:100:2::2, false",
    "fd00:244:2::7, false",
    "10.9.9.9, false",
    "10.9.9.8, true",
    "203.0.113.7, true",
    "2001:db8::7, true"
  })
  void whatIsNeitherPodNorNodeIsAStranger(String address, boolean stranger) {
    assertThat(any(slice(Map.of(EndpointSlice.SERVICE_LABEL, "web"), address))).isEqualTo(stranger);
  }

  @Test
  void endpointsOfNoServiceDoNotCount() {
    assertThat(any(slice(Map.of(), "203.0.113.7"))).isFalse();
  }
}
