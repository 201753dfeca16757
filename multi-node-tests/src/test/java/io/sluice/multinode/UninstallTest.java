// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.Lab;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.HostSnapshot;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.ServiceSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** {@code sluice uninstall} leaves a node as it was. */
@LabTest(
    agents = false,
    topology =
        """
        overlay: vxlan
        nodes: [{name: node1}, {name: node2}]
        pods:
        - {name: client, node: node1}
        - {name: web-1, node: node1}
        - {name: web-2, node: node1}
        - {name: web-3, node: node2}
        """)
class UninstallTest {
  private static final ServiceSpec WEB = ServiceSpec.of("web", 10, "web-1", "web-2");

  private final Cluster cluster;

  UninstallTest(Cluster cluster) {
    this.cluster = cluster;
  }

  private Lab.Output uninstall(String... more) {
    Path config = cluster.lab().names().agentConfig(cluster.topology().node("node1"));
    String[] command = new String[3 + more.length];
    command[0] = "uninstall";
    command[1] = "--config";
    command[2] = config.toString();
    System.arraycopy(more, 0, command, 3, more.length);
    return cluster.sluice(command);
  }

  @Test
  @Tag("INV-AG-4")
  @Tag("INV-TAB-3")
  void theNodeIsAsItWas() {
    // Somebody else's, not to be touched.
    cluster.run("node1", "nft", "add table inet other { chain c { counter; }; }");
    cluster.run("node1", "ip", "route", "add", "blackhole", "203.0.113.0/24");
    HostSnapshot before = HostSnapshot.of(cluster, "node1");
    cluster.lab().startAgents();
    cluster.awaitReady();
    cluster.apply(WEB);
    assertThat(cluster.run("node1", "ip", "route")).contains("vxlan.sluice");
    for (IpVersion version : IpVersion.values()) {
      assertThat(cluster.ask(Cluster.host("client"), "tcp", WEB, version, 10).failures()).isEmpty();
    }
    assertThat(HostSnapshot.of(cluster, "node1").differenceFrom(before)).isNotEmpty();

    Lab.Output refused = uninstall();
    assertThat(refused.code()).as(refused.text()).isEqualTo(1);
    assertThat(refused.text().lines()).as(refused.text()).hasSize(1);
    assertThat(cluster.ask(Cluster.host("client"), "tcp", WEB, IpVersion.V4, 10).failures())
        .isEmpty();

    cluster.lab().agent("node1").orElseThrow().terminate();
    Lab.Output done = uninstall("--purge");
    assertThat(done.code()).as(done.text()).isZero();
    assertThat(HostSnapshot.of(cluster, "node1").differenceFrom(before)).isEmpty();
    Path folder = cluster.lab().names().nodeFolder(cluster.topology().node("node1"));
    assertThat(folder.resolve("data"))
        .satisfiesAnyOf(
            data -> assertThat(Files.exists(data)).isFalse(),
            data -> assertThat(data).isEmptyDirectory());
    // Again does no harm.
    assertThat(uninstall().code()).isZero();
  }
}
