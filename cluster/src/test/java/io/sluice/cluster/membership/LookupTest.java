// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.sluice.config.settings.ClusterKeys.Formation;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Nodes that find each other in DNS. */
@Timeout(120)
final class LookupTest {
  private final TestNodes nodes = new TestNodes("127.0.3");
  private final DnsServer dns = new DnsServer();

  LookupTest() throws java.io.IOException {}

  @AfterEach
  void stop() {
    nodes.close();
    dns.close();
  }

  private Config resolver() {
    return ConfigFactory.parseMap(
        Map.of("akka.io.dns.async-dns.nameservers", List.of("127.0.0.1:" + dns.port())));
  }

  private void start(int i) {
    nodes.start("n" + i, nodes.byName(i, Formation.DNS, "sluice.example"), resolver());
  }

  @Test
  void theAddressesOfANameAreTheSeeds() {
    start(1);
    nodes.awaitReason("n1", "0 of 0 seeds are there, this node is none of them, 2 are needed");
    dns.add(nodes.host(1));
    dns.add(nodes.host(2));
    dns.add(nodes.host(3));
    nodes.awaitReason("n1", "1 of 3 seeds are there, this node included, 2 are needed");

    start(2);
    nodes.awaitOneCluster("n1", "n2");
    start(3);
    nodes.awaitOneCluster("n1", "n2", "n3");
  }

  @Test
  void aServerThatIsAwayIsToldOf() {
    dns.close();
    start(1);

    nodes.awaitReason("n1", "they cannot be looked up: ");
  }
}
