// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.actors.conntrack.FlowKeys;
import io.sluice.actors.services.ServiceName;
import io.sluice.agent.dump.ServiceRow.FrontendRow;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendFlags;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtTuple;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ServiceDumpTest {
  private static final int TCP = 6;
  private static final int ID = 7;

  private final MemoryDataplane dataplane = new MemoryDataplane();

  private static final Names NAMES =
      new Names() {
        @Override
        public String service(int id) {
          return "default/web:80";
        }

        @Override
        public String node(Ip address) {
          return "n2";
        }

        @Override
        public String thisNode() {
          return "n1";
        }

        @Override
        public String endpoint(String service, Ip address, int port) {
          return "ready";
        }
      };

  private static Ip ip(Family family, int last) {
    return Ip.parse(family == Family.IPV4 ? "10.1.0." + last : "fd00:1::" + last);
  }

  private static String at(Family family, int last, int port) {
    return FlowRow.endpoint(ip(family, last), port);
  }

  private void flow(Family family, int backend, int port, int id) {
    CtTuple after = new CtTuple(ip(family, 99), ip(family, backend), port, 8080);
    CtTuple answer = new CtTuple(ip(family, 10), ip(family, 99), 80, port);
    int state = CtState.CT_NAT_REVERSE;
    state |=
        FlowKeys.of(after, TCP).addr0().equals(after.saddr())
            ? CtState.CT_OPENER_A
            : CtState.CT_OPENER_B;
    CtCommon common = new CtCommon(0, 0, state, 0, 2, 3, ID, id, 1, 0, 0);
    dataplane.ct(family).put(FlowKeys.of(after, TCP), new CtValue(common, answer, Ip.any(family)));
  }

  private void make(Family family) {
    int six = family == Family.IPV6 ? ServiceFlags.SERVICE_IPV6 : 0;
    var frontends = dataplane.frontends(family);
    frontends.put(
        new FrontendKey(ip(family, 10), 80, TCP),
        new Frontend(ID, FrontendFlags.FRONTEND_CLUSTER_IP));
    frontends.put(
        new FrontendKey(Ip.any(family), 30080, TCP),
        new Frontend(ID, FrontendFlags.FRONTEND_NODE_PORT | FrontendFlags.FRONTEND_LOCAL));
    long owner = new ServiceName("default", "web", 80, "TCP", family).owner();
    dataplane
        .services()
        .put(
            ID,
            new Service(
                4,
                2,
                1,
                six | ServiceFlags.SERVICE_IN_USE | ServiceFlags.SERVICE_MAGLEV,
                10_800,
                owner));
    Backend here = new Backend(ip(family, 1), 8080, BackendFlags.BACKEND_LOCAL, ID, 1, 3);
    dataplane.backends(family).put(4, here);
    dataplane.backends(family).put(5, new Backend(ip(family, 2), 8080, 0, ID, 2, 3));
    dataplane.backends(family).put(6, here);
    for (int id = 1; id <= 3; id++) {
      dataplane.backendGen().put(id, new BackendGen(3));
    }
    dataplane
        .routes(family)
        .put(
            new RouteKey(family.bits(), ip(family, 2)),
            new Route(RouteFlags.ROUTE_WORKLOAD, 0, ip(family, 200)));
    flow(family, 1, 1000, 1);
    flow(family, 1, 1001, 1);
    flow(family, 3, 1002, 3);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aServiceIsShownWithAllThatBelongsToIt(Family family) {
    make(family);
    List<ServiceRow> rows = new Dumps(dataplane, NAMES).services(Optional.empty());

    assertThat(rows).hasSize(1);
    ServiceRow row = rows.get(0);
    assertThat(row.service()).isEqualTo("default/web:80");
    assertThat(row.family()).isEqualTo(family.number());
    assertThat(row.algorithm() + ", " + row.affinity()).isEqualTo("maglev, ClientIP 3h");
    assertThat(row.frontends())
        .containsExactly(
            new FrontendRow(at(family, 10, 80), "cluster_ip", List.of()),
            new FrontendRow(
                FlowRow.endpoint(Ip.any(family), 30080), "node_port", List.of("local")));
    assertThat(row.backends())
        .extracting("address", "state", "node", "here", "cluster", "local", "hits")
        .containsExactly(
            tuple(at(family, 1, 8080), "ready", "n1", true, 1, 1, 2L),
            tuple(at(family, 2, 8080), "ready", "n2", false, 1, 0, 0L),
            tuple(at(family, 3, 8080), "dead", "", false, 0, 0, 1L));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void withoutNamesAServiceIsKnownByTheDigestOfItsName(Family family) {
    make(family);
    Dumps dumps = new Dumps(dataplane, Names.UNKNOWN);

    assertThat(dumps.services(Optional.of("default/web")))
        .extracting(ServiceRow::service)
        .containsExactly("default/web:80");
    assertThat(dumps.services(Optional.of("shop/web"))).isEmpty();
    assertThat(dumps.services(Optional.empty()))
        .extracting(ServiceRow::service)
        .containsExactly("#7");
  }
}
