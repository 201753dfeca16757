// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import com.typesafe.config.ConfigFactory;
import io.sluice.actors.kernel.FakeKernel;
import io.sluice.actors.maps.MapManager;
import io.sluice.actors.promises.Promises;
import io.sluice.kernel.layout.Family;
import io.sluice.persistence.LocalJournal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Ten thousand services with ten backends each, over the real journal. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
final class ServiceScaleTest {
  private static final int SERVICES = 10_000;

  @TempDir Path folder;

  @Test
  @Tag("INV-AG-1")
  void tenThousandServicesAreAppliedInSecondsAndAdoptedWithoutAWrite() {
    FakeKernel kernel = new FakeKernel(FakeKernel.Sizes.DEFAULT);
    int[] writes = {0};
    kernel.observe((map, key, value) -> writes[0]++);
    ActorTestKit kit =
        ActorTestKit.create(LocalJournal.open(folder).config().withFallback(ConfigFactory.load()));
    try {
      ActorRef<Promises.Command> promises =
          kit.spawn(Promises.create(new Promises.Limits(65535, 262143, 100)));
      ActorRef<ServiceSyncer.Command> first = start(kit, kernel, promises);
      long began = System.nanoTime();
      wantAll(first);
      awaitApplied(kit, first);
      Duration took = Duration.ofNanos(System.nanoTime() - began);
      assertThat(took).as("first round").isLessThan(Duration.ofSeconds(60));
      assertThat(kernel.backends.get(Family.IPV4).copy()).hasSize(SERVICES * 10);
      assertThat(kernel.frontends.get(Family.IPV4).copy()).hasSize(SERVICES);
      kit.stop(first);

      int before = writes[0];
      ActorRef<ServiceSyncer.Command> second = start(kit, kernel, promises);
      wantAll(second);
      awaitApplied(kit, second);
      assertThat(writes[0]).as("writes of a restart").isEqualTo(before);
    } finally {
      kit.shutdownTestKit();
    }
  }

  private static ActorRef<ServiceSyncer.Command> start(
      ActorTestKit kit, FakeKernel kernel, ActorRef<Promises.Command> promises) {
    ActorRef<MapManager.Command> maps = kit.spawn(MapManager.create(kernel.open()));
    TestProbe<MapManager.Writers> probe = kit.createTestProbe();
    maps.tell(new MapManager.GetWriters(probe.ref()));
    return kit.spawn(
        ServiceSyncer.create(
            probe.receiveMessage(Duration.ofSeconds(20)), promises, ServiceSyncer.Options.DEFAULT));
  }

  private static void wantAll(ActorRef<ServiceSyncer.Command> syncer) {
    for (int i = 0; i < SERVICES; i++) {
      int[] pods = new int[10];
      for (int j = 0; j < 10; j++) {
        pods[j] = i * 10 + j;
      }
      WantedService service = TestNode.service("s" + i, Family.IPV4, i, pods);
      syncer.tell(new ServiceSyncer.Want("default/s" + i, List.of(service)));
    }
    syncer.tell(new ServiceSyncer.Complete(true, 1));
  }

  private static void awaitApplied(ActorTestKit kit, ActorRef<ServiceSyncer.Command> syncer) {
    TestProbe<ServiceSyncer.Status> probe = kit.createTestProbe();
    Awaitility.await()
        .atMost(Duration.ofSeconds(90))
        .pollInterval(Duration.ofMillis(50))
        .until(
            () -> {
              syncer.tell(new ServiceSyncer.GetStatus(probe.ref()));
              return probe.receiveMessage(Duration.ofSeconds(20)).applied();
            });
  }
}
