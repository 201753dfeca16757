// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors;

import io.sluice.actors.affinity.AffinityKeeper;
import io.sluice.actors.conntrack.ConntrackKeeper;
import io.sluice.actors.dsr.OptOutKeeper;
import io.sluice.actors.health.HealthKeeper;
import io.sluice.actors.host.TunnelDevice;
import io.sluice.actors.interfaces.InterfaceActor.State;
import io.sluice.actors.interfaces.InterfaceManager;
import io.sluice.actors.interfaces.InterfaceManager.InterfaceStatus;
import io.sluice.actors.maglev.MaglevKeeper;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.policy.PolicyManager;
import io.sluice.actors.routes.RouteKeeper;
import io.sluice.actors.services.ServiceManager;
import io.sluice.actors.services.ServiceSyncer;
import io.sluice.actors.tables.TablesKeeper;
import io.sluice.actors.tunnel.TunnelKeeper;
import io.sluice.config.settings.Settings;
import io.sluice.config.source.Snapshot;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How a node is: what its keepers say, each for itself. One that did not answer in time is empty.
 *
 * @param begun whether the keepers have been started
 * @param snapshot the source's latest view
 * @param changed when the source delivered it; the epoch before it has delivered anything
 * @param settings those that it puts into force
 * @param restart settings that have changed but need a restart, a line each
 * @param maps of those that answered
 * @param maglev tables that nodes share
 * @param dsrOptOut likewise, the networks that opt out of direct server return
 * @param health what load balancers are told
 * @param policy what is enforced
 */
public record NodeStatus(
    boolean begun,
    Snapshot snapshot,
    Instant changed,
    Settings settings,
    List<String> restart,
    Optional<InterfaceManager.Status> interfaces,
    Optional<ServiceSyncer.Status> services,
    Optional<ServiceManager.Notices> notices,
    Optional<TablesKeeper.Status> tables,
    Optional<ConntrackKeeper.Stats> conntrack,
    Optional<AffinityKeeper.Stats> affinity,
    Optional<RouteKeeper.Status> routes,
    Optional<TunnelKeeper.Status> tunnel,
    List<MapActor.Occupancy> maps,
    Optional<MaglevKeeper.Status> maglev,
    Optional<OptOutKeeper.Status> dsrOptOut,
    Optional<HealthKeeper.Status> health,
    Optional<PolicyManager.Status> policy) {
  /** Why the node is not ready, a line each; empty if it is. */
  public List<String> unready() {
    List<String> reasons = new ArrayList<>();
    if (!begun) {
      return List.of("the agent is starting");
    }
    if (!snapshot.inSync()) {
      // Everything else waits for it, and would only repeat that.
      return List.of(
          "the source is not in sync: "
              + snapshot.problems().stream()
                  .map(Object::toString)
                  .findFirst()
                  .orElse("it has not been read whole yet"));
    }
    interfaces.ifPresentOrElse(
        status -> ofInterfaces(status, reasons), () -> silent("interfaces", reasons));
    services.ifPresentOrElse(
        status -> ofServices(status, reasons), () -> silent("services", reasons));
    tables.ifPresentOrElse(status -> ofTables(status, reasons), () -> silent("tables", reasons));
    policy.ifPresentOrElse(
        status -> {
          if (!status.applied()) {
            reasons.add("policies are not applied yet");
          }
        },
        () -> silent("policies", reasons));
    if (conntrack.isEmpty()) {
      silent("conntrack", reasons);
    }
    if (routes.isEmpty()) {
      silent("routes", reasons);
    }
    tunnel.ifPresentOrElse(
        status -> ofTunnel(status, reasons), () -> silent("the tunnel", reasons));
    for (MapActor.Occupancy map : maps) {
      map.failure().ifPresent(f -> reasons.add("map " + map.map() + " cannot be written: " + f));
    }
    return List.copyOf(reasons);
  }

  private static void silent(String keeper, List<String> reasons) {
    reasons.add("the keeper of " + keeper + " does not answer");
  }

  private static void ofInterfaces(InterfaceManager.Status status, List<String> reasons) {
    if (!status.begun()) {
      reasons.add("the host is not prepared yet, see the log");
      return;
    }
    int before = reasons.size();
    for (InterfaceStatus nic : status.interfaces()) {
      if (nic.endpoint().isPresent() && nic.state() != State.READY && nic.ifindex() != 0) {
        reasons.add(
            "interface %s%s is not ready: %s"
                .formatted(
                    nic.nic(),
                    nic.endpoint().get().ofWhom(),
                    nic.detail().isEmpty() ? nic.state() : nic.detail()));
      }
    }
    if (!status.settled() && reasons.size() == before) {
      reasons.add("interfaces are being brought to what the source says");
    }
  }

  private static void ofServices(ServiceSyncer.Status status, List<String> reasons) {
    if (!status.applied()) {
      reasons.add("services are not applied yet");
    }
    status
        .problems()
        .forEach(
            (service, problem) ->
                reasons.add("service " + service + " is not applied: " + problem));
  }

  private static void ofTables(TablesKeeper.Status status, List<String> reasons) {
    if (!status.present()) {
      reasons.add("table inet sluice is not applied, see the log");
    }
  }

  private static void ofTunnel(TunnelKeeper.Status status, List<String> reasons) {
    if (status.failure().isPresent()) {
      reasons.add(
          "the device %s is not ready: %s".formatted(TunnelDevice.NAME, status.failure().get()));
    } else if (status.needed() && status.up().isEmpty()) {
      reasons.add("the device %s is being made".formatted(TunnelDevice.NAME));
    }
  }

  private static String missing(InterfaceStatus nic) {
    return "interface %s of %s does not exist: it is set up when it appears"
        .formatted(nic.nic(), nic.workload().orElseThrow().owner());
  }

  /** Everything that its owners should know, whether it keeps the node from being ready or not. */
  public List<String> problems() {
    List<String> problems = new ArrayList<>();
    snapshot.problems().forEach(problem -> problems.add(problem.toString()));
    interfaces.ifPresent(
        status -> {
          status.refusals().forEach(line -> problems.add("refused: " + line));
          status.interfaces().stream()
              .filter(nic -> nic.workload().isPresent() && nic.ifindex() == 0)
              .map(NodeStatus::missing)
              .forEach(problems::add);
        });
    services.ifPresent(
        status -> status.problems().forEach((s, p) -> problems.add("service " + s + ": " + p)));
    policy.ifPresent(
        status -> {
          status
              .failures()
              .forEach((nic, line) -> problems.add("policy of interface " + nic + ": " + line));
          problems.addAll(status.problems());
        });
    routes.ifPresent(status -> problems.addAll(status.problems()));
    tunnel.flatMap(TunnelKeeper.Status::up).ifPresent(device -> problems.addAll(device.problems()));
    notices.ifPresent(
        all ->
            all.notices()
                .forEach((key, lines) -> lines.forEach(line -> problems.add(key + ": " + line))));
    maglev.ifPresent(
        status -> status.problems().forEach((s, p) -> problems.add("service " + s + ": " + p)));
    dsrOptOut
        .map(OptOutKeeper.Status::problem)
        .filter(problem -> !problem.isEmpty())
        .ifPresent(problem -> problems.add("bpfDSROptoutCIDRs: " + problem));
    health.ifPresent(
        status -> status.problems().forEach((port, p) -> problems.add(port + " " + p)));
    problems.addAll(restart);
    return List.copyOf(problems);
  }
}
