// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import io.sluice.actors.services.ServiceName;
import io.sluice.agent.dump.ServiceRow.BackendRow;
import io.sluice.agent.dump.ServiceRow.FrontendRow;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Services with their frontends, their backends, and who is connected to these. */
final class ServiceDump {
  private record Front(FrontendKey key, Frontend frontend) {}

  /** A flow's choice; a generation that has passed is another one. */
  private record Chosen(int service, int backend) {}

  /**
   * @param at where the flows go to
   * @param known whether that could be read off a flow
   */
  private record Flows(String at, long count, boolean known) {}

  private final Dataplane dataplane;
  private final Names names;
  private final Backends backends;
  private final RouteTable routes;

  ServiceDump(Dataplane dataplane, Names names) {
    this.dataplane = dataplane;
    this.names = names;
    this.backends = new Backends(dataplane);
    this.routes = new RouteTable(dataplane);
  }

  /** By name, port and family. */
  List<ServiceRow> rows(Optional<String> called) {
    Map<Integer, List<Front>> fronts = new TreeMap<>();
    for (Family family : Family.values()) {
      dataplane
          .frontends(family)
          .forEach(
              (key, frontend) ->
                  fronts
                      .computeIfAbsent(frontend.service(), none -> new ArrayList<>())
                      .add(new Front(key, frontend)));
    }
    Map<Chosen, Flows> flows = flows();
    List<ServiceRow> rows = new ArrayList<>();
    dataplane
        .services()
        .forEach(
            (id, service) -> {
              List<Front> own = fronts.getOrDefault(id, List.of());
              if ((service.flags() & ServiceFlags.SERVICE_IN_USE) == 0 && own.isEmpty()) {
                return;
              }
              String name = name(id, service, own, called);
              if (called.isEmpty() || name.startsWith(called.get() + ":")) {
                rows.add(row(id, service, name, own, flows));
              }
            });
    rows.sort(
        Comparator.comparing(ServiceRow::service)
            .thenComparing(ServiceRow::protocol)
            .thenComparing(ServiceRow::family));
    return rows;
  }

  /**
   * Who nobody can name may be the one that was asked for: the kernel holds a digest of its name.
   */
  private String name(int id, Service service, List<Front> fronts, Optional<String> called) {
    String name = names.service(id);
    if (called.isEmpty() || !name.equals(Names.UNKNOWN.service(id))) {
      return name;
    }
    String[] parts = called.get().split("/", 2);
    return fronts.stream()
        .map(Front::key)
        .map(
            key ->
                new ServiceName(
                    parts[0],
                    parts[parts.length - 1],
                    key.port(),
                    FlowRow.protocol(key.proto()).toUpperCase(Locale.ROOT),
                    Backends.family(service)))
        .filter(guess -> guess.owner() == service.owner())
        .map(guess -> called.get() + ":" + guess.port())
        .findFirst()
        .orElse(name);
  }

  private ServiceRow row(
      int id, Service service, String name, List<Front> fronts, Map<Chosen, Flows> flows) {
    Family family = Backends.family(service);
    boolean maglev = (service.flags() & ServiceFlags.SERVICE_MAGLEV) != 0;
    return new ServiceRow(
        name,
        id,
        fronts.stream().map(f -> FlowRow.protocol(f.key().proto())).findFirst().orElse(""),
        family.number(),
        fronts.stream()
            .sorted(
                Comparator.comparingInt((Front f) -> f.frontend().flags() & kinds())
                    .thenComparing(f -> f.key().addr())
                    .thenComparing(f -> f.key().port()))
            .map(
                f ->
                    new FrontendRow(
                        FlowRow.endpoint(f.key().addr(), f.key().port()),
                        NatDump.kind(f.frontend().flags()),
                        NatDump.flags(f.frontend().flags())))
            .toList(),
        maglev ? "maglev" : "random",
        AffinityDump.describe(service),
        service.affinitySeconds(),
        service.count(),
        service.local(),
        backendsOf(id, service, name, family, flows));
  }

  private static int kinds() {
    return FrontendFlags.FRONTEND_LOCAL - 1;
  }

  private List<BackendRow> backendsOf(
      int id, Service service, String name, Family family, Map<Chosen, Flows> flows) {
    Set<Integer> seen = new HashSet<>();
    Stream<BackendRow> own =
        backends.shares(family, id, service).stream()
            .map(
                share -> {
                  Backend b = share.backend();
                  boolean live = backends.isLive(b.id(), b.gen());
                  Flows has = flows.get(new Chosen(id, b.id()));
                  seen.add(b.id());
                  return new BackendRow(
                      FlowRow.endpoint(b.addr(), b.port()),
                      b.id(),
                      live ? names.endpoint(name, b.addr(), b.port()) : "dead",
                      node(b.addr(), share.here()),
                      share.here(),
                      share.cluster(),
                      share.local(),
                      has == null ? 0 : has.count());
                });
    List<BackendRow> rows = new ArrayList<>(own.toList());
    flows.entrySet().stream()
        .filter(e -> e.getKey().service() == id && !seen.contains(e.getKey().backend()))
        .sorted(Comparator.comparing(e -> e.getKey().backend()))
        .forEach(
            e ->
                rows.add(
                    new BackendRow(
                        e.getValue().at(),
                        e.getKey().backend(),
                        "dead",
                        "",
                        false,
                        0,
                        0,
                        e.getValue().count())));
    return rows;
  }

  private String node(Ip address, boolean here) {
    if (here) {
      return names.thisNode();
    }
    return routes
        .find(address)
        .map(route -> route.nextHop())
        .filter(hop -> !hop.isAny())
        .map(names::node)
        .orElse("");
  }

  /** All flows of services are looked at, and none is kept. */
  private Map<Chosen, Flows> flows() {
    Map<Chosen, Flows> flows = new HashMap<>();
    for (Family family : Family.values()) {
      dataplane
          .ct(family)
          .forEach(
              (key, value) -> {
                if (FlowRow.isFlow(value) && value.c().service() != 0) {
                  flows.merge(
                      new Chosen(value.c().service(), value.c().backend()),
                      ofOne(key, value),
                      ServiceDump::sum);
                }
              });
    }
    return flows;
  }

  private static Flows ofOne(CtKey key, CtValue value) {
    boolean openerIsB = (value.c().state() & CtState.CT_OPENER_B) != 0;
    boolean translated = (value.c().state() & CtState.CT_NAT_REVERSE) != 0;
    String at =
        openerIsB
            ? FlowRow.endpoint(key.addr0(), key.port0())
            : FlowRow.endpoint(key.addr1(), key.port1());
    return new Flows(translated ? at : "", 1, translated);
  }

  private static Flows sum(Flows one, Flows other) {
    boolean known = one.known() || other.known();
    return new Flows(one.known() ? one.at() : other.at(), one.count() + other.count(), known);
  }
}
