// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.ManualTime;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.actor.typed.javadsl.Adapter;
import akka.persistence.testkit.PersistenceTestKitPlugin;
import akka.persistence.testkit.PersistenceTestKitSnapshotPlugin;
import akka.testkit.ExplicitlyTriggeredScheduler;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.sluice.actors.kernel.FakeKernel;
import io.sluice.actors.maps.MapManager;
import io.sluice.actors.promises.Promises;
import io.sluice.cluster.maglev.BackendSet;
import io.sluice.cluster.maglev.FormerSets;
import io.sluice.cluster.maglev.Formers;
import io.sluice.cluster.maglev.Lut;
import io.sluice.cluster.shared.Agreed;
import io.sluice.config.model.Weights;
import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Service;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * The service side of an agent over maps in memory, with a journal in memory and driven time. It
 * can be killed and started again over the same maps and the same journal.
 */
final class TestNode implements AutoCloseable {
  static final Config CONFIG =
      ManualTime.config()
          .withFallback(PersistenceTestKitPlugin.getInstance().config())
          .withFallback(PersistenceTestKitSnapshotPlugin.config())
          .withFallback(ConfigFactory.parseResources("persistence.conf"))
          .withFallback(ConfigFactory.load());

  final FakeKernel kernel;
  final Safety safety;
  final ActorTestKit kit = ActorTestKit.create(CONFIG);
  final ManualTime time = ManualTime.get(kit.system());
  private final Promises.Limits limits;

  FakeKernel.Agent agent;
  ActorRef<MapManager.Command> maps;
  ActorRef<Promises.Command> promises;
  ActorRef<ServiceSyncer.Command> syncer;

  TestNode() {
    this(FakeKernel.Sizes.DEFAULT);
  }

  TestNode(FakeKernel.Sizes sizes) {
    kernel = new FakeKernel(sizes);
    // The driven clock itself, for it moves from one timer to the next.
    ExplicitlyTriggeredScheduler clock =
        (ExplicitlyTriggeredScheduler) Adapter.toClassic(kit.system()).scheduler();
    safety = new Safety(kernel, clock::currentTimeMs);
    limits = new Promises.Limits(sizes.services() - 1, sizes.gens() - 1, 100);
  }

  void start() {
    agent = kernel.open();
    maps = kit.spawn(MapManager.create(agent));
    promises = kit.spawn(Promises.create(limits));
    TestProbe<MapManager.Writers> probe = kit.createTestProbe();
    maps.tell(new MapManager.GetWriters(probe.ref()));
    syncer =
        kit.spawn(
            ServiceSyncer.create(probe.receiveMessage(), promises, ServiceSyncer.Options.DEFAULT));
  }

  /** At whatever instant; nothing under way is finished. */
  void kill() {
    agent.kill();
    kit.stop(syncer);
    kit.stop(maps);
    kit.stop(promises);
  }

  void want(WantedService... services) {
    for (WantedService service : services) {
      syncer.tell(
          new ServiceSyncer.Want(
              service.name().namespace() + "/" + service.name().text(), List.of(service)));
    }
  }

  /** What the cluster would agree on for these backends, after those before. */
  static LutTarget target(long generation, WantedService service, WantedService... before) {
    byte[] former = new byte[0];
    for (int i = 0; i < before.length; i++) {
      byte[] next = set(i + 1 < before.length ? before[i + 1] : service).bytes();
      former =
          io.sluice.cluster.maglev.MaglevTable.DERIVATION.remember(
              new Agreed(1, 1, Lut.ALGORITHM, set(before[i]).bytes(), "", former),
              Lut.ALGORITHM,
              next,
              Agreed.MAX_VALUE);
    }
    Lut lut = Lut.compute(set(service));
    return new LutTarget(generation, lut.digest(), lut, Formers.of(lut, FormerSets.parse(former)));
  }

  private static BackendSet set(WantedService service) {
    return MaglevWishes.of(List.of(service), MaglevLimits.DEFAULT).sets().get(service.name());
  }

  /** The cluster agrees. */
  void agree(long generation, WantedService service, WantedService... before) {
    syncer.tell(new ServiceSyncer.Agreed(service.name(), target(generation, service, before)));
  }

  /** The cluster's view of a service's table in the kernel; null if there is none. */
  Lut table(ServiceName name) {
    synchronized (kernel.lock) {
      int id = id(name);
      MaglevTable table = kernel.maglev.entries().get(id);
      if (table == null) {
        return null;
      }
      List<Endpoint> span = new ArrayList<>();
      for (int i = 0; i < table.count(); i++) {
        Backend element = kernel.backends.get(name.family()).entries().get(table.base() + i);
        span.add(ElementJudge.endpoint(element));
      }
      return Luts.read(name.family(), table, span).orElseThrow();
    }
  }

  /** How many backend IDs are promised. */
  int promised() {
    TestProbe<Promises.Held> probe = kit.createTestProbe();
    promises.tell(new Promises.Get(Promises.Kind.BACKEND, probe.ref()));
    return probe.receiveMessage().ids().size();
  }

  void withdraw(ServiceName name) {
    syncer.tell(new ServiceSyncer.Want(name.namespace() + "/" + name.text(), List.of()));
  }

  void complete() {
    syncer.tell(new ServiceSyncer.Complete(true, 1));
  }

  ServiceSyncer.Status status() {
    TestProbe<ServiceSyncer.Status> probe = kit.createTestProbe();
    syncer.tell(new ServiceSyncer.GetStatus(probe.ref()));
    return probe.receiveMessage(Duration.ofSeconds(20));
  }

  void timePasses(Duration duration) {
    time.timePasses(duration);
  }

  /** Lets time pass until all that is wanted is written, and what is not wanted is zeroed. */
  void settle() {
    until(Duration.ofMillis(500), "settles", ServiceSyncer.Status::settled);
  }

  /** Lets time pass until what is wanted is applied, though old spans may still rest. */
  void apply() {
    long before = status().rounds();
    complete();
    until(Duration.ofMillis(100), "applies", status -> status.rounds() > before);
  }

  /** Driving time is slow, so it is driven only while nothing happens without it. */
  private void until(Duration step, String what, Predicate<ServiceSyncer.Status> done) {
    ServiceSyncer.Status status = status();
    for (int i = 0; i < 500; i++) {
      for (int j = 0; j < 20 && !done.test(status); j++) {
        status = status();
      }
      if (done.test(status)) {
        return;
      }
      timePasses(step);
    }
    throw new AssertionError("never " + what + ": " + status);
  }

  @Override
  public void close() {
    kit.shutdownTestKit();
  }

  // What the maps say, in words that a test can compare.

  /** The cluster's backends by frontend, each once, for all that a packet can find. */
  Map<FrontendKey, List<Endpoint>> found() {
    Map<FrontendKey, List<Endpoint>> found = new LinkedHashMap<>();
    windows()
        .forEach(
            (key, windows) ->
                found.put(key, windows.cluster().stream().distinct().sorted().toList()));
    return found;
  }

  /** Both parts of a span, as they are. */
  record Windows(List<Endpoint> cluster, List<Endpoint> local) {}

  /** Backends by frontend, element by element. */
  Map<FrontendKey, Windows> windows() {
    Map<FrontendKey, Windows> found = new LinkedHashMap<>();
    synchronized (kernel.lock) {
      for (Family family : Family.values()) {
        for (Map.Entry<FrontendKey, Frontend> entry :
            kernel.frontends.get(family).entries().entrySet()) {
          Service service = kernel.services.entries().get(entry.getValue().service());
          List<Endpoint> elements = new ArrayList<>();
          for (int i = 0; i < service.count() + service.local(); i++) {
            Backend backend = kernel.backends.get(family).entries().get(service.base() + i);
            elements.add(ElementJudge.endpoint(backend));
          }
          found.put(
              entry.getKey(),
              new Windows(
                  List.copyOf(elements.subList(0, service.count())),
                  List.copyOf(elements.subList(service.count(), elements.size()))));
        }
      }
    }
    return found;
  }

  /** Service IDs by owner. */
  Map<Long, List<Integer>> ids() {
    Map<Long, List<Integer>> ids = new TreeMap<>();
    kernel
        .services
        .copy()
        .forEach(
            (id, service) ->
                ids.computeIfAbsent(service.owner(), none -> new ArrayList<>()).add(id));
    return ids;
  }

  int id(ServiceName name) {
    List<Integer> ids = ids().getOrDefault(name.owner(), List.of());
    if (ids.size() != 1) {
      throw new AssertionError(name + " has the IDs " + ids);
    }
    return ids.get(0);
  }

  // Shorthands.

  static ServiceName name(String name, Family family) {
    return new ServiceName("default", name, 80, "TCP", family);
  }

  static Ip ip(Family family, int number) {
    return family == Family.IPV4
        ? new Ip(family, 0, 0x0a600000L + number)
        : new Ip(family, 0xfd00_0096_0000_0000L, number);
  }

  static Endpoint pod(Family family, int number) {
    return family == Family.IPV4
        ? new Endpoint(new Ip(family, 0, 0x0af40000L + number), 8080)
        : new Endpoint(new Ip(family, 0xfd00_0244_0000_0000L, number), 8080);
  }

  /** On this node. */
  static Endpoint here(Family family, int number) {
    Endpoint pod = pod(family, number);
    return new Endpoint(pod.ip(), pod.port(), true);
  }

  static FrontendKey frontend(Family family, int number) {
    return new FrontendKey(ip(family, number), 80, 6);
  }

  static WantedService maglev(String name, Family family, int ip, int... pods) {
    return service(name, family, ip, pods).with(Optional.of(Weights.NONE));
  }

  static WantedService service(String name, Family family, int ip, int... pods) {
    List<Endpoint> backends = new ArrayList<>();
    for (int pod : pods) {
      backends.add(pod(family, pod));
    }
    return WantedService.of(
        name(name, family),
        Map.of(frontend(family, ip), FrontendFlags.FRONTEND_CLUSTER_IP),
        backends,
        name.equals("kubernetes"));
  }
}
