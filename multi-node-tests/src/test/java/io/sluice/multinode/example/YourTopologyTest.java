// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.example;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.AllProtocols;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.Fault;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.ServiceSpec;

/** A test of a topology of one's own, as a user of the harness writes it. */
@LabTest(
    topology =
        """
        overlay: vxlan
        nodes:
        - {name: node1}
        - {name: node2, mtu: 1400, rate: 100mbit}
        pods:
        - {name: shop, node: node1}
        - {name: cart-1, node: node1}
        - {name: cart-2, node: node2}
        """)
class YourTopologyTest {
  private static final ServiceSpec CART = ServiceSpec.of("cart", 80, "cart-1", "cart-2");

  private final Cluster cluster;

  YourTopologyTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @AllProtocols
  void theShopReachesItsCartsWhileAnAgentIsDead(String protocol, IpVersion version) {
    cluster.apply(CART);
    cluster.awaitMembers("node1", "node2");
    Traffic shopping =
        cluster.start(
            Cluster.host("shop"),
            Traffic.Spec.newFlows(protocol, CART.address(version), CART.port(protocol), 100));
    try (Fault dead = cluster.faults().kill("node2")) {
      assertThat(cluster.node("node2").agent()).as("%s", dead).isEmpty();
      cluster.awaitDecides("node1", false);
    }
    cluster.awaitMembers("node1", "node2");
    assertThat(shopping.stop().failures()).isEmpty();
  }
}
