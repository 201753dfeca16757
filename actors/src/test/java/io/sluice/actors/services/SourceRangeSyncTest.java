// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import static io.sluice.actors.services.TestNode.frontend;
import static io.sluice.actors.services.TestNode.name;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.model.Cidr;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.SourceRangeKey;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** loadBalancerSourceRanges: there before a frontend needs them, gone after it does not. */
@Tag("INV-SVC-10")
@Timeout(value = 2, unit = TimeUnit.MINUTES)
final class SourceRangeSyncTest {
  private static final int OPEN = FrontendFlags.FRONTEND_LOAD_BALANCER;
  private static final int LIMITED = OPEN | FrontendFlags.FRONTEND_SOURCE_RANGES;

  /** Entries of the map of source ranges in {@code FakeKernel}. */
  private static final int FULL = 4096;

  private final TestNode node = new TestNode();

  @BeforeEach
  void start() {
    node.start();
  }

  @AfterEach
  void close() {
    assertThat(node.safety.violations()).isEmpty();
    node.close();
  }

  private static WantedService web(Family family, int flags, String... ranges) {
    return WantedService.of(
            name("web", family),
            Map.of(frontend(family, 1), flags),
            List.of(TestNode.pod(family, 1)),
            false)
        .withSourceRanges(Arrays.stream(ranges).map(Cidr::parse).collect(Collectors.toSet()));
  }

  private void settle(WantedService... services) {
    node.want(services);
    node.apply();
    node.settle();
  }

  /** "address/bits" by service ID. */
  private Set<String> ranges(Family family, int service) {
    return node.kernel.sourceRanges.get(family).copy().keySet().stream()
        .filter(range -> range.service() == service)
        .map(range -> range.addr() + "/" + (range.prefixlen() - 32))
        .collect(Collectors.toSet());
  }

  private static String net(Family family, int number) {
    return family == Family.IPV4 ? "192.0." + number + ".0/24" : "2001:db8:" + number + "::/48";
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void rangesComeBeforeTheFrontendAndGoAfterIt(Family family) {
    int n = family.number();
    settle(web(family, LIMITED, net(family, 1), net(family, 2)));
    int id = node.id(name("web", family));
    assertThat(ranges(family, id)).containsExactlyInAnyOrder(net(family, 1), net(family, 2));
    assertThat(node.safety.maps())
        .containsSubsequence("services", "source_ranges" + n, "frontends" + n);

    node.safety.forget();
    node.withdraw(name("web", family));
    node.apply();
    node.settle();
    assertThat(node.safety.maps())
        .containsSubsequence("frontends" + n, "source_ranges" + n, "services");
    assertThat(node.kernel.sourceRanges.get(family).copy()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void openedAndClosed(Family family) {
    int n = family.number();
    settle(web(family, OPEN));
    node.safety.forget();
    settle(web(family, LIMITED, net(family, 1)));
    assertThat(node.safety.maps()).containsExactly("source_ranges" + n, "frontends" + n);
    node.safety.forget();
    settle(web(family, OPEN));
    assertThat(node.safety.maps()).containsExactly("frontends" + n, "source_ranges" + n);
    assertThat(node.kernel.sourceRanges.get(family).copy()).isEmpty();
  }

  /** Safety sees that at no moment everybody is shut out. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void otherRangesComeBeforeThoseBeforeGo(Family family) {
    settle(web(family, LIMITED, net(family, 1), net(family, 2)));
    node.safety.forget();
    settle(web(family, LIMITED, net(family, 2), net(family, 3)));
    int id = node.id(name("web", family));
    assertThat(ranges(family, id)).containsExactlyInAnyOrder(net(family, 2), net(family, 3));
    assertThat(node.safety.log()).hasSize(2);
    assertThat(node.safety.log().get(0)).doesNotEndWith("=null");
    assertThat(node.safety.log().get(1)).endsWith("=null");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-AG-3")
  @Tag("INV-CT-6")
  void restartKeepsWhatIsWantedAndSweepsTheRest(Family family) {
    settle(web(family, LIMITED, net(family, 1)));
    int id = node.id(name("web", family));
    node.kill();
    node.safety.forget();
    node.start();
    settle(web(family, LIMITED, net(family, 1)));
    assertThat(node.safety.log()).isEmpty();

    node.kill();
    Map<Integer, String> planted = Map.of(id, net(family, 7), 4711, net(family, 8));
    planted.forEach(
        (service, net) -> {
          Cidr cidr = Cidr.parse(net);
          node.kernel
              .sourceRanges
              .get(family)
              .plant(
                  new SourceRangeKey(32 + cidr.prefix(), service, ServiceRules.ip(cidr.address())),
                  1);
        });
    node.start();
    settle(web(family, LIMITED, net(family, 1)));
    assertThat(ranges(family, id)).containsExactly(net(family, 1));
    assertThat(node.kernel.sourceRanges.get(family).copy()).hasSize(1);
  }

  /** A range without room is shut out, and said to be; when there is room it is let in. */
  @Test
  void aFullMapShutsOutAndHeals() {
    Family family = Family.IPV4;
    node.kill();
    for (int i = 0; i < FULL - 1; i++) {
      node.kernel
          .sourceRanges
          .get(family)
          .plant(new SourceRangeKey(64, 9, TestNode.ip(family, i)), 1);
    }
    node.start();
    // What nobody wants is swept after the frontends, so that there is room in the next try.
    node.want(web(family, LIMITED, net(family, 1), net(family, 2)));
    node.apply();
    assertThat(node.status().problems())
        .containsOnlyKeys(name("web", family).text())
        .allSatisfy(
            (who, problem) ->
                assertThat(problem).contains("is shut out", "map source_ranges4 is full"));
    for (int i = 0; i < 12 && !node.status().problems().isEmpty(); i++) {
      node.timePasses(Duration.ofSeconds(1));
    }
    node.settle();
    assertThat(node.status().problems()).isEmpty();
    assertThat(ranges(family, node.id(name("web", family)))).hasSize(2);
  }
}
