// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.actors.kernel.FakeKernel;
import io.sluice.actors.kernel.FakeMap;
import io.sluice.config.model.Cidr;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SourceRangeKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Services and backends come, change, move and go at random, while the agent is killed, the kernel
 * fails and the maps are almost full; {@link Safety} looks at what packets see after every single
 * write. In the end the maps must say what is wanted, and nothing else.
 */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
final class ServiceChaosTest {
  private static final int STEPS = 100;

  private final Map<ServiceName, WantedService> wanted = new HashMap<>();
  private long agreements;
  private Random random;
  private TestNode node;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 13})
  @Tag("INV-SVC-3")
  @Tag("INV-SVC-2")
  @Tag("INV-SVC-10")
  @Tag("INV-AG-1")
  @Tag("INV-MAG-4")
  void nothingHalfIsEverSeenAndTheEndIsWhatIsWanted(long seed) {
    random = new Random(seed);
    node = new TestNode(new FakeKernel.Sizes(64, 64, 256, 400));
    try {
      node.start();
      for (int step = 0; step < STEPS; step++) {
        step();
        assertThat(node.safety.violations()).as("seed %d, step %d", seed, step).isEmpty();
      }
      calm();
      node.apply();
      node.settle();
      wanted.values().stream()
          .filter(service -> service.maglev().isPresent())
          .forEach(service -> node.agree(++agreements, service));
      node.complete();
      node.settle();
      assertThat(node.safety.violations()).as("seed %d", seed).isEmpty();
      checkEnd();
    } finally {
      node.close();
    }
  }

  private void step() {
    for (int change = random.nextInt(4); change >= 0; change--) {
      changeOne();
    }
    node.complete();
    switch (random.nextInt(8)) {
      case 0 -> node.timePasses(Duration.ofMillis(1 + random.nextInt(2_000)));
      case 1, 2 -> node.timePasses(Duration.ofMillis(1 + random.nextInt(200)));
      case 3 -> node.status();
      case 4 -> failSomething();
      case 5 -> killAndStart();
      default -> {}
    }
  }

  private void changeOne() {
    Family family = random.nextBoolean() ? Family.IPV4 : Family.IPV6;
    int number = random.nextInt(8);
    ServiceName name = TestNode.name("s" + number, family);
    if (random.nextInt(5) == 0) {
      wanted.remove(name);
      node.withdraw(name);
      return;
    }
    WantedService service = randomService(number, family);
    wanted.put(name, service);
    node.want(service);
    agreeOnSome(name, service);
  }

  private WantedService randomService(int number, Family family) {
    // Mostly its own address; now and then one that another service has or had.
    int address = random.nextInt(6) == 0 ? random.nextInt(8) : number;
    int[] pods = random.ints(random.nextInt(6), 0, 12).distinct().toArray();
    WantedService base =
        random.nextInt(3) == 0
            ? TestNode.service("s" + number, family, address, pods)
            : TestNode.maglev("s" + number, family, address, pods);
    Map<FrontendKey, Integer> frontends = new HashMap<>(base.frontends());
    boolean limited = random.nextInt(3) == 0;
    if (limited) {
      frontends.put(
          TestNode.frontend(family, 16 + random.nextInt(8)),
          FrontendFlags.FRONTEND_LOAD_BALANCER | FrontendFlags.FRONTEND_SOURCE_RANGES);
    }
    if (random.nextInt(3) == 0) {
      frontends.put(
          new FrontendKey(Ip.any(family), 30000 + random.nextInt(4), 6),
          FrontendFlags.FRONTEND_NODE_PORT
              | (random.nextBoolean() ? FrontendFlags.FRONTEND_LOCAL : 0));
    }
    List<Endpoint> cluster = new ArrayList<>();
    List<Endpoint> local = new ArrayList<>();
    for (Endpoint pod : base.cluster()) {
      Endpoint endpoint = new Endpoint(pod.ip(), pod.port(), random.nextBoolean());
      List<Endpoint> times = Collections.nCopies(1 + random.nextInt(2), endpoint);
      cluster.addAll(times);
      if (endpoint.local()) {
        local.addAll(times);
      }
    }
    if (random.nextInt(4) == 0 && !cluster.isEmpty()) {
      Endpoint terminating = TestNode.here(family, 12 + random.nextInt(3));
      local.add(terminating);
    }
    return new WantedService(
        base.name(),
        frontends,
        cluster,
        local,
        false,
        random.nextInt(4) == 0 ? 10 + random.nextInt(2) : 0,
        limited ? randomRanges(family) : Set.of(),
        base.maglev());
  }

  private Set<Cidr> randomRanges(Family family) {
    String format = family == Family.IPV4 ? "192.0.%d.0/24" : "2001:db8:%d::/48";
    return random
        .ints(1 + random.nextInt(3), 0, 5)
        .mapToObj(n -> Cidr.parse(format.formatted(n)))
        .collect(Collectors.toSet());
  }

  /** The cluster is quick, slow, or away; or knows of other backends than this node does yet. */
  private void agreeOnSome(ServiceName name, WantedService service) {
    if (service.maglev().isPresent() && random.nextInt(3) > 0) {
      node.agree(++agreements, service, some(name));
    }
    if (random.nextInt(4) == 0) {
      node.agree(++agreements, some(name), some(name), some(name));
    }
  }

  private WantedService some(ServiceName name) {
    int[] pods = random.ints(random.nextInt(7), 0, 12).distinct().toArray();
    return TestNode.maglev(name.name(), name.family(), 1, pods);
  }

  private void failSomething() {
    Family family = random.nextBoolean() ? Family.IPV4 : Family.IPV6;
    List<FakeMap<?, ?>> maps =
        List.of(
            node.kernel.services,
            node.kernel.gens,
            node.kernel.maglev,
            node.kernel.frontends.get(family),
            node.kernel.sourceRanges.get(family),
            node.kernel.backends.get(family));
    maps.get(random.nextInt(maps.size())).fail(1 + random.nextInt(3), random.nextInt(4), 12);
  }

  private void calm() {
    node.kernel.services.fail(0, 0, 0);
    node.kernel.gens.fail(0, 0, 0);
    node.kernel.maglev.fail(0, 0, 0);
    for (Family family : Family.values()) {
      node.kernel.frontends.get(family).fail(0, 0, 0);
      node.kernel.sourceRanges.get(family).fail(0, 0, 0);
      node.kernel.backends.get(family).fail(0, 0, 0);
    }
  }

  private void killAndStart() {
    node.kill();
    node.start();
    node.syncer.tell(new ServiceSyncer.Complete(false, 1));
    wanted.values().forEach(node::want);
    node.complete();
  }

  private void checkEnd() {
    Map<FrontendKey, WantedService> owners = new HashMap<>();
    wanted.values().stream()
        .sorted((a, b) -> a.name().compareTo(b.name()))
        .forEach(
            service -> service.frontends().keySet().forEach(k -> owners.putIfAbsent(k, service)));
    Map<FrontendKey, TestNode.Windows> expected = new HashMap<>();
    owners.forEach(
        (key, service) ->
            expected.put(key, new TestNode.Windows(service.cluster(), service.local())));
    assertThat(node.windows()).isEqualTo(expected);
    Set<WantedService> served = new HashSet<>(owners.values());
    assertThat(node.kernel.services.copy()).hasSize(served.size());
    Set<SourceRangeKey> ranges = new HashSet<>();
    for (WantedService service : served) {
      int id = node.id(service.name());
      assertThat(node.kernel.services.copy().get(id).affinitySeconds())
          .isEqualTo(service.affinitySeconds());
      assertThat(Optional.ofNullable(node.table(service.name())))
          .as("%s", service)
          .isEqualTo(service.maglev().map(maglev -> TestNode.target(1, service).lut()));
      service
          .sourceRanges()
          .forEach(
              range ->
                  ranges.add(
                      new SourceRangeKey(
                          32 + range.prefix(), id, ServiceRules.ip(range.address()))));
    }
    Set<SourceRangeKey> foundRanges = new HashSet<>();
    int elements = 0;
    int ids = 0;
    for (Family family : Family.values()) {
      foundRanges.addAll(node.kernel.sourceRanges.get(family).copy().keySet());
      Map<Integer, Backend> backends = node.kernel.backends.get(family).copy();
      elements += backends.size();
      ids += (int) backends.values().stream().map(Backend::id).distinct().count();
    }
    assertThat(foundRanges).isEqualTo(ranges);
    // A table has a span of its own, with each of the cluster's backends once.
    assertThat(elements)
        .isEqualTo(
            served.stream()
                .mapToInt(
                    s ->
                        s.cluster().size()
                            + s.local().size()
                            + (s.maglev().isPresent() ? s.backends().size() : 0))
                .sum());
    assertThat(ids)
        .isEqualTo(
            served.stream()
                .mapToInt(
                    s ->
                        (int)
                            Stream.concat(s.cluster().stream(), s.local().stream())
                                .distinct()
                                .count())
                .sum());
  }
}
