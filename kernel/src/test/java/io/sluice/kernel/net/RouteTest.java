// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestNetns;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@RequiresKernel
class RouteTest {
  private TestNetns here;
  private Netlink netlink;
  private int a;
  private int b;

  @BeforeEach
  void open() {
    here = TestNetns.create("knet-route");
    here.sh(
        "ip link add dev x0 type veth peer name x1; ip link set dev x0 up; ip link set dev x1 up;"
            + "ip addr add 192.0.2.1/24 dev x0; ip addr add 2001:db8::1/64 dev x0 nodad");
    netlink = Netlink.open(here.netns());
    a = netlink.link("x0").orElseThrow().index();
    b = netlink.link("x1").orElseThrow().index();
  }

  @AfterEach
  void close() {
    netlink.close();
    here.close();
  }

  private static Ip pod(Family family, int host) {
    return family == Family.IPV4
        ? Ip.parse("10.65." + host / 256 + "." + host % 256)
        : Ip.parse("fd00:65::" + Integer.toHexString(host));
  }

  private static Ip gateway(Family family) {
    return Ip.parse(family == Family.IPV4 ? "192.0.2.254" : "2001:db8::fe");
  }

  private static Ip elsewhere(Family family) {
    return Ip.parse(family == Family.IPV4 ? "203.0.113.1" : "2001:db8:1::1");
  }

  private static Ip source(Family family) {
    return Ip.parse(family == Family.IPV4 ? "192.0.2.1" : "2001:db8::1");
  }

  private List<Route> ours(Family family) {
    return netlink.routes(RouteFilter.ours(family));
  }

  private String show(Family family, String what) {
    return here.sh("ip -" + family.number() + " route show " + what);
  }

  @ParameterizedTest
  @EnumSource
  void whatIsSetIsWhatIsDumped(Family family) {
    List<Route> routes =
        List.of(
            Route.onLink(pod(family, 1), family.bits(), a),
            Route.onLink(pod(family, 2), family.bits(), a).withPreferredSource(source(family)),
            Route.via(
                pod(family, 256).masked(family.bits() - 8), family.bits() - 8, gateway(family), a),
            Route.via(pod(family, 3), family.bits(), elsewhere(family), b).withOnlink(),
            Route.nowhere(pod(family, 512), family.bits(), Route.TYPE_BLACKHOLE),
            Route.nowhere(pod(family, 513), family.bits(), Route.TYPE_UNREACHABLE),
            Route.onLink(pod(family, 4), family.bits(), a).withTable(1000).withPriority(7),
            Route.via(Ip.any(family), 0, gateway(family), a));
    routes.forEach(netlink::addRoute);

    assertThat(ours(family)).containsExactlyInAnyOrderElementsOf(routes);
    assertThat(show(family, "proto 83").lines()).hasSize(7);
    assertThat(show(family, "table 1000")).contains(pod(family, 4).toString()).contains("metric 7");
    assertThat(netlink.routes(RouteFilter.all(family).inTable(1000)))
        .containsExactly(routes.get(6));
    assertThat(netlink.routes(RouteFilter.ours(family).onInterface(b)))
        .containsExactly(routes.get(3));
    assertThat(netlink.routes(RouteFilter.all(family).inTable(4711))).isEmpty();

    routes.forEach(route -> assertThat(netlink.deleteRoute(route)).as("%s", route).isTrue());
    assertThat(ours(family)).isEmpty();
    assertThat(netlink.deleteRoute(routes.get(0))).isFalse();
  }

  @ParameterizedTest
  @EnumSource
  void severalHopsAreKept(Family family) {
    Route route =
        Route.onLink(pod(family, 1), family.bits(), a)
            .withHops(
                List.of(
                    new Route.Hop(a, gateway(family), 1),
                    new Route.Hop(
                        a, Ip.parse(family == Family.IPV4 ? "192.0.2.253" : "2001:db8::fd"), 3)));
    netlink.addRoute(route);
    assertThat(show(family, "proto 83")).contains("weight 3");
    assertThat(ours(family)).containsExactly(route);
  }

  @ParameterizedTest
  @EnumSource
  void hopsHaveABound(Family family) {
    List<Route.Hop> most = new ArrayList<>();
    for (int i = 1; i <= RouteCodec.MOST_HOPS; i++) {
      String gateway = family == Family.IPV4 ? "192.0.2." + (i + 1) : "2001:db8::" + (i + 1);
      most.add(new Route.Hop(a, Ip.parse(gateway), 1));
    }
    Route route = Route.onLink(pod(family, 1), family.bits(), a).withHops(most);
    netlink.addRoute(route);
    assertThat(ours(family)).containsExactly(route);

    most.add(new Route.Hop(a, gateway(family), 1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> netlink.replaceRoute(route.withHops(most)))
        .withMessageContaining("has 129 next hops; the most are 128");
  }

  @Test
  void aGatewayMayBeOfTheOtherFamily() {
    Route route = Route.via(pod(Family.IPV4, 1), 32, gateway(Family.IPV6), a);
    netlink.addRoute(route);
    assertThat(show(Family.IPV4, "proto 83")).contains("via inet6 2001:db8::fe");
    assertThat(ours(Family.IPV4)).containsExactly(route);
  }

  @ParameterizedTest
  @EnumSource
  void replaceTakesTheOldRoutesPlace(Family family) {
    Route first = Route.onLink(pod(family, 1), family.bits(), a);
    Route second = Route.onLink(pod(family, 1), family.bits(), b);
    netlink.replaceRoute(first);
    netlink.replaceRoute(first);
    assertThat(ours(family)).containsExactly(first);

    assertThatExceptionOfType(KernelException.class)
        .isThrownBy(() -> netlink.addRoute(second))
        .withMessageContaining("add route " + pod(family, 1) + "/" + family.bits() + " dev " + b)
        .withMessageContaining("EEXIST (File exists)")
        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.EEXIST));
    assertThat(ours(family)).containsExactly(first);

    netlink.replaceRoute(second);
    assertThat(ours(family)).containsExactly(second);
  }

  @ParameterizedTest
  @EnumSource
  void anAbsentInterfaceIsExplained(Family family) {
    assertThatExceptionOfType(KernelException.class)
        .isThrownBy(() -> netlink.addRoute(Route.onLink(pod(family, 1), family.bits(), 4711)))
        .withMessageContaining("ENODEV (No such device)")
        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ENODEV));
  }

  @ParameterizedTest
  @EnumSource
  void routesOfOthersAreNeverDeleted(Family family) {
    here.sh("ip route add " + pod(family, 1) + "/" + family.bits() + " dev x0 proto static");
    assertThat(netlink.deleteRoute(Route.onLink(pod(family, 1), family.bits(), a))).isFalse();
    assertThat(show(family, "proto static")).contains(pod(family, 1).toString());
    assertThat(ours(family)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void manyRoutesAreDumpedWhole(Family family) {
    Set<Route> wanted = new HashSet<>();
    for (int i = 1; i <= 2000; i++) {
      Route route = Route.onLink(pod(family, i), family.bits(), i % 2 == 0 ? a : b);
      netlink.addRoute(route);
      wanted.add(route);
    }
    assertThat(ours(family)).hasSize(2000).containsExactlyInAnyOrderElementsOf(wanted);
    assertThat(netlink.routes(RouteFilter.ours(family).onInterface(a))).hasSize(1000);
  }

  @Test
  void hostBitsAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Route.onLink(Ip.parse("10.0.0.1"), 24, 1))
        .withMessage("route to 10.0.0.1/24 has host bits");
  }

  @ParameterizedTest
  @EnumSource
  void theKernelsOwnRoutesAreRead(Family family) {
    assertThat(netlink.routes(RouteFilter.all(family).inTable(Route.TABLE_LOCAL)))
        .anySatisfy(
            route -> {
              assertThat(route.destination()).isEqualTo(source(family));
              assertThat(route.type()).isEqualTo(Route.TYPE_LOCAL);
              assertThat(route.protocol()).isEqualTo(Route.PROTOCOL_KERNEL);
              assertThat(route.isOurs()).isFalse();
            });
  }
}
