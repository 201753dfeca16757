// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.affinity;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import io.sluice.actors.affinity.AffinityKeeper.Stats;
import io.sluice.kernel.dataplane.DataplaneLoader;
import io.sluice.kernel.dataplane.DataplaneOptions;
import io.sluice.kernel.layout.Affinity;
import io.sluice.kernel.layout.AffinityKey;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestBpffs;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The keeper over the kernel's own maps and clock. */
@RequiresKernel
class AffinityInKernelTest {
  private static final int SERVICE = 7;
  private static final int CLIENTS = 3000;

  @ParameterizedTest
  @EnumSource
  @Tag("INV-SVC-5")
  void ofManyClientsThoseThatAreUsefulStay(Family family) {
    ActorTestKit kit = ActorTestKit.create();
    try (TestBpffs bpffs = TestBpffs.mount();
        DataplaneLoader dataplane =
            DataplaneLoader.open(
                DataplaneOptions.defaults(bpffs.path())
                    .withMapSizes(Map.of("ct4", 4096, "ct6", 4096)))) {
      int flags =
          ServiceFlags.SERVICE_IN_USE | (family == Family.IPV6 ? ServiceFlags.SERVICE_IPV6 : 0);
      dataplane.services().put(SERVICE, new Service(0, 1, 0, flags, 60, 1));
      dataplane.backendGen().put(3, new BackendGen(5));
      Set<AffinityKey> useful = new HashSet<>();
      Map<AffinityKey, Affinity> all = new HashMap<>();
      for (int i = 0; i < CLIENTS; i++) {
        AffinityKey key = new AffinityKey(new Ip(family, 0, 0x0a000000L + i), SERVICE);
        int age = i % 3 == 1 ? 100 * dataplane.hz() : 0;
        int gen = i % 3 == 2 ? 4 : 5;
        all.put(
            key,
            new Affinity(
                new Ip(family, 0, 0x0a640001L), 8080, 0, 3, gen, dataplane.jiffies() - age));
        if (i % 3 == 0) {
          useful.add(key);
        }
      }
      dataplane.affinity(family).putAll(all);
      ActorRef<AffinityKeeper.Command> keeper =
          kit.spawn(AffinityKeeper.create(dataplane, AffinityKeeper.Settings.DEFAULT));
      TestProbe<Stats> probe = kit.createTestProbe();
      keeper.tell(new AffinityKeeper.SourceInSync());
      keeper.tell(new AffinityKeeper.ScanNow(probe.ref()));
      Stats.Table table = probe.receiveMessage(Duration.ofSeconds(20)).families().get(family);
      Set<AffinityKey> left = new HashSet<>();
      dataplane.affinity(family).forEach((key, element) -> left.add(key));
      assertThat(left).isEqualTo(useful);
      assertThat(table.old()).isEqualTo(CLIENTS / 3);
      assertThat(table.ofBackends()).isEqualTo(CLIENTS / 3);
      kit.stop(keeper);
    } finally {
      kit.shutdownTestKit();
    }
  }
}
