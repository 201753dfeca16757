// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.LabTest;

/** Likewise where the nodes reach each other's pods by VXLAN, past the host's stack. */
@LabTest(
    topology =
        """
        overlay: vxlan
        nodes: [{name: node1}, {name: node2}]
        pods:
        - {name: client, node: node1, labels: {role: client}}
        - {name: far, node: node2, labels: {role: open}}
        - {name: seat, node: node2}
        """)
class AddressReuseByTunnelTest extends AddressReuseTest {
  AddressReuseByTunnelTest(Cluster cluster) {
    super(cluster);
  }
}
