// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Sources of what comes by a host interface, by the kernel's routes of the test's namespace. */
@Tag("INV-RPF-2")
class HostRpfTest extends OutsideTest {
  private static final int HOST =
      IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_HOST | ChainHarness.READY;
  private static final int[] MODES = {0, IfaceFlags.IFACE_RPF_LOOSE, IfaceFlags.IFACE_RPF_STRICT};

  /** Routed by another interface of the host. */
  private static Ip elsewhere(Family family) {
    return Ip.parse(family == Family.IPV4 ? "192.168.98.2" : "fd00:98::2");
  }

  private static Ip nowhere(Family family) {
    return Ip.parse(family == Family.IPV4 ? "203.0.113.7" : "2001:db8::7");
  }

  private void mode(int rpf) {
    configureHost(up, HOST | rpf, LINK_MTU);
  }

  private String of(Traffic traffic, Ip from, int port) {
    Net net = Net.of(from.family());
    return enter(traffic.first(from, port, self(net.family()), NODE_PORT)).story();
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void strictLooseAndOff(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    String passed = "b: redirect to_pod";
    String dropped = "nowhere: host_rpf";
    mode(0);
    assertThat(of(traffic, net.client(), 1000)).isEqualTo(passed);
    assertThat(of(traffic, elsewhere(family), 1000)).isEqualTo(passed);
    assertThat(of(traffic, nowhere(family), 1000)).isEqualTo(passed);
    mode(IfaceFlags.IFACE_RPF_LOOSE);
    assertThat(of(traffic, net.client(), 2000)).isEqualTo(passed);
    assertThat(of(traffic, elsewhere(family), 2000)).isEqualTo(passed);
    assertThat(of(traffic, nowhere(family), 2000)).isEqualTo(dropped);
    mode(IfaceFlags.IFACE_RPF_STRICT);
    assertThat(of(traffic, net.client(), 3000)).isEqualTo(passed);
    assertThat(of(traffic, elsewhere(family), 3000)).isEqualTo(dropped);
    assertThat(of(traffic, nowhere(family), 3000)).isEqualTo(dropped);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void noPodOfThisNodeSendsFromOutsideInAnyMode(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    for (int rpf : MODES) {
      mode(rpf);
      assertThat(of(traffic, net.a(), 1000)).isEqualTo("nowhere: host_rpf");
      assertThat(enter(traffic.first(net.a(), 1000, net.b(), 80)).story())
          .isEqualTo("nowhere: host_rpf");
    }
    assertThat(harness.entries(family)).isEmpty();
    // Not in its established flow, either.
    harness.send(a, traffic.first(net.a(), 1000, net.b(), 80));
    harness.send(b, traffic.answer(net.b(), 80, net.a(), 1000));
    for (int rpf : MODES) {
      mode(rpf);
      assertThat(enter(traffic.next(net.a(), 1000, net.b(), 80)).story())
          .isEqualTo("nowhere: host_rpf");
    }
    assertThat(harness.send(a, traffic.next(net.a(), 1000, net.b(), 80)).story())
        .isEqualTo("b: peer");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatIsOfTheLinkNeedsNoRoute(Family family) {
    mode(IfaceFlags.IFACE_RPF_STRICT);
    boolean v4 = family == Family.IPV4;
    // A client that asks for an address has none; and neighbours speak by the link.
    Ip from = Ip.parse(v4 ? "0.0.0.0" : "fe80::5");
    Ip to = v4 ? self(family) : Ip.parse("fe80::1");
    assertThat(enter(Traffic.UDP.first(from, 68, to, 67)).story()).isEqualTo("stack: stack");
    Ip all = Ip.parse(v4 ? "255.255.255.255" : "ff02::1:2");
    assertThat(enter(Traffic.UDP.first(from, 68, all, 67)).story()).isEqualTo("stack: not_tracked");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void aFlowThatMovesToAnotherInterfaceIsAskedAnew(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    mode(0);
    Ip from = elsewhere(family);
    enter(traffic.first(from, 1000, self(family), NODE_PORT));
    harness.send(b, traffic.answer(net.b(), 8080, from, 1000));
    byte[] next = traffic.next(from, 1000, self(family), NODE_PORT);
    assertThat(enter(next).story()).isEqualTo("b: peer");
    mode(IfaceFlags.IFACE_RPF_STRICT);
    harness.bumpEpoch();
    assertThat(enter(next).story()).isEqualTo("nowhere: host_rpf");
  }
}
