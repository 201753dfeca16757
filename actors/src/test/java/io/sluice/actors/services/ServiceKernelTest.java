// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import com.typesafe.config.ConfigFactory;
import io.sluice.actors.maps.MapManager;
import io.sluice.actors.promises.Promises;
import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.dataplane.DataplaneLoader;
import io.sluice.kernel.dataplane.DataplaneOptions;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestBpffs;
import io.sluice.persistence.LocalJournal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The syncer over the kernel's own maps and the real journal. */
@RequiresKernel
@Timeout(value = 3, unit = TimeUnit.MINUTES)
final class ServiceKernelTest {
  private static final int FRONTENDS = 600;

  @TempDir Path folder;
  private TestBpffs bpffs;
  private DataplaneLoader dataplane;
  private ActorTestKit kit;
  private ActorRef<ServiceSyncer.Command> syncer;

  @BeforeEach
  void start() {
    bpffs = TestBpffs.mount();
    open();
  }

  @AfterEach
  void stop() {
    close();
    bpffs.close();
  }

  private void open() {
    dataplane =
        DataplaneLoader.open(
            DataplaneOptions.defaults(bpffs.path())
                .withMapSizes(Map.of("ct4", 4096, "ct6", 4096, "frontends4", FRONTENDS)));
    kit =
        ActorTestKit.create(LocalJournal.open(folder).config().withFallback(ConfigFactory.load()));
    ActorRef<MapManager.Command> maps = kit.spawn(MapManager.create(dataplane));
    TestProbe<MapManager.Writers> probe = kit.createTestProbe();
    maps.tell(new MapManager.GetWriters(probe.ref()));
    ActorRef<Promises.Command> promises =
        kit.spawn(
            Promises.create(
                new Promises.Limits(
                    dataplane.services().maxEntries() - 1,
                    dataplane.backendGen().maxEntries() - 1,
                    100)));
    syncer =
        kit.spawn(
            ServiceSyncer.create(
                probe.receiveMessage(Duration.ofSeconds(20)),
                promises,
                ServiceSyncer.Options.DEFAULT));
  }

  private void close() {
    kit.shutdownTestKit();
    dataplane.close();
  }

  private ServiceSyncer.Status await(Predicate<ServiceSyncer.Status> done) {
    TestProbe<ServiceSyncer.Status> probe = kit.createTestProbe();
    return Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(
            () -> {
              syncer.tell(new ServiceSyncer.GetStatus(probe.ref()));
              return probe.receiveMessage(Duration.ofSeconds(20));
            },
            done);
  }

  private void want(int services) {
    for (Family family : Family.values()) {
      for (int i = 0; i < services; i++) {
        WantedService service = TestNode.service("s" + i, family, i, i, i + 1, i + 2);
        syncer.tell(new ServiceSyncer.Want(service.name().text(), List.of(service)));
      }
    }
    syncer.tell(new ServiceSyncer.Complete(true, 1));
  }

  private void withdraw(int services) {
    for (Family family : Family.values()) {
      for (int i = 0; i < services; i++) {
        String owner = TestNode.name("s" + i, family).text();
        syncer.tell(new ServiceSyncer.Want(owner, List.of()));
      }
    }
    syncer.tell(new ServiceSyncer.Complete(true, 1));
  }

  /** All service maps, read whole. */
  private List<Map<Object, Object>> contents() {
    List<Map<Object, Object>> all = new ArrayList<>();
    all.add(contents(dataplane.services()));
    all.add(contents(dataplane.backendGen()));
    for (Family family : Family.values()) {
      all.add(contents(dataplane.frontends(family)));
      all.add(contents(dataplane.backends(family)));
    }
    return all;
  }

  private static <K, V> Map<Object, Object> contents(TypedMap<K, V> map) {
    Map<Object, Object> contents = new HashMap<>();
    map.forEach(contents::put);
    return contents;
  }

  @Test
  @Tag("INV-AG-1")
  @Tag("INV-CT-6")
  @Tag("INV-SVC-3")
  void restartAdoptsEverythingAndRemovalLeavesNothing() {
    want(500);
    await(ServiceSyncer.Status::settled);
    List<Map<Object, Object>> before = contents();
    assertThat(before.get(0)).hasSize(1_000);
    assertThat(before.get(2)).hasSize(500);
    assertThat(before.get(3)).hasSize(1_500);

    close();
    open();
    want(500);
    assertThat(await(ServiceSyncer.Status::settled).writes()).isZero();
    assertThat(contents()).isEqualTo(before);

    withdraw(500);
    await(status -> status.services() == 0 && status.settled());
    List<Map<Object, Object>> after = contents();
    after.remove(1); // generations only ever grow
    assertThat(after).allSatisfy(map -> assertThat(map).isEmpty());
  }

  @Test
  void fullFrontendMapIsReportedByNameAndTheRestIsServed() {
    want(700);
    ServiceSyncer.Status status = await(ServiceSyncer.Status::applied);
    assertThat(status.problems()).hasSize(100);
    assertThat(status.problems().keySet()).allMatch(name -> name.matches("default/s\\d+/80/TCP/4"));
    assertThat(status.problems().values())
        .allSatisfy(problem -> assertThat(problem).contains("map frontends4 is full"));
    assertThat(contents(dataplane.frontends(Family.IPV4))).hasSize(FRONTENDS);
    assertThat(contents(dataplane.frontends(Family.IPV6))).hasSize(700);
  }
}
