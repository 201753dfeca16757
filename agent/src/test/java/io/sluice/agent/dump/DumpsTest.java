// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.actors.conntrack.FlowKeys;
import io.sluice.actors.services.Endpoint;
import io.sluice.actors.services.Luts;
import io.sluice.agent.dump.Rows.CounterEntry;
import io.sluice.agent.dump.Rows.Interface;
import io.sluice.agent.dump.Rows.Nat;
import io.sluice.agent.dump.Rows.RouteEntry;
import io.sluice.cluster.maglev.Lut;
import io.sluice.cluster.shared.Follower;
import io.sluice.cluster.shared.Messages;
import io.sluice.config.model.IpFamily;
import io.sluice.kernel.dataplane.Dataplane.Attachment;
import io.sluice.kernel.dataplane.Dataplane.CounterRow;
import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.layout.Affinity;
import io.sluice.kernel.layout.AffinityKey;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendFlags;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Counter;
import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtTuple;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceReason;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DumpsTest {
  private static final int TCP = 6;
  private static final int UDP = 17;
  private static final int SERVICE = 7;

  private final MemoryDataplane dataplane = new MemoryDataplane();
  private final Dumps dumps =
      new Dumps(dataplane, id -> id == SERVICE ? "default/web:80" : Names.UNKNOWN.service(id));

  private static Ip client(Family family) {
    return Ip.parse(family == Family.IPV4 ? "10.1.0.2" : "fd00:1::2");
  }

  private static Ip backend(Family family) {
    return Ip.parse(family == Family.IPV4 ? "10.1.0.3" : "fd00:1::3");
  }

  private static Ip frontend(Family family) {
    return Ip.parse(family == Family.IPV4 ? "10.96.0.10" : "fd00:96::10");
  }

  private static String text(Ip ip, int port) {
    return ip.family() == Family.IPV4 ? ip + ":" + port : "[" + ip + "]:" + port;
  }

  private static CtCommon common(int state, int age, int idle) {
    int now = MemoryDataplane.NOW;
    return new CtCommon(now - idle, now - age, state, 0, 2, 3, SERVICE, 1, 1, 0, 0);
  }

  private void flow(CtTuple tuple, int proto, int state, CtTuple x, int age, int idle) {
    CtKey key = FlowKeys.of(tuple, proto);
    Family family = tuple.saddr().family();
    dataplane.ct(family).put(key, new CtValue(common(state, age, idle), x, Ip.any(family)));
  }

  private static int opener(CtTuple tuple) {
    boolean sourceIsA = FlowKeys.of(tuple, TCP).addr0().equals(tuple.saddr());
    return sourceIsA ? CtState.CT_OPENER_A : CtState.CT_OPENER_B;
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aTranslatedFlowIsOneLineWithTheNewerOfItsEntriesTimes(Family family) {
    CtTuple before = new CtTuple(client(family), frontend(family), 40_000, 80);
    CtTuple after = new CtTuple(client(family), backend(family), 40_000, 8080);
    CtTuple answer = new CtTuple(frontend(family), client(family), 80, 40_000);
    int both = CtState.CT_APPROVED_A | CtState.CT_APPROVED_B;
    flow(before, TCP, CtState.CT_NAT_FORWARD | both, after, 2500, 25);
    int syns = CtState.CT_SYN_A | CtState.CT_SYN_B;
    flow(after, TCP, CtState.CT_NAT_REVERSE | both | syns | opener(after), answer, 2500, 500);

    assertThat(dumps.flows(10).rows())
        .containsExactly(
            new FlowRow(
                "tcp",
                text(client(family), 40_000),
                text(frontend(family), 80),
                text(backend(family), 8080),
                "default/web:80",
                "",
                "established",
                10,
                0.1,
                List.of("nat")));
  }

  /** What is translated is the client's port alone: it spoke to the backend itself. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void aDirectFlowHasNoFrontend(Family family) {
    CtTuple sent = new CtTuple(client(family), backend(family), 40_000, 8080);
    CtTuple after = new CtTuple(client(family), backend(family), 20_001, 8080);
    CtTuple answer = new CtTuple(backend(family), client(family), 8080, 40_000);
    int both = CtState.CT_APPROVED_A | CtState.CT_APPROVED_B;
    int direct = CtState.CT_DIRECT | CtState.CT_SRC_PORT;
    dataplane
        .ct(family)
        .put(
            FlowKeys.direct(FlowKeys.of(sent, UDP)),
            new CtValue(
                common(CtState.CT_NAT_FORWARD | both | direct, 250, 0), after, Ip.any(family)));
    flow(after, UDP, CtState.CT_NAT_REVERSE | both | direct | opener(after), answer, 250, 250);

    FlowRow row = dumps.flows(10).rows().get(0);
    assertThat(row.client()).isEqualTo(text(client(family), 40_000));
    assertThat(row.frontend()).isEmpty();
    assertThat(row.backend()).isEqualTo(text(backend(family), 8080));
    assertThat(row.idleSeconds()).as("of both entries").isZero();
    assertThat(row.flags()).containsExactly("nat", "src-port", "direct");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aFlowIsToldFromItsOpenersSideWhicheverAddressIsLower(Family family) {
    CtTuple up = new CtTuple(client(family), backend(family), 1000, 53);
    CtTuple down = new CtTuple(backend(family), client(family), 2000, 54);
    CtTuple none = new CtTuple(Ip.any(family), Ip.any(family), 0, 0);
    flow(up, UDP, opener(up), none, 250, 0);
    flow(down, UDP, opener(down) | CtState.CT_REVOKED, none, 250, -5);

    assertThat(dumps.flows(10).rows())
        .extracting(FlowRow::client, FlowRow::backend, FlowRow::idleSeconds, FlowRow::flags)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(
                text(client(family), 1000), text(backend(family), 53), 0.0, List.of("unapproved")),
            org.assertj.core.groups.Tuple.tuple(
                text(backend(family), 2000),
                text(client(family), 54),
                0.0,
                List.of("unapproved", "revoked")));
  }

  @Test
  void theStatesOfTcpHaveNames() {
    int[] states = {
      CtState.CT_SYN_A,
      CtState.CT_SYN_A | CtState.CT_SYN_B,
      CtState.CT_SYN_A | CtState.CT_SYN_B | CtState.CT_FIN_B,
      CtState.CT_SYN_A | CtState.CT_SYN_B | CtState.CT_FIN_A | CtState.CT_FIN_B,
      CtState.CT_SYN_A | CtState.CT_RST_B,
    };
    for (int i = 0; i < states.length; i++) {
      CtTuple tuple = new CtTuple(client(Family.IPV4), backend(Family.IPV4), 1000 + i, 80);
      flow(tuple, TCP, states[i] | CtState.CT_OPENER_A, tuple, 250, 0);
    }
    assertThat(dumps.flows(10).rows())
        .extracting(FlowRow::state)
        .containsExactly("syn-sent", "established", "closing", "closed", "reset");
  }

  @Test
  void moreFlowsThanOneDumpHoldsAreCountedNotLost() {
    for (int port = 1; port <= 30; port++) {
      CtTuple four = new CtTuple(client(Family.IPV4), backend(Family.IPV4), port, 80);
      CtTuple six = new CtTuple(client(Family.IPV6), backend(Family.IPV6), port, 80);
      flow(four, TCP, opener(four), four, 0, 0);
      flow(six, TCP, opener(six), six, 0, 0);
    }
    assertThat(dumps.flows(40).rows()).hasSize(40);
    assertThat(dumps.flows(40).omitted()).isEqualTo(20);
    assertThat(dumps.flows(60).omitted()).isZero();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void everyFrontendIsShownWithItsBackendsAndThatItRefusesWithoutAny(Family family) {
    FrontendKey web = new FrontendKey(frontend(family), 80, TCP);
    FrontendKey empty = new FrontendKey(frontend(family), 81, TCP);
    dataplane.frontends(family).put(web, new Frontend(SERVICE, FrontendFlags.FRONTEND_CLUSTER_IP));
    dataplane.frontends(family).put(empty, new Frontend(9, FrontendFlags.FRONTEND_CLUSTER_IP));
    dataplane.services().put(SERVICE, new Service(4, 2, 0, 0, 0, 1L));
    dataplane.backends(family).put(4, new Backend(backend(family), 8080, 0, SERVICE, 1, 3));
    dataplane.backends(family).put(5, new Backend(client(family), 8080, 0, SERVICE, 2, 3));
    dataplane.backendGen().put(1, new BackendGen(3));
    dataplane.backendGen().put(2, new BackendGen(4));

    String at = text(frontend(family), 80);
    assertThat(rows("nat"))
        .containsExactlyInAnyOrder(
            new Nat(
                "tcp",
                at,
                "cluster_ip",
                List.of(),
                "default/web:80",
                SERVICE,
                text(backend(family), 8080),
                1,
                "live",
                1,
                0,
                false),
            new Nat(
                "tcp",
                at,
                "cluster_ip",
                List.of(),
                "default/web:80",
                SERVICE,
                text(client(family), 8080),
                2,
                "removed",
                1,
                0,
                false),
            new Nat(
                "tcp",
                text(frontend(family), 81),
                "cluster_ip",
                List.of(),
                "#9",
                9,
                "",
                0,
                "refuses",
                0,
                0,
                false));
  }

  private List<Object> rows(String table) {
    return new ArrayList<>(dumps.rows(table).orElseThrow().rows());
  }

  private void backendAt(Family family, int index, Ip address, int id, boolean here) {
    int flags = here ? BackendFlags.BACKEND_LOCAL : 0;
    dataplane.backends(family).put(index, new Backend(address, 8080, flags, SERVICE, id, 3));
    dataplane.backendGen().put(id, new BackendGen(3));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aBackendIsOneRowWithItsWeightInBothWindows(Family family) {
    int flags = FrontendFlags.FRONTEND_NODE_PORT | FrontendFlags.FRONTEND_LOCAL;
    dataplane
        .frontends(family)
        .put(new FrontendKey(Ip.any(family), 30080, TCP), new Frontend(SERVICE, flags));
    dataplane.services().put(SERVICE, new Service(4, 3, 1, 0, 0, 1L));
    backendAt(family, 4, backend(family), 1, true);
    backendAt(family, 5, client(family), 2, false);
    backendAt(family, 6, client(family), 2, false);
    backendAt(family, 7, backend(family), 1, true);

    assertThat(rows("nat"))
        .extracting("kind", "flags", "backendId", "cluster", "local", "here")
        .containsExactly(
            tuple("node_port", List.of("local"), 1, 1, 1, true),
            tuple("node_port", List.of("local"), 2, 2, 0, false));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-4")
  void affinityTellsHowLongItHoldsAndWhetherItStillDoes(Family family) {
    dataplane.services().put(SERVICE, new Service(4, 1, 0, 0, 60, 1L));
    backendAt(family, 4, backend(family), 1, false);
    Ip[] clients = {client(family), backend(family), frontend(family)};
    int[] gens = {3, 2, 3};
    int[] idle = {2500, 0, 15_000};
    for (int i = 0; i < clients.length; i++) {
      dataplane
          .affinity(family)
          .put(
              new AffinityKey(clients[i], SERVICE),
              new Affinity(backend(family), 8080, 0, 1, gens[i], MemoryDataplane.NOW - idle[i]));
    }
    assertThat(rows("affinity"))
        .extracting("client", "service", "backend", "ageSeconds", "expiresSeconds", "state")
        .containsExactlyInAnyOrder(
            tuple(
                client(family).toString(),
                "default/web:80",
                text(backend(family), 8080),
                10.0,
                50.0,
                "live"),
            tuple(
                backend(family).toString(),
                "default/web:80",
                text(backend(family), 8080),
                0.0,
                0.0,
                "dead"),
            tuple(
                frontend(family).toString(),
                "default/web:80",
                text(backend(family), 8080),
                60.0,
                0.0,
                "expired"));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aMaglevTableShowsItsSpreadAndTheDigestOfWhatIsInTheKernel(Family family) {
    int flags = family == Family.IPV6 ? ServiceFlags.SERVICE_IPV6 : 0;
    dataplane
        .frontends(family)
        .put(
            new FrontendKey(frontend(family), 80, TCP),
            new Frontend(SERVICE, FrontendFlags.FRONTEND_CLUSTER_IP));
    dataplane.services().put(SERVICE, new Service(4, 2, 0, flags, 0, 1L));
    dataplane.backends(family).put(4, new Backend(backend(family), 8080, 0, SERVICE, 1, 3));
    dataplane.backends(family).put(5, new Backend(client(family), 8080, 0, SERVICE, 2, 3));
    dataplane.backendGen().put(1, new BackendGen(3));
    dataplane.backendGen().put(2, new BackendGen(4));
    dataplane.backends(family).put(6, new Backend(frontend(family), 9090, 0, SERVICE, 3, 2));
    dataplane.backendGen().put(3, new BackendGen(3));
    char[] slots = new char[] {1, 0, 0, 0};
    char none = MaglevTable.UNMOVED;
    MaglevTable table = new MaglevTable(12, 4, 3, slots, new char[] {0, none, 2, 2});
    dataplane.maglev().put(SERVICE, table);
    dataplane.maglev().put(9, new MaglevTable(3, 0, 0, new char[0]));

    String digest =
        Luts.read(
                family,
                table,
                List.of(
                    new Endpoint(backend(family), 8080),
                    new Endpoint(client(family), 8080),
                    new Endpoint(frontend(family), 9090)))
            .orElseThrow()
            .digest();
    List<String> at = List.of(text(frontend(family), 80));
    int number = family.number();
    Rows.Maglev first =
        new Rows.Maglev(
            "default/web:80",
            SERVICE,
            "tcp",
            number,
            at,
            12,
            4,
            text(backend(family), 8080),
            3,
            1,
            75,
            50,
            "live",
            digest);
    Rows.Maglev second =
        new Rows.Maglev(
            "default/web:80",
            SERVICE,
            "tcp",
            number,
            at,
            12,
            4,
            text(client(family), 8080),
            1,
            0,
            25,
            -50,
            "removed",
            digest);
    Rows.Maglev former =
        new Rows.Maglev(
            "default/web:80",
            SERVICE,
            "tcp",
            number,
            at,
            12,
            4,
            text(frontend(family), 9090),
            0,
            2,
            0,
            0,
            "former",
            digest);
    assertThat(dumps.rows("maglev").orElseThrow().rows())
        .filteredOn(row -> ((Rows.Maglev) row).serviceId() == SERVICE)
        .isEqualTo(List.of(first, second, former));
    assertThat(dumps.rows("maglev").orElseThrow().rows())
        .filteredOn(row -> ((Rows.Maglev) row).serviceId() == 9)
        .singleElement()
        .hasToString(
            "Maglev[service=#9, serviceId=9, protocol=, family=4, frontends=[], generation=3,"
                + " size=0, backend=, slots=0, formerSlots=0, sharePercent=0.0, deviationPercent=0.0,"
                + " state=refuses, digest=%s]",
            Lut.of(IpFamily.IPV4, List.of(), new char[0]).digest());
  }

  @Test
  void nodesAreComparedWithWhatTheClusterAgreedOn() {
    Follower.Views views =
        new Follower.Views(
            List.of(
                new Messages.View(
                    "default/web/80/TCP/4",
                    7,
                    100,
                    1,
                    "aa",
                    List.of(
                        new Messages.NodeRuns("n1", 7, "aa", 100, true),
                        new Messages.NodeRuns("n2", 6, "bb", 100, true),
                        new Messages.NodeRuns("n3", 7, "cc", 100, true)),
                    "")),
            List.of("default/zoo/80/UDP/6"));
    assertThat(Dumps.maglevNodes(views))
        .containsExactly(
            new Rows.MaglevNode("default/web:80", "tcp", 4, "n1", 7, 7, "aa", "current"),
            new Rows.MaglevNode("default/web:80", "tcp", 4, "n2", 6, 7, "bb", "behind"),
            new Rows.MaglevNode("default/web:80", "tcp", 4, "n3", 7, 7, "cc", "differs"),
            new Rows.MaglevNode("default/zoo:80", "udp", 6, "", 0, 0, "", "no answer"));
  }

  @Test
  void routesAreInTheOrderOfAddressesWithTheNamesOfInterfaces() {
    dataplane
        .ifaces()
        .put(2, new Iface(IfaceFlags.IFACE_WORKLOAD, 1, 1, 0, 0, Ip.ANY4, Ip.ANY6, "cali2", 0));
    int local = RouteFlags.ROUTE_WORKLOAD | RouteFlags.ROUTE_LOCAL;
    var routes = dataplane.routes(Family.IPV4);
    routes.put(new RouteKey(32, Ip.parse("10.1.0.20")), new Route(local, 2, Ip.ANY4));
    routes.put(new RouteKey(32, Ip.parse("10.1.0.3")), new Route(local, 77, Ip.ANY4));
    routes.put(
        new RouteKey(24, Ip.parse("10.2.0.0")),
        new Route(RouteFlags.ROUTE_WORKLOAD, 0, Ip.parse("192.168.1.2")));

    String workload = RouteFlags.describe(RouteFlags.ROUTE_WORKLOAD);
    assertThat(dumps.routes())
        .containsExactly(
            new RouteEntry("10.1.0.3/32", RouteFlags.describe(local), "#77", ""),
            new RouteEntry("10.1.0.20/32", RouteFlags.describe(local), "cali2", ""),
            new RouteEntry("10.2.0.0/24", workload, "", "192.168.1.2"));
  }

  @Test
  void interfacesAndCountersSpeakInWords() {
    int flags = IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_READY6;
    Ip six = Ip.parse("fd00:1::2");
    dataplane.ifaces().put(5, new Iface(flags, 3, 4, 0, 0, Ip.ANY4, six, "cali5", 0));
    dataplane.attachments.putAll(Map.of(5, new Attachment("cali5", 5, "tcx", List.of())));
    dataplane.counters.add(
        new CounterRow(SluiceHook.HOOK_IN, SluiceReason.REASON_POLICY, new Counter(1L << 33, 5)));

    assertThat(dumps.interfaces())
        .containsExactly(
            new Interface(5, "cali5", "configured,ready6", 3, 4, "", "fd00:1::2", "tcx"));
    assertThat(dumps.counters())
        .containsExactly(new CounterEntry("in", "policy", "drop", 1L << 33, 5));
  }

  @Test
  void everyTableThatIsNamedIsThereAndNoOther() {
    assertThat(Rows.TABLES).allSatisfy(table -> assertThat(dumps.rows(table)).isPresent());
    assertThat(dumps.rows("nothing")).isEmpty();
  }
}
