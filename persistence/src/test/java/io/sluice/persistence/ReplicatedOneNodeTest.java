// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.actor.typed.ActorSystem;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** A cluster of itself, as an agent without a cluster in its file is. */
final class ReplicatedOneNodeTest extends StateStoreContract {
  @TempDir static Path folder;
  private static StateNodes nodes;

  @BeforeAll
  static void start() {
    nodes = new StateNodes(folder, 1).start(0);
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
    restart();
    return nodes.system(0);
  }

  @Override
  void restart() {
    nodes.stopAll();
    nodes.start(0);
  }
}
