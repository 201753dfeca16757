// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import io.sluice.actors.NodeStatus;
import io.sluice.actors.conntrack.ConntrackKeeper;
import io.sluice.actors.host.TunnelDevice;
import io.sluice.actors.interfaces.HostEndpoint;
import io.sluice.actors.interfaces.InterfaceManager.InterfaceStatus;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.routes.RouteKeeper;
import io.sluice.actors.routes.Ways;
import io.sluice.actors.tunnel.TunnelKeeper;
import io.sluice.cluster.membership.MembershipView;
import io.sluice.config.settings.AgentKeys;
import io.sluice.config.settings.Origin;
import io.sluice.config.settings.Settings;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.dataplane.DataplaneLoader;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The picture of {@code sluice status}, in the order in which it is shown.
 *
 * @param cluster whether this side of it may decide, and why not
 * @param members the nodes of the cluster, as this one sees them
 * @param source where resources come from, and how many of each kind are in force
 * @param interfaces workload interfaces by state
 * @param hostEndpoints the interfaces that lead to the world, and loopback
 * @param maps used and available entries, by map
 * @param tableDrops packets that the nftables table has dropped, by cause
 * @param settings those that somebody has set
 */
@JsonPropertyOrder({"node", "version", "ready", "reasons"})
record StatusReport(
    String node,
    String version,
    long pid,
    double uptimeSeconds,
    boolean ready,
    List<String> reasons,
    ClusterReport cluster,
    List<MembershipView.Member> members,
    SourceReport source,
    DataplaneReport dataplane,
    Map<String, Integer> interfaces,
    List<HostEndpointReport> hostEndpoints,
    OverlayReport overlay,
    ServicesReport services,
    HealthReport health,
    Map<String, String> conntrack,
    Map<String, String> maps,
    Map<String, Long> tableDrops,
    List<String> problems,
    List<SettingReport> settings) {
  /**
   * @param restarts how often this node was cut off, and looked for the others anew
   */
  record ClusterReport(boolean decides, int quorum, long restarts, List<String> reasons) {}

  record SourceReport(
      String type,
      String path,
      boolean inSync,
      long version,
      String changed,
      Map<String, Integer> resources) {}

  /**
   * @param build names the programs
   * @param hz of the clock of conntrack's time stamps
   */
  record DataplaneReport(
      String bpffs, String build, int hz, Map<String, Integer> attached, List<String> notes) {}

  /**
   * @param kind host or loopback
   * @param mtu of the link, bytes
   * @param rpf how sources of what comes in by it are checked
   * @param detail why it is not ready; empty if it is
   */
  record HostEndpointReport(
      String name, String kind, int ifindex, String state, int mtu, String rpf, String detail) {
    static HostEndpointReport of(InterfaceStatus nic, HostEndpoint endpoint) {
      return new HostEndpointReport(
          nic.nic(),
          endpoint.isLoopback() ? "loopback" : "host",
          nic.ifindex(),
          nic.state().name().toLowerCase(Locale.ROOT),
          endpoint.mtu(),
          endpoint.rpf().name().toLowerCase(Locale.ROOT),
          nic.detail());
    }
  }

  /**
   * How other nodes' pods are reached.
   *
   * @param device of the tunnel; empty if it is not needed
   * @param mtu4 the largest IPv4 packet in the tunnel, bytes
   * @param addresses of this node in the overlay
   * @param tunnelNodes nodes that are reached through the tunnel
   * @param directNodes nodes on a subnet of this one, without encapsulation
   * @param underlayNodes nodes that the routes of the underlay lead to
   */
  record OverlayReport(
      String device,
      int port,
      int vni,
      int mtu4,
      int mtu6,
      List<String> addresses,
      int tunnelNodes,
      int directNodes,
      int underlayNodes) {}

  /**
   * @param ports service ports, each family's by itself
   */
  record ServicesReport(boolean applied, int ports, int frontends, double lastSyncSeconds) {}

  /**
   * What load balancers are told.
   *
   * @param ports that are open
   * @param healthy services are up to date
   * @param nodeEligible the node is not about to be deleted
   */
  record HealthReport(int ports, boolean healthy, boolean nodeEligible) {}

  record SettingReport(String name, String value, String origin) {}

  /** Reads the kernel for what is attached. */
  static StatusReport of(
      NodeStatus status,
      AgentKeys keys,
      DataplaneLoader dataplane,
      MembershipView cluster,
      long restarts,
      double uptimeSeconds) {
    Collection<Dataplane.Attachment> attachments = dataplane.attachments().values();
    return new StatusReport(
        keys.nodeName(),
        Build.VERSION,
        ProcessHandle.current().pid(),
        uptimeSeconds,
        status.unready().isEmpty(),
        status.unready(),
        new ClusterReport(cluster.decides(), cluster.quorum(), restarts, cluster.reasons()),
        cluster.members(),
        source(status, keys),
        dataplane(keys, dataplane, attachments),
        interfaces(status),
        hostEndpoints(status),
        overlay(status),
        status
            .services()
            .map(
                s ->
                    new ServicesReport(
                        s.applied(), s.services(), s.frontends(), s.lastRound().toNanos() / 1e9))
            .orElse(new ServicesReport(false, 0, 0, 0)),
        status
            .health()
            .map(h -> new HealthReport(h.ports(), h.healthy(), h.eligible()))
            .orElse(new HealthReport(0, false, true)),
        conntrack(status),
        maps(status),
        status.tables().map(t -> (Map<String, Long>) new TreeMap<>(t.drops())).orElse(Map.of()),
        problems(status, attachments),
        settings(status.settings()));
  }

  private static SourceReport source(NodeStatus status, AgentKeys keys) {
    Map<String, Integer> kinds = new TreeMap<>();
    status
        .snapshot()
        .resources()
        .keySet()
        .forEach(key -> kinds.merge(key.kind().uniqueName(), 1, Integer::sum));
    return new SourceReport(
        keys.sourceType().name().toLowerCase(Locale.ROOT),
        keys.sourcePath().map(Object::toString).orElse(""),
        status.snapshot().inSync(),
        status.snapshot().version(),
        status.changed().truncatedTo(ChronoUnit.SECONDS).toString(),
        kinds);
  }

  private static List<String> problems(
      NodeStatus status, Collection<Dataplane.Attachment> attachments) {
    List<String> problems = new ArrayList<>(status.problems());
    attachments.stream()
        .filter(attachment -> !attachment.foreign().isEmpty())
        .map(
            a ->
                "interface %s: programs of somebody else are attached, too: %s"
                    .formatted(a.name(), String.join(", ", a.foreign())))
        .forEach(problems::add);
    return problems;
  }

  private static DataplaneReport dataplane(
      AgentKeys keys, DataplaneLoader dataplane, Collection<Dataplane.Attachment> attachments) {
    Map<String, Integer> attached = new TreeMap<>();
    attachments.forEach(a -> attached.merge(a.mechanism(), 1, Integer::sum));
    return new DataplaneReport(
        keys.bpffs().toString(), dataplane.buildId(), dataplane.hz(), attached, dataplane.notes());
  }

  private static Map<String, Integer> interfaces(NodeStatus status) {
    Map<String, Integer> states = new TreeMap<>();
    status
        .interfaces()
        .ifPresent(
            all ->
                all.interfaces().stream()
                    .filter(nic -> hostEndpoint(nic).isEmpty())
                    .forEach(
                        nic ->
                            states.merge(
                                nic.state().name().toLowerCase(Locale.ROOT), 1, Integer::sum)));
    return states;
  }

  private static Optional<HostEndpoint> hostEndpoint(InterfaceStatus nic) {
    return nic.endpoint().filter(HostEndpoint.class::isInstance).map(HostEndpoint.class::cast);
  }

  private static List<HostEndpointReport> hostEndpoints(NodeStatus status) {
    return status.interfaces().stream()
        .flatMap(all -> all.interfaces().stream())
        .flatMap(
            nic -> hostEndpoint(nic).stream().map(endpoint -> HostEndpointReport.of(nic, endpoint)))
        .toList();
  }

  private static OverlayReport overlay(NodeStatus status) {
    Map<Ways.Way, Integer> nodes = status.routes().map(RouteKeeper.Status::nodes).orElse(Map.of());
    Optional<TunnelKeeper.Up> up = status.tunnel().flatMap(TunnelKeeper.Status::up);
    return new OverlayReport(
        up.map(device -> TunnelDevice.NAME).orElse(""),
        up.map(TunnelKeeper.Up::port).orElse(0),
        up.map(TunnelKeeper.Up::vni).orElse(0),
        up.map(TunnelKeeper.Up::mtu4).orElse(0),
        up.map(TunnelKeeper.Up::mtu6).orElse(0),
        up.stream()
            .flatMap(device -> new TreeMap<>(device.addresses()).values().stream())
            .map(Object::toString)
            .toList(),
        nodes.getOrDefault(Ways.Way.TUNNEL, 0),
        nodes.getOrDefault(Ways.Way.DIRECT, 0),
        nodes.getOrDefault(Ways.Way.UNDERLAY, 0));
  }

  private static Map<String, String> conntrack(NodeStatus status) {
    Map<String, String> tables = new LinkedHashMap<>();
    status
        .conntrack()
        .map(ConntrackKeeper.Stats::families)
        .ifPresent(
            families ->
                new TreeMap<>(families)
                    .forEach(
                        (family, table) ->
                            tables.put(
                                "ct" + family.number(),
                                table.entries()
                                    + "/"
                                    + table.capacity()
                                    + (table.nearlyFull() ? " NEARLY FULL" : ""))));
    return tables;
  }

  private static Map<String, String> maps(NodeStatus status) {
    Map<String, String> maps = new LinkedHashMap<>();
    for (MapActor.Occupancy map : status.maps()) {
      maps.put(map.map(), map.entries() + "/" + map.maxEntries());
    }
    return maps;
  }

  private static List<SettingReport> settings(Settings settings) {
    return settings.lines().stream()
        .filter(line -> line.origin().layer() != Origin.Layer.DEFAULT)
        .map(line -> new SettingReport(line.name(), line.value(), line.origin().toString()))
        .toList();
  }
}
