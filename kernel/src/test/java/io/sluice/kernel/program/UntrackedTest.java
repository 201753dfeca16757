// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.asm.Assembler;
import io.sluice.kernel.asm.Reg;
import io.sluice.kernel.bpf.Bpf;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.Programs;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.bpf.XdpLink;
import io.sluice.kernel.dataplane.DataplaneLoader;
import io.sluice.kernel.dataplane.DataplaneOptions;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeState;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.layout.SluiceXdpMeta;
import io.sluice.kernel.packet.PacketBuilder;
import io.sluice.kernel.policy.Action;
import io.sluice.kernel.policy.Match;
import io.sluice.kernel.policy.Place;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.PolicyGenerator;
import io.sluice.kernel.policy.Ports;
import io.sluice.kernel.policy.Rule;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestBpffs;
import io.sluice.kernel.testing.TestNetns;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Untracked policy by XDP, alone and before TC, with packets of a real link. */
@RequiresKernel
class UntrackedTest {
  private static final int DROP = 1;
  private static final int PASS = 2;
  private static final int TX = 3;
  private static final int SLOT = 3;
  private static final int DENIED = 7001;
  private static final int ALLOWED = 7002;
  private static final int UNDECIDED = 7003;

  /** Nothing but what XDP has allowed gets past TC. */
  private static final Plan TRACKED = Plan.of(io.sluice.kernel.policy.Chain.DENY_ALL);

  private static final Plan POLICY =
      Plan.untracked(
          Plans.chain(
              Action.ALLOW,
              Plans.toPort(Action.DENY, DENIED),
              Plans.toPort(Action.ALLOW, ALLOWED)));

  private TestBpffs bpffs;
  private TestNetns host;
  private TestNetns client;
  private DataplaneLoader dataplane;
  private int u;

  @BeforeEach
  void setUp() {
    bpffs = TestBpffs.mount();
    host = TestNetns.create("xdp-host");
    client = TestNetns.create("xdp-client");
    host.sh("ip link add u type veth peer name c netns " + client.name() + "; ip link set u up");
    client.sh(
        "ip link set c up; ip address add 192.168.7.2/24 dev c; ip address add fd00:7::2/64 dev c nodad");
    open();
  }

  @AfterEach
  void tearDown() {
    dataplane.close();
    host.close();
    client.close();
    bpffs.close();
  }

  private void open() {
    DataplaneOptions options =
        DataplaneOptions.defaults(bpffs.path())
            .withMapSizes(Map.of("ct4", 4096, "ct6", 4096, "backends4", 1024, "backends6", 1024));
    dataplane = host.netns().run(() -> DataplaneLoader.open(options));
  }

  private static Ip address(Family family, int host) {
    return Ip.parse((family == Family.IPV4 ? "192.168.7." : "fd00:7::") + host);
  }

  /** Gives the node its addresses, on an interface that then gets programs and policies. */
  private XdpLink.Mode attach(String name, int flags) {
    String mac = host.sh("cat /sys/class/net/" + name + "/address").strip();
    host.sh(
        "ip address add 192.168.7.1/24 dev %1$s; ip address add fd00:7::1/64 dev %1$s nodad"
            .formatted(name));
    client.sh(
        "ip neigh replace 192.168.7.1 lladdr %1$s dev c; ip neigh replace fd00:7::1 lladdr %1$s dev c"
            .formatted(mac));
    u = Integer.parseInt(host.sh("cat /sys/class/net/" + name + "/ifindex").strip());
    for (Family family : Family.values()) {
      dataplane
          .routes(family)
          .put(
              new RouteKey(family.bits(), address(family, 1)),
              new Route(RouteFlags.ROUTE_LOCAL, 0, Ip.any(family)));
    }
    dataplane.node().put(0, new NodeState(1, 0, 0, 0, 0, Ip.ANY4, Ip.ANY6));
    dataplane.backendGen().put(0, new BackendGen(1));
    dataplane.setPolicy(SluiceHook.HOOK_IN, SLOT, PolicyGenerator.generate(TRACKED));
    dataplane.untracked().set(SLOT, PolicyGenerator.generateUntracked(POLICY));
    dataplane.ifaces().put(u, new Iface(flags, SLOT, 0, 0, 0, Ip.ANY4, Ip.ANY6, name, 1500));
    return host.netns()
        .run(
            () -> {
              dataplane.attach(name, u);
              return dataplane.untracked().attach(name, u);
            });
  }

  private static int usual() {
    return IfaceFlags.IFACE_CONFIGURED
        | IfaceFlags.IFACE_HOST
        | IfaceFlags.IFACE_UNTRACKED
        | ChainHarness.READY;
  }

  private long counted(int reason) {
    return dataplane.counters().stream()
        .filter(row -> row.hook() == SluiceHook.HOOK_IN && row.reason() == reason)
        .mapToLong(row -> row.value().packets())
        .sum();
  }

  private static void awaitValue(long wanted, LongSupplier value) {
    long end = System.nanoTime() + 5_000_000_000L;
    while (value.getAsLong() != wanted && System.nanoTime() < end) {
      Thread.onSpinWait();
    }
    assertThat(value.getAsLong()).isEqualTo(wanted);
  }

  /** One datagram; returns how often a reason was counted for it. */
  private void sendAndAwait(Family family, int port, int reason) {
    long before = counted(reason);
    TestNetns.exec(
        "ip",
        "netns",
        "exec",
        client.name(),
        "bash",
        "-c",
        "echo hello > /dev/udp/" + address(family, 1) + "/" + port);
    awaitValue(before + 1, () -> counted(reason));
  }

  private long flows(Family family) {
    long[] count = {0};
    dataplane
        .ct(family)
        .forEach(
            (key, value) -> {
              if (key.port0() == ALLOWED || key.port1() == ALLOWED) {
                count[0]++;
              }
            });
    return count[0];
  }

  @ParameterizedTest
  @CsvSource({"u,NATIVE", "bridge,GENERIC"})
  @Tag("INV-XDP-1")
  void whatXdpAllowsSkipsPolicyAndIsTracked(String name, XdpLink.Mode mode) {
    if (!name.equals("u")) {
      host.sh("ip link add bridge type bridge; ip link set u master bridge; ip link set bridge up");
    }
    assertThat(attach(name, usual())).isEqualTo(mode);
    for (Family family : Family.values()) {
      sendAndAwait(family, UNDECIDED, SluiceReason.REASON_PRE_DNAT);
      sendAndAwait(family, DENIED, SluiceReason.REASON_UNTRACKED);
      assertThat(flows(family)).isZero();
      sendAndAwait(family, ALLOWED, SluiceReason.REASON_STACK);
      assertThat(flows(family)).isEqualTo(1);
    }
    // Without XDP its word is missing.
    dataplane.untracked().detach(u);
    for (Family family : Family.values()) {
      sendAndAwait(family, DENIED, SluiceReason.REASON_PRE_DNAT);
    }
    assertThat(dataplane.untracked().attachments()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-XDP-2")
  void aForcedInterfaceIsNotAskedAbout(Family family) {
    attach("u", usual() | IfaceFlags.IFACE_FORCE_TRACK);
    // Its policy for tracked traffic is in force, but not the other.
    sendAndAwait(family, DENIED, SluiceReason.REASON_PRE_DNAT);
    assertThat(counted(SluiceReason.REASON_UNTRACKED)).isZero();
  }

  /** As a card's driver has them; what a veth gets from a socket was an skb before. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void framesThatNeverWereAnSkbAreJudged(Family family) {
    attach("u", usual());
    int c = Integer.parseInt(client.sh("cat /sys/class/net/c/ifindex").strip());
    byte[] frame =
        PacketBuilder.from(address(family, 2), address(family, 1))
            .udp(1, DENIED)
            .payloadLength(8)
            .build();
    byte[] back = new Assembler().mov(Reg.R0, TX).exit().assemble();
    try (Fd sender = Programs.load(Programs.XDP, "sender", back, List.of())) {
      TestRun run = new TestRun(sender, frame.length).packet(frame).xdp(c).liveFrames();
      client.netns().run(() -> run.run(100));
    }
    awaitValue(100, () -> counted(SluiceReason.REASON_UNTRACKED));
  }

  @Test
  @Tag("INV-PROG-6")
  void aRestartedAgentAdoptsXdpAndReplacesPolicies() {
    XdpLink.Mode mode = attach("u", usual());
    String name = dataplane.untracked().policies().get(SLOT);
    dataplane.close();
    open();
    assertThat(dataplane.untracked().attachments()).isEqualTo(Map.of(u, mode));
    assertThat(dataplane.untracked().policies()).isEqualTo(Map.of(SLOT, name));
    assertThat(name).isEqualTo(PolicyGenerator.generateUntracked(POLICY).name().substring(0, 14));
    assertThat(host.netns().run(() -> dataplane.untracked().attach("u", u))).isEqualTo(mode);
    sendAndAwait(Family.IPV4, DENIED, SluiceReason.REASON_UNTRACKED);
    untracked(Action.DENY, Plans.toPort(Action.ALLOW, DENIED));
    sendAndAwait(Family.IPV4, DENIED, SluiceReason.REASON_STACK);
    dataplane.untracked().clear(SLOT);
    sendAndAwait(Family.IPV4, ALLOWED, SluiceReason.REASON_PRE_DNAT);
    dataplane.close();
    host.netns()
        .run(
            () -> {
              DataplaneLoader.uninstall(bpffs.path());
              return null;
            });
    assertThat(host.sh("ip link show u")).doesNotContain("prog/xdp");
    open();
  }

  /** What XDP says of a packet: its verdict, and whether it tells TC of it. */
  private String verdict(Fd preamble, byte[] frame) {
    return host.netns()
        .run(
            () -> {
              TestRun run = new TestRun(preamble, 2000).packet(frame).xdp(u);
              int verdict = run.run(1);
              if (run.metadataLength() == 0) {
                assertThat(run.output()).isEqualTo(verdict == DROP ? run.output() : frame);
                return verdict == DROP ? "deny" : verdict == PASS ? "undecided" : "?" + verdict;
              }
              ByteBuffer out = ByteBuffer.wrap(run.output()).order(ByteOrder.nativeOrder());
              assertThat(out.getInt(0)).isEqualTo(SluiceXdpMeta.XDP_META_ALLOWED);
              assertThat(verdict).isEqualTo(PASS);
              return "allow";
            });
  }

  private Fd preamble() {
    Path folder = bpffs.path().resolve("sluice").resolve(dataplane.buildId());
    return Bpf.get(folder.resolve("preamble_xdp"));
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void everyTransportIsJudgedByItsPorts(Family family, Traffic traffic) {
    attach("u", usual());
    Ip from = address(family, 2);
    Ip to = address(family, 1);
    try (Fd preamble = preamble()) {
      assertThat(verdict(preamble, traffic.first(from, 1, to, DENIED))).isEqualTo("deny");
      assertThat(verdict(preamble, traffic.next(from, 1, to, ALLOWED))).isEqualTo("allow");
      assertThat(verdict(preamble, traffic.first(from, 1, to, UNDECIDED))).isEqualTo("undecided");
      assertThat(verdict(preamble, traffic.first(from, DENIED, to, 1))).isEqualTo("undecided");
    }
  }

  /** A datagram of which any fragment is missing is none. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void fragmentsAreJudgedByWhatTheyHave(Family family) {
    attach("u", usual());
    Ip from = address(family, 2);
    Ip to = address(family, 1);
    byte[] first = fragment(from, to, DENIED, 0);
    byte[] later = fragment(from, to, DENIED, 64);
    try (Fd preamble = preamble()) {
      assertThat(verdict(preamble, first)).isEqualTo("deny");
      assertThat(verdict(preamble, later)).as("it has no port").isEqualTo("undecided");
      Match others =
          Match.of(
              OptionalInt.empty(),
              Place.ANY,
              new Place(
                  List.of(),
                  List.of(),
                  List.of(),
                  List.of(),
                  List.of(),
                  List.of(),
                  List.of(new Ports(1, 2)),
                  List.of(),
                  List.of()));
      untracked(Action.ALLOW, new Rule(Action.DENY, others, 0));
      assertThat(verdict(preamble, first)).isEqualTo("deny");
      assertThat(verdict(preamble, later)).as("nor is it none").isEqualTo("undecided");
      untracked(Action.ALLOW, Plans.toPort(Action.ALLOW, DENIED), Plans.from(Action.DENY, from));
      assertThat(verdict(preamble, first)).isEqualTo("allow");
      assertThat(verdict(preamble, later)).isEqualTo("deny");
    }
  }

  private static byte[] fragment(Ip from, Ip to, int port, int offset) {
    PacketBuilder udp = PacketBuilder.from(from, to).udp(1, port).payloadLength(8);
    return udp.fragment(offset, offset == 0).build();
  }

  private void untracked(Action end, Rule... rules) {
    Plan plan = Plan.untracked(Plans.chain(end, rules));
    dataplane.untracked().set(SLOT, PolicyGenerator.generateUntracked(plan));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatXdpCannotReadIsLeftToTc(Family family) {
    attach("u", usual());
    Ip from = address(family, 2);
    Ip to = address(family, 1);
    untracked(Action.ALLOW, Plans.all(Action.DENY));
    PacketBuilder udp = PacketBuilder.from(from, to).udp(1, DENIED).payloadLength(8);
    byte[] whole = udp.build();
    byte[] vlan = new byte[whole.length + 4];
    System.arraycopy(whole, 0, vlan, 0, 12);
    vlan[12] = (byte) 0x81;
    vlan[15] = 5;
    System.arraycopy(whole, 12, vlan, 16, whole.length - 12);
    Ip group = Ip.parse(family == Family.IPV4 ? "224.0.0.251" : "ff02::fb");
    byte[][] left = {
      PacketBuilder.from(from, to).udp(1, Chain.VXLAN_PORT).payloadLength(8).build(),
      PacketBuilder.from(from, group).udp(1, DENIED).payloadLength(8).build(),
      Arrays.copyOf(whole, family == Family.IPV4 ? 30 : 50),
      vlan,
    };
    try (Fd preamble = preamble()) {
      assertThat(verdict(preamble, whole)).isEqualTo("deny");
      for (byte[] frame : left) {
        assertThat(verdict(preamble, frame))
            .as(HexFormat.of().formatHex(frame))
            .isEqualTo("undecided");
      }
      byte[] other = PacketBuilder.from(from, to).protocol(89).payloadLength(20).build();
      assertThat(verdict(preamble, other)).isEqualTo("deny");
      if (family == Family.IPV6) {
        byte[] behind =
            PacketBuilder.from(from, to)
                .extensionHeader(0, new byte[6])
                .extensionHeader(60, new byte[14])
                .udp(1, DENIED)
                .payloadLength(8)
                .build();
        assertThat(verdict(preamble, behind)).isEqualTo("deny");
        byte[] solicitation = PacketBuilder.from(from, to).icmp(135, 0, 0).build();
        assertThat(verdict(preamble, solicitation)).isEqualTo("undecided");
      }
      byte[] echo = PacketBuilder.from(from, to).echoRequest(1, 1).build();
      assertThat(verdict(preamble, echo)).isEqualTo("deny");
    }
  }
}
