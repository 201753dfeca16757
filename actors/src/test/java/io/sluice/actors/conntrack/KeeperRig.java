// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.ManualTime;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import io.sluice.actors.conntrack.ConntrackKeeper.Stats;
import io.sluice.actors.limits.LimitMaps;
import io.sluice.actors.testing.FakeDataplane;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A keeper of tables in memory, in driven time. */
abstract class KeeperRig {
  final ActorTestKit kit = ActorTestKit.create(ManualTime.config());
  final ManualTime time = ManualTime.get(kit.system());
  final FakeDataplane dataplane = new FakeDataplane(1000);
  final TestProbe<Stats> probe = kit.createTestProbe();
  ActorRef<ConntrackKeeper.Command> keeper;

  @BeforeEach
  void startKeeper() {
    keeper =
        kit.spawn(
            ConntrackKeeper.create(
                dataplane,
                ConntrackKeeper.Settings.of(() -> Timeouts.DEFAULTS),
                new LimitMaps(dataplane)));
  }

  @AfterEach
  void stopKit() {
    kit.shutdownTestKit();
  }
}
