// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import static io.sluice.actors.testing.Resources.node;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.typed.ActorRef;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.maps.NodeElement;
import io.sluice.actors.testing.FakeDataplane;
import io.sluice.actors.testing.FakeHostNet;
import io.sluice.actors.testing.FakeMap;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeState;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteKey;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;

/** A keeper of routes with maps and a host in memory. */
abstract class RouteKeeperRig {
  final ActorTestKit kit = ActorTestKit.create();
  final FakeDataplane dataplane = new FakeDataplane(10);
  final FakeHostNet net = new FakeHostNet();
  ActorRef<RouteKeeper.Command> keeper;

  void start() {
    NodeElement node =
        new NodeElement(
            kit.system(), kit.spawn(MapActor.create(dataplane.node(), MapActor.Options.KEEPING)));
    keeper =
        kit.spawn(
            RouteKeeper.create(
                net,
                node,
                new RouteKeeper.Writers(
                    writers(dataplane::routes), writers(dataplane::nodeSources))));
  }

  private <K, V> Map<Family, ActorRef<MapActor.Command<K, V>>> writers(
      Function<Family, FakeMap<K, V>> maps) {
    return Arrays.stream(Family.values())
        .collect(
            Collectors.toMap(
                Function.identity(),
                family ->
                    kit.spawn(MapActor.create(maps.apply(family), MapActor.Options.KEEPING))));
  }

  @AfterEach
  void tearDown() {
    kit.shutdownTestKit();
  }

  Map<RouteKey, Route> map(Family family) {
    return Map.copyOf(dataplane.routes(family).entries);
  }

  static RouteKey key(String address, int prefix) {
    return new RouteKey(prefix, Ip.parse(address));
  }

  int epoch() {
    NodeState state = dataplane.node().entries.get(0);
    return state == null ? 0 : state.routeEpoch();
  }
}
