// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class JudgeTest {
  private static final Ip A = Ip.parse("10.0.0.1");
  private static final Ip B = Ip.parse("10.0.1.2");
  private static final Ip A6 = Ip.parse("fd00::1");
  private static final Ip B6 = Ip.parse("fd00:0:0:1::2");

  private static final PacketView TCP = PacketView.of(6, A, 40000, B, 80);
  private static final PacketView TCP6 = PacketView.of(6, A6, 40000, B6, 80);
  private static final PacketView UDP = PacketView.of(17, A, 40000, B, 53);
  private static final PacketView PING = new PacketView(0, 1, A, 0, B, 0, 8, 0);
  private static final PacketView PING6 = new PacketView(0, 58, A6, 0, B6, 0, 128, 0);
  private static final PacketView TOO_BIG = new PacketView(0, 1, A, 0, B, 0, 3, 4);

  private static final long NETS = 7;
  private static final long PORTS = 8;
  private static final Sets SETS =
      Sets.of(
          Map.of(
              NETS,
              new IpSet(
                  NETS,
                  "nets",
                  Set.of(
                      new IpSet.NetMember(net("10.0.0.0", 24)),
                      new IpSet.NetMember(net("fd00::", 64)))),
              PORTS,
              new IpSet(
                  PORTS,
                  "ports",
                  Set.of(new IpSet.PortMember(B, 6, 80), new IpSet.PortMember(B6, 6, 80)))));

  private static Net net(String address, int prefix) {
    return new Net(Ip.parse(address), prefix);
  }

  private static List<Ports> ports(int first, int last) {
    return List.of(new Ports(first, last));
  }

  private static OptionalInt is(int number) {
    return OptionalInt.of(number);
  }

  private static Optional<Icmp> icmp(int type, int code) {
    return Optional.of(new Icmp(type, code < 0 ? OptionalInt.empty() : OptionalInt.of(code)));
  }

  private static final class Parts {
    private Optional<Family> family = Optional.empty();
    private OptionalInt protocol = OptionalInt.empty();
    private OptionalInt notProtocol = OptionalInt.empty();
    private Optional<Icmp> icmp = Optional.empty();
    private Optional<Icmp> notIcmp = Optional.empty();
    private Place destination = Place.ANY;
    private Place source = Place.ANY;

    Match match() {
      return new Match(family, protocol, notProtocol, icmp, notIcmp, source, destination);
    }
  }

  private static Match with(java.util.function.Consumer<Parts> change) {
    Parts parts = new Parts();
    change.accept(parts);
    return parts.match();
  }

  private static Place nets(List<Net> nets, List<Net> notNets) {
    return new Place(
        nets, notNets, List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of());
  }

  private static Place sets(List<Long> sets, List<Long> notSets) {
    return new Place(
        List.of(), List.of(), sets, notSets, List.of(), List.of(), List.of(), List.of(), List.of());
  }

  private static Place ports(
      List<Ports> ports, List<Long> sets, List<Ports> notPorts, List<Long> notSets) {
    return new Place(
        List.of(), List.of(), List.of(), List.of(), ports, sets, notPorts, notSets, List.of());
  }

  private static Place services(long set) {
    return new Place(
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        List.of(set));
  }

  private static Arguments row(String name, Match match, PacketView packet, boolean expected) {
    return arguments(name, match, packet, expected);
  }

  static Stream<Arguments> heads() {
    return Stream.of(
        row("all", Match.ALL, TCP, true),
        row("family", with(m -> m.family = Optional.of(Family.IPV4)), TCP, true),
        row("other family", with(m -> m.family = Optional.of(Family.IPV4)), TCP6, false),
        row("protocol", with(m -> m.protocol = is(6)), TCP, true),
        row("other protocol", with(m -> m.protocol = is(6)), UDP, false),
        row("not protocol", with(m -> m.notProtocol = is(17)), TCP, true),
        row("not this protocol", with(m -> m.notProtocol = is(6)), TCP, false),
        row("type", with(m -> m.icmp = icmp(8, -1)), PING, true),
        row("type and code", with(m -> m.icmp = icmp(3, 4)), TOO_BIG, true),
        row("type and other code", with(m -> m.icmp = icmp(3, 3)), TOO_BIG, false),
        row("type of ICMPv6", with(m -> m.icmp = icmp(128, 0)), PING6, true),
        row("type of other protocol", with(m -> m.icmp = icmp(0, 0)), TCP, false),
        row(
            "ICMPv6 in IPv4 is no ICMP",
            with(m -> m.icmp = icmp(8, -1)),
            new PacketView(0, 58, A, 0, B, 0, 8, 0),
            false),
        row("not type", with(m -> m.notIcmp = icmp(0, -1)), PING, true),
        row("not this type", with(m -> m.notIcmp = icmp(8, -1)), PING, false),
        row("not this type, other code", with(m -> m.notIcmp = icmp(3, 3)), TOO_BIG, true),
        row("not type of other protocol", with(m -> m.notIcmp = icmp(8, -1)), TCP, false));
  }

  static Stream<Arguments> addresses() {
    Net near = net("10.0.0.0", 24);
    Net far = net("10.9.0.0", 16);
    Net six = net("fd00::", 64);
    return Stream.of(
        row("net", with(m -> m.source = nets(List.of(far, near), List.of())), TCP, true),
        row("other net", with(m -> m.source = nets(List.of(far), List.of())), TCP, false),
        row("the other end", with(m -> m.destination = nets(List.of(near), List.of())), TCP, false),
        row(
            "nets of other family",
            with(m -> m.source = nets(List.of(six), List.of())),
            TCP,
            false),
        row("IPv6 net", with(m -> m.source = nets(List.of(near, six), List.of())), TCP6, true),
        row("not net", with(m -> m.source = nets(List.of(), List.of(far))), TCP, true),
        row("not this net", with(m -> m.source = nets(List.of(), List.of(far, near))), TCP, false),
        row(
            "not net of other family",
            with(m -> m.source = nets(List.of(), List.of(six))),
            TCP,
            true),
        row(
            "net except",
            with(m -> m.source = nets(List.of(net("10.0.0.0", 8)), List.of(near))),
            TCP,
            false),
        row("set", with(m -> m.source = sets(List.of(NETS), List.of())), TCP, true),
        row("IPv6 set", with(m -> m.source = sets(List.of(NETS), List.of())), TCP6, true),
        row("not in set", with(m -> m.destination = sets(List.of(NETS), List.of())), TCP, false),
        row("all sets", with(m -> m.source = sets(List.of(NETS, 99L), List.of())), TCP, false),
        row("set that is none", with(m -> m.source = sets(List.of(99L), List.of())), TCP, false),
        row("none of the sets", with(m -> m.source = sets(List.of(), List.of(99L))), TCP, true),
        row("not this set", with(m -> m.source = sets(List.of(), List.of(99L, NETS))), TCP, false));
  }

  static Stream<Arguments> portTable() {
    List<Ports> http = ports(79, 81);
    List<Ports> none = List.of();
    List<Long> no = List.of();
    List<Long> named = List.of(PORTS);
    return Stream.of(
        row("port", with(m -> m.destination = ports(http, no, none, no)), TCP, true),
        row("first", with(m -> m.destination = ports(ports(80, 90), no, none, no)), TCP, true),
        row("last", with(m -> m.destination = ports(ports(70, 80), no, none, no)), TCP, true),
        row("before", with(m -> m.destination = ports(ports(81, 90), no, none, no)), TCP, false),
        row("behind", with(m -> m.destination = ports(ports(70, 79), no, none, no)), TCP, false),
        row(
            "source port",
            with(m -> m.source = ports(ports(40000, 40000), no, none, no)),
            TCP,
            true),
        row(
            "ICMP has no port",
            with(m -> m.destination = ports(ports(0, 65535), no, none, no)),
            PING,
            false),
        row("named", with(m -> m.destination = ports(none, named, none, no)), TCP, true),
        row("named in IPv6", with(m -> m.destination = ports(none, named, none, no)), TCP6, true),
        row(
            "named, of other protocol",
            with(m -> m.destination = ports(none, named, none, no)),
            PacketView.of(17, A, 1, B, 80),
            false),
        row(
            "named, other address",
            with(m -> m.source = ports(none, named, none, no)),
            PacketView.of(6, A, 80, B, 80),
            false),
        row(
            "number or name",
            with(m -> m.destination = ports(ports(1, 2), named, none, no)),
            TCP,
            true),
        row(
            "neither",
            with(m -> m.destination = ports(ports(53, 53), named, none, no)),
            PacketView.of(6, A, 1, B, 81),
            false),
        row("not port", with(m -> m.destination = ports(none, no, ports(1, 2), no)), TCP, true),
        row("not this port", with(m -> m.destination = ports(none, no, http, no)), TCP, false),
        row("not named", with(m -> m.destination = ports(none, no, none, named)), TCP, false),
        row(
            "not port of ICMP",
            with(m -> m.destination = ports(none, no, ports(0, 65535), named)),
            PING,
            true),
        row("service", with(m -> m.destination = services(PORTS)), TCP, true),
        row(
            "service's other port",
            with(m -> m.destination = services(PORTS)),
            PacketView.of(6, A, 1, B, 81),
            false),
        row("service and ICMP", with(m -> m.destination = services(PORTS)), PING, false));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource({"heads", "addresses", "portTable"})
  void matches(String name, Match match, PacketView packet, boolean expected) {
    assertThat(Judge.matches(match, packet, SETS)).isEqualTo(expected);
  }
}
