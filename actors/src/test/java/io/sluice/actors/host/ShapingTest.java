// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.actors.host.HostNet.Nic;
import io.sluice.actors.testing.FakeHostNet;
import io.sluice.config.model.QosControls;
import io.sluice.kernel.net.RootQdisc;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class ShapingTest {
  private static final Nic NIC = new Nic(7, "cali7", true);
  private static final QosControls.Limits TEN_MBIT =
      new QosControls.Limits(10_000_000, 800_000, 0, 0, 0);

  private final FakeHostNet net = new FakeHostNet();
  private final Shaping shaping = new Shaping(net);

  @Test
  @Tag("INV-AG-1")
  void whatIsThereIsNotWrittenAgain() {
    net.qdiscs.add(new RootQdisc(7, 0, "noqueue", 0, 0));
    assertThat(shaping.put(NIC, TEN_MBIT)).isEmpty();
    assertThat(new Shaping(net).put(NIC, TEN_MBIT)).isEmpty();
    assertThat(net.linkChanges).containsExactly("tbf 7 1250000 100000");
    shaping.put(NIC, new QosControls.Limits(20_000_000, 800_000, 0, 0, 0));
    assertThat(net.linkChanges).hasSize(2);
    shaping.remove(NIC);
    shaping.remove(NIC);
    assertThat(net.linkChanges).endsWith("no-tbf 7").hasSize(3);
  }

  @Test
  @Tag("INV-AG-4")
  void whatSomebodyElseHasPutThereStays() {
    RootQdisc foreign = new RootQdisc(7, 0x8001_0000, "htb", 0, 0);
    net.qdiscs.add(foreign);
    assertThat(shaping.put(NIC, TEN_MBIT))
        .hasValueSatisfying(v -> assertThat(v).contains("htb 8001:"));
    shaping.remove(NIC);
    assertThat(net.qdiscs).containsExactly(foreign);
    Nic other = new Nic(8, "cali8", true);
    shaping.put(other, TEN_MBIT);
    Shaping.removeAll(net);
    assertThat(net.qdiscs).containsExactly(foreign);
  }
}
