// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.actor.typed.ActorSystem;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

final class ReplicatedThreeNodesTest extends StateStoreContract {
  @TempDir static Path folder;
  private static StateNodes nodes;

  @BeforeAll
  static void start() {
    nodes = new StateNodes(folder, 2).start(0, 1, 2);
  }

  @AfterAll
  static void stop() {
    nodes.close();
  }

  @Override
  ActorSystem<?> system() {
    return nodes.system(0);
  }

  @Override
  ActorSystem<?> otherSystem() {
    return nodes.system(1);
  }

  @Override
  void restart() {
    nodes.stopAll();
    nodes.start(2, 0, 1);
  }
}
