// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import io.sluice.actors.conntrack.FlowKeys;
import io.sluice.agent.dump.Rows.CounterEntry;
import io.sluice.agent.dump.Rows.Interface;
import io.sluice.agent.dump.Rows.RouteEntry;
import io.sluice.cluster.shared.Follower;
import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeState;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceReason;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;

/**
 * Reads the dataplane's maps into rows. Blocks on the kernel; rows are what was there while it
 * read.
 *
 * @param names of services, if anybody knows them
 */
public record Dumps(Dataplane dataplane, Names names) {
  /** The most flows in one dump: a table of half a million would not fit into the agent's heap. */
  public static final int MAX_FLOWS = 20_000;

  /**
   * Rows of one table.
   *
   * @param omitted how many there are besides
   */
  public record Part<T>(List<T> rows, long omitted) {}

  /** The rows of a table of {@link Rows#TABLES}; empty if there is no such table. */
  public Optional<Part<?>> rows(String table) {
    return switch (table) {
      case "conntrack" -> Optional.of(flows(MAX_FLOWS));
      case "nat" -> Optional.of(new Part<>(new NatDump(dataplane, names).rows(), 0));
      case "affinity" -> Optional.of(new AffinityDump(dataplane, names).rows(MAX_FLOWS));
      case Rows.SERVICES -> Optional.of(new Part<>(services(Optional.empty()), 0));
      case "maglev" -> Optional.of(new Part<>(new MaglevDump(dataplane, names).rows(), 0));
      case "routes" -> Optional.of(new Part<>(routes(), 0));
      case "ifstate" -> Optional.of(new Part<>(interfaces(), 0));
      case "qos" -> Optional.of(new Part<>(new QosDump(dataplane).rows(), 0));
      case "counters" -> Optional.of(new Part<>(counters(), 0));
      default -> Optional.empty();
    };
  }

  /**
   * Flows, those of services first, then by protocol and client. A flow's last packet is the newer
   * of what its two entries say, if it has two.
   */
  public Part<FlowRow> flows(int max) {
    int now = dataplane.jiffies();
    int hz = dataplane.hz();
    List<FlowRow> rows = new ArrayList<>();
    long omitted = 0;
    for (Family family : Family.values()) {
      TypedMap<CtKey, CtValue> entries = dataplane.ct(family);
      Map<CtKey, CtValue> flows = new HashMap<>();
      int room = max - rows.size();
      LongAdder all = new LongAdder();
      entries.forEach(
          (key, value) -> {
            if (FlowRow.isFlow(value)) {
              all.increment();
              if (flows.size() < room) {
                flows.put(key, value);
              }
            }
          });
      omitted += all.sum() - flows.size();
      flows.forEach(
          (key, value) ->
              rows.add(FlowRow.of(key, value, twin(entries, key, value), now, hz, names)));
    }
    rows.sort(
        Comparator.comparing((FlowRow row) -> row.service().isEmpty())
            .thenComparing(FlowRow::service)
            .thenComparing(FlowRow::protocol)
            .thenComparing(FlowRow::client));
    return new Part<>(rows, omitted);
  }

  private static Optional<CtValue> twin(
      TypedMap<CtKey, CtValue> entries, CtKey key, CtValue value) {
    return FlowKeys.hasTwin(value.c().state())
        ? entries.get(FlowKeys.twin(key, value))
        : Optional.empty();
  }

  /**
   * Services with all that belongs to them.
   *
   * @param called only those of the service of this name, {@code namespace/name}; known without
   *     anybody who knows names
   */
  public List<ServiceRow> services(Optional<String> called) {
    return new ServiceDump(dataplane, names).rows(called);
  }

  /** Rows of {@link Rows#MAGLEV_NODES}. */
  public static List<Rows.MaglevNode> maglevNodes(Follower.Views views) {
    return MaglevDump.nodes(views);
  }

  /** All routes, by address. */
  public List<RouteEntry> routes() {
    Map<Integer, String> devices = new HashMap<>();
    dataplane.ifaces().forEach((ifindex, iface) -> devices.put(ifindex, iface.name()));
    int tunnel = dataplane.node().get(0).map(NodeState::tunnelIfindex).orElse(0);
    List<RouteEntry> rows = new ArrayList<>();
    for (Family family : Family.values()) {
      Map<String, Ip> addresses = new HashMap<>();
      List<RouteEntry> ofFamily = new ArrayList<>();
      dataplane
          .routes(family)
          .forEach(
              (key, route) -> {
                String cidr = key.addr() + "/" + key.prefixlen();
                boolean tunneled = (route.flags() & RouteFlags.ROUTE_TUNNELED) != 0;
                int device = tunneled ? tunnel : route.ifindex();
                addresses.put(cidr, key.addr());
                ofFamily.add(
                    new RouteEntry(
                        cidr,
                        RouteFlags.describe(route.flags()),
                        device == 0 ? "" : devices.getOrDefault(device, "#" + device),
                        route.nextHop().isAny() ? "" : route.nextHop().toString()));
              });
      ofFamily.sort(Comparator.comparing(row -> addresses.get(row.cidr())));
      rows.addAll(ofFamily);
    }
    return rows;
  }

  /** All configured interfaces, by ifindex. */
  public List<Interface> interfaces() {
    Map<Integer, Dataplane.Attachment> attachments = dataplane.attachments();
    List<Interface> rows = new ArrayList<>();
    dataplane
        .ifaces()
        .forEach(
            (ifindex, iface) ->
                rows.add(
                    new Interface(
                        ifindex,
                        iface.name(),
                        IfaceFlags.describe(iface.flags()),
                        iface.policySlot0(),
                        iface.policySlot1(),
                        text(iface.addr4()),
                        text(iface.addr6()),
                        Optional.ofNullable(attachments.get(ifindex))
                            .map(Dataplane.Attachment::mechanism)
                            .orElse(""))));
    rows.sort(Comparator.comparingInt(Interface::ifindex));
    return rows;
  }

  private static String text(Ip address) {
    return address.isAny() ? "" : address.toString();
  }

  /** All counters that have counted. */
  public List<CounterEntry> counters() {
    return dataplane.counters().stream()
        .map(
            row ->
                new CounterEntry(
                    SluiceHook.name(row.hook()),
                    SluiceReason.name(row.reason()),
                    row.reason() < SluiceReason.REASON_FIRST_DROP ? "pass" : "drop",
                    row.value().packets(),
                    row.value().bytes()))
        .toList();
  }
}
