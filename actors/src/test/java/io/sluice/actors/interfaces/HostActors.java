// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import akka.actor.typed.ActorRef;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.ActorContext;
import io.sluice.actors.conntrack.ConntrackKeeper;
import io.sluice.actors.host.HostLedger;
import io.sluice.actors.host.HostNet;
import io.sluice.actors.host.HostSettings;
import io.sluice.actors.host.Sysctls;
import io.sluice.actors.limits.LimitMaps;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.maps.MapManager;
import io.sluice.actors.maps.NodeElement;
import io.sluice.actors.policy.ManagedPolicies;
import io.sluice.actors.policy.PolicyManager;
import io.sluice.actors.routes.RouteKeeper;
import io.sluice.actors.tables.Nftables;
import io.sluice.actors.tables.TablesKeeper;
import io.sluice.actors.testing.AllowAll;
import io.sluice.kernel.dataplane.Dataplane;

/**
 * The actors of the host side of a node, made and connected. What the source says goes to {@link
 * #interfaces()} alone, which passes on what the routes need.
 */
record HostActors(
    ActorRef<InterfaceManager.Command> interfaces,
    ActorRef<RouteKeeper.Command> routes,
    ActorRef<TablesKeeper.Command> tables,
    ActorRef<ConntrackKeeper.Command> conntrack) {
  /**
   * What they work with.
   *
   * @param nodeName this node, as the resources name it
   * @param writers of the maps; those of routes must leave sweeping to {@link RouteKeeper}
   */
  record Parts(
      String nodeName,
      InterfaceSettings interfaces,
      ConntrackKeeper.Settings conntrack,
      Dataplane dataplane,
      MapManager.Writers writers,
      SlotPromises slots,
      HostNet net,
      Sysctls sysctls,
      HostLedger ledger,
      Nftables nftables) {}

  /** Spawns them as children; those that block, on the kernel dispatcher. */
  static HostActors spawn(ActorContext<?> context, Parts parts) {
    DispatcherSelector kernel = DispatcherSelector.fromConfig(MapActor.KERNEL_DISPATCHER);
    NodeElement node = new NodeElement(context.getSystem(), parts.writers().node());
    ActorRef<RouteKeeper.Command> routes =
        context.spawn(
            RouteKeeper.create(parts.net(), node, RouteKeeper.Writers.of(parts.writers())),
            "routes",
            kernel);
    ActorRef<TablesKeeper.Command> tables =
        context.spawn(
            TablesKeeper.create(parts.nftables(), parts.sysctls(), parts.net()), "tables", kernel);
    LimitMaps limits = new LimitMaps(parts.dataplane());
    ActorRef<ConntrackKeeper.Command> conntrack =
        context.spawn(
            ConntrackKeeper.create(parts.dataplane(), parts.conntrack(), limits),
            "conntrack",
            kernel);
    ActorRef<PolicyManager.Command> policy =
        context.spawn(
            PolicyManager.create(
                AllowAll.SETTINGS,
                AllowAll.parts(parts.dataplane(), conntrack),
                PolicyManager.Options.DEFAULT),
            "policy");
    LiveInterfaceHost.Owners owners =
        new LiveInterfaceHost.Owners(
            parts.writers().ifaces(),
            node,
            routes,
            tables,
            conntrack,
            parts.slots(),
            new ManagedPolicies(context.getSystem(), policy),
            limits);
    LiveInterfaceHost host =
        new LiveInterfaceHost(
            context.getSystem(),
            parts.dataplane(),
            parts.net(),
            new HostSettings(parts.net(), parts.sysctls(), parts.ledger()),
            owners);
    ActorRef<InterfaceManager.Command> interfaces =
        context.spawn(
            InterfaceManager.create(
                parts.nodeName(), parts.interfaces(), parts.net(), host, owners),
            "interfaces");
    return new HostActors(interfaces, routes, tables, conntrack);
  }
}
